"""weir audit on real Kafka: it finds nothing where nothing is wrong, and each kind of damage where it was planted."""

import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab.judge import AvroCoordinates, letter_coordinates
from lab.logins import plain
from lab.processes import until
from lab.weir import binary

SEEN_SECONDS = 30
RUN_SECONDS = 120
LOAD = 1000  # Records of each test that plants damage.


class Audit:
    """`weir audit` of a bench, of its own topics or of copies in their place."""

    def __init__(self, bench):
        self.bench = bench

    def run(self, *words, status=0, **changes):
        path = self.bench.folder / "audit.yaml"
        path.write_text(json.dumps(self.bench.config(**changes)))
        argv = [str(binary()), "audit", "-c", str(path), *words]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=RUN_SECONDS, check=False)
        assert done.returncode == status, f"{argv}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout if status in (0, 1) else done.stderr

    def json(self, *words, **options):
        return json.loads(self.run(*words, "--json", **options))

    def clean(self, **options):
        report = self.json(**options)
        assert report["findings"] == [] and report["not_provable"] == 0 and report["why_not_provable"] == ""
        return report

    def copy(self, topic, change, partitions):
        """A copy of a topic with what change(records) makes of it."""
        records = sorted(self.bench.records(topic))
        name = f"{topic}-{change.__name__}"
        self.bench.hands.create(name, partitions)
        self.bench.hands.write(
            name,
            [
                {"key": r.key, "value": r.value, "headers": list(r.headers), "partition": r.partition, "timestamp_ms": r.timestamp}
                for r in change(records)
            ],
        )
        return name


@pytest.fixture
def audit(bench):
    return Audit(bench)


def test_what_kills_and_rebalances_leave_behind_is_clean(bench, audit):
    bench.topics()
    load = bench.load(rate=3000, duration="3s", format="mixed", malformed=0.1, missing=0.05)
    one = bench.weir(instance="one", transaction={"max_records": 500})
    until(lambda: bench.hands.committed(bench.name, bench.input), SEEN_SECONDS, "the first commit")
    two = bench.weir(instance="two", transaction={"max_records": 500})
    two.wait_for_log("event=assigned.*2 partitions", SEEN_SECONDS)
    assert audit.clean()["records"] > 0, "while the pipeline runs"
    two.kill()
    with ThreadPoolExecutor(1) as beside:
        # It waits for the transaction that was left open, until the successor has ended it.
        report = beside.submit(audit.clean)
        two.start()
        assert report.result()["records"] > 0
    bench.finished(load)
    bench.drained()
    report = audit.clean()
    assert one.stop() == 0
    assert two.stop() == 0
    seen = bench.judge()
    seen.assert_clean()
    assert report["records"] == seen.inputs and report["passed"] == seen.passed
    assert report["codes"] == dict(seen.rejected) and report["letters"]["open"] == sum(seen.rejected.values())
    assert "Clean" in audit.run()
    assert sum(audit.json("--partition", str(p))["records"] for p in range(4)) == seen.inputs


def test_filters_json_and_other_partitions(bench, audit):
    """Output as JSON, by key in another number of partitions, with a filter and headers."""
    for topic, partitions in ((bench.input, 3), (bench.output, 5), (bench.dead, 2)):
        bench.hands.create(topic, partitions)
    headers = [("trace", b"1"), ("trace", b"2"), ("__weir.forged", b"x")]
    records = [
        {"value": plain(locale="RU" if i % 5 == 0 else "US", ip="999.1.1.1" if i % 7 == 0 else "1.1.1.1"),
         "key": b"key-%d" % (i % 11) if i % 3 else None, "headers": headers, "partition": i % 3}
        for i in range(600)
    ]
    tombstone = {"value": None, "key": b"gone", "partition": 0}
    # That no registry knew the id is what the journal says, and only it.
    unknown = {"value": b"\0\0\0\0\x7bxyz", "partition": 1, "timestamp_ms": 1}
    bench.hands.write(bench.input, [*records, tombstone, unknown])
    changes = {
        "input": {"tombstone": "pass"},
        "output": {"format": "json", "partition": "key"},
        "dead_letter": {"dialect": "connect"},
        "drop_when": [{"field": "locale", "in": ["RU"]}],
    }
    weir = bench.weir(**changes)
    bench.drained()
    assert weir.stop() == 0
    report = audit.clean(**changes)
    assert report["records"] == 602 and report["dropped"] == 120 and report["codes"]["unknown_schema"] == 1
    assert report["passed"] + report["dropped"] + report["rejected"] == 602
    # Under other rules the same again: what was done before is judged by the rules of then.
    later = {**changes, "drop_when": [{"field": "locale", "in": ["US"]}], "check": None}
    bench.hands.write(bench.input, records)
    weir.configure(bench.config(**later))
    weir.start()
    bench.drained()
    assert weir.stop() == 0
    report = audit.clean(**changes)
    assert report["records"] == 1202 and report["dropped"] == 120 + 480


def test_replayed_letters_have_their_outcome(bench, audit):
    bench.topics(2)
    for name, settings in (("ledger", {"cleanup_policy": "compact"}), ("audit", {}), ("parking", {})):
        bench.hands.create(f"{bench.name}-dlq-{name}", **settings)
    bad = [{"value": plain(ip="999.1.1.1"), "key": b"k%d" % i, "partition": i % 2} for i in range(40)]
    bench.hands.write(bench.input, [*bad, *({"value": plain(), "partition": i % 2} for i in range(40))])
    weir = bench.weir()
    bench.drained()
    assert weir.stop() == 0
    mended = bench.folder / "mended.yaml"
    mended.write_text(json.dumps(bench.config(check=None)))
    for verb, places in (("replay", [f"{p}:{o}" for p in (0, 1) for o in range(10)]), ("discard", ["0:15"]), ("park", ["1:15"])):
        argv = [str(binary()), "dlq", verb, "-c", str(mended), "--yes", *places]
        subprocess.run(argv, check=True, capture_output=True, timeout=RUN_SECONDS)
    report = audit.clean()
    assert report["letters"] == {"open": 18, "replayed": 20, "parked": 1, "discarded": 1}
    # One of the replayed comes once more, and the ledger says of an open one that it was replayed.
    decode = AvroCoordinates(bench.schemas, "processed-user-login-value")
    twin = next(r for r in bench.records(bench.output) if decode(r) == (0, 3))
    bench.hands.write(bench.output, [{"key": twin.key, "value": twin.value, "partition": twin.partition}])
    said = {"v": 1, "state": "replayed", "attempts": 0, "change": 1, "at": 1, "to": bench.output}
    bench.hands.write(f"{bench.name}-dlq-ledger", [{"key": f"{bench.input}:1:17".encode(), "value": json.dumps(said).encode()}])
    found = audit.json(status=1)["findings"]
    assert [(f["kind"], f["partition"], f["offset"]) for f in found] == [("doubled", 0, 3), ("lost", 1, 17)]


# --- planted damage ---


def flipped(record):
    """One bit of the first text, so that it stays a value of the schema."""
    value = bytearray(record.value)
    at = next(k for k in range(8, len(value)) if chr(value[k]).isalnum())
    value[at] ^= 1
    return record._replace(value=bytes(value))


# What is made of one record, and what must be found of it.
DAMAGE = {
    "missing": (lambda r: [], "lost", ""),
    "doubled": (lambda r: [r, r], "doubled", ""),
    "changed": (lambda r: [flipped(r)], "altered", "value"),
    "with another key": (lambda r: [r._replace(key=b"other")], "altered", "key"),
    "with one header more": (lambda r: [r._replace(headers=(*r.headers, ("more", b"")))], "altered", "headers"),
    "with another time": (lambda r: [r._replace(timestamp=r.timestamp + 1)], "altered", "timestamp"),
    "in another partition": (lambda r: [r._replace(partition=1 - r.partition)], "misrouted", "another partition"),
}


@pytest.fixture
def done(bench):
    """A pipeline that has done its load."""
    bench.topics(2)
    bench.generate(count=LOAD, rate=0, malformed=0.1, headers=0)
    weir = bench.weir(transaction={"max_records": 150})
    bench.drained()
    assert weir.stop() == 0
    return bench


def plant(audit, topic, coordinates, damages):
    """A copy of the topic in which so many records are damaged, each in its way; and what must be found."""
    due = []

    def damaged(records):
        step = len(records) // (len(damages) + 1)
        victims = {i * step: DAMAGE[name] for i, name in enumerate(damages, start=1)}
        made = []
        for i, record in enumerate(records):
            change, kind, text = victims.get(i, (lambda r: [r], None, None))
            made += change(record)
            if kind:
                due.append((kind, coordinates(record), text))
        return made

    return audit.copy(topic, damaged, 2), due


def found_all(report, due):
    """What was planted was found, in the right place and by the right name, and nothing else."""
    found = {(f["kind"], (f["partition"], f["offset"])): f["text"] for f in report["findings"]}
    assert set(found) == {(kind, place) for kind, place, _ in due}
    assert all(text in found[kind, place] for kind, place, text in due)
    assert len(report["findings"]) == len(due)


def test_each_kind_of_damage_is_found_and_nothing_else(done, audit):
    audit.clean()
    output, due = plant(audit, done.output, AvroCoordinates(done.schemas, "processed-user-login-value"), DAMAGE)
    dead, more = plant(audit, done.dead, letter_coordinates, [name for name in DAMAGE if name != "changed"])
    places = {"output": {"topic": output}, "dead_letter": {"topic": dead}}
    found_all(audit.json(status=1, **places), due + more)
    text = audit.run(status=1, **places)
    assert f"{len(due + more)} findings." in text
    assert all(re.search(rf"^{kind} +{p}:{o} ", text, re.M) for kind, (p, o), _ in due + more)


def test_what_went_to_the_wrong_topic_or_came_from_nowhere_is_found(done, audit):
    decode = AvroCoordinates(done.schemas, "processed-user-login-value")
    letters, outputs = sorted(done.records(done.dead)), sorted(done.records(done.output))
    victim, twin = letters[0], outputs[0]
    place = letter_coordinates(victim)

    def zigzag(number):
        number, out = number * 2, b""
        while number >= 0x80:
            out, number = out + bytes([number & 0x7F | 0x80]), number >> 7
        return out + bytes([number])

    # The coordinates are the last two fields of the output's schema.
    tail = zigzag(decode(twin)[0]) + zigzag(decode(twin)[1])
    assert twin.value.endswith(tail)
    forged = twin._replace(value=twin.value[: -len(tail)] + zigzag(place[0]) + zigzag(place[1]))

    def gone(records):
        return [r for r in records if letter_coordinates(r) != place]

    def passed(records):
        return [*records, forged, twin._replace(value=twin.value[:-1])]

    output, dead = audit.copy(done.output, passed, 2), audit.copy(done.dead, gone, 2)
    report = audit.json(status=1, output={"topic": output}, dead_letter={"topic": dead})
    unreadable, misrouted = sorted(report["findings"], key=lambda f: f["kind"], reverse=True)
    assert (misrouted["kind"], misrouted["partition"], misrouted["offset"], misrouted["topic"]) == ("misrouted", *place, output)
    assert unreadable["kind"] == "unreadable" and unreadable["at_partition"] == twin.partition


def test_a_journal_that_was_tampered_with_is_found(done, audit):
    def other_hash(records):
        at = [i for i, r in enumerate(records) if r.key.startswith(b"batch:")][2]
        value = json.loads(records[at].value)
        value["hash"] = "0123456789abcdef"
        records[at] = records[at]._replace(value=json.dumps(value).encode())
        return records

    def without_one(records):
        at = [i for i, r in enumerate(records) if r.key.startswith(b"batch:")]
        del records[at[-3]]
        return records

    def other_plan(records):
        at = next(i for i, r in enumerate(records) if r.key.startswith(b"plan:"))
        records[at] = records[at]._replace(value=records[at].value.replace(b'"version":1', b'"version":2'))
        return records

    for tamper, kinds in ((other_hash, {"batch"}), (without_one, {"chain"})):
        journal = audit.copy(done.journal, tamper, 1)
        report = audit.json(status=1, journal={"topic": journal})
        assert {f["kind"] for f in report["findings"]} == kinds and len(report["findings"]) == 1
    journal = audit.copy(done.journal, other_plan, 1)
    report = audit.json(status=1, journal={"topic": journal})
    assert [f["kind"] for f in report["findings"]] == ["journal"] and report["records"] == 0
    assert report["not_provable"] == LOAD and "plan" in report["why_not_provable"]


def test_what_is_gone_is_not_provable_and_no_finding(done, audit):
    ends = done.hands.ends(done.output)
    done.hands.delete_records(done.output, {p: end // 2 for p, end in ends.items()})
    report = audit.json()
    assert report["findings"] == [] and 0 < report["not_provable"] < report["records"]
    assert done.output in report["why_not_provable"]
    # Of the input, the batches whose records are gone.
    before = report["records"]
    done.hands.delete_records(done.input, {0: 200})
    report = audit.json()
    assert report["findings"] == [] and 0 < report["records"] < before
    # Of the journal, batches, and the plan of all of them.
    done.hands.delete_records(done.journal, {0: done.hands.ends(done.journal)[0] // 2})
    report = audit.json()
    assert report["findings"] == [] and report["records"] == 0 < report["not_provable"]
    assert "Nothing could be judged" in audit.run()


def test_without_coordinates_it_counts_and_says_so(bench, audit, schemas):
    written = schemas / "processed-user-login-value" / "v1.avsc"
    schema = json.loads(written.read_text())
    schema["fields"] = [field for field in schema["fields"] if not field["name"].startswith("source_")]
    written.write_text(json.dumps(schema))
    changes = {"registry": {"dir": str(schemas)}, "set": {"source_partition": None, "source_offset": None}}
    bench.topics(2)
    bench.generate(count=500, rate=0, malformed=0.1, headers=0)
    weir = bench.weir(**changes)
    bench.drained()
    assert weir.stop() == 0
    report = audit.json(**changes)
    assert report["findings"] == [] and report["counts_only"]
    assert "only counted" in audit.run(**changes)

    def one_less(records):
        return records[1:]

    output = audit.copy(bench.output, one_less, 2)
    report = audit.json(status=1, **changes, output={"topic": output})
    assert [f["kind"] for f in report["findings"]] == ["count"]


def test_what_cannot_be_proven_by_is_refused(done, audit):
    assert "journal is off" in audit.run(status=78, journal="off")
    done.hands.configure(done.output, cleanup_policy="compact")
    assert "cleanup.policy=compact" in audit.run(status=78)
