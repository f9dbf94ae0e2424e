"""The journal is what it says, whatever happens; the judge of every other test looks at it too (lab/journal.py)."""

import json
import os
import signal
import time

from lab import journal as lab_journal
from lab.journal import Journal, verdict_hash
from lab.judge import expectation
from lab.processes import until

SEEN_SECONDS = 30  # What is waited for takes a second or two; the rest is for busy cores.


def journal_of(bench):
    return Journal(bench.records(bench.journal))


def verdicts_of(bench):
    """By partition the (offset, verdict) of each input record, as its producer says it must come out."""
    found = {}
    for record in sorted(bench.records(bench.input)):
        found.setdefault(record.partition, []).append((record.offset, expectation(record)))
    return found


def test_a_journal_tells_what_was_done(bench):
    bench.topics(2)
    bench.generate(count=3000, rate=0, format="mixed", malformed=0.1, missing=0.1)
    weir = bench.weir(transaction={"max_records": 400})
    bench.drained()
    assert weir.stop() == 0
    report = bench.judge()
    report.assert_clean()
    records = bench.records(bench.journal)
    journal = Journal(records)
    batches = [batch for found in journal.batches.values() for batch in found]
    assert sum(batch["pass"] for batch in batches) == report.passed
    assert sum(sum(batch["reject"].values()) for batch in batches) == sum(report.rejected.values())
    [plan] = journal.plans.values()
    # Plan, configuration and schemas are there, whole, and as they were.
    assert plan["pipeline"] == bench.name
    for side, subject in (("reader", "user-login-value"), ("output", "processed-user-login-value")):
        text = (bench.schemas / subject / "v1.avsc").read_text()
        assert journal.texts[plan[side]["text"]] == text
        assert plan[side]["subject"] == subject
    config = journal.texts[plan["config"]]
    assert f"topic: {bench.input}" in config and 'format: "ip"' in config
    assert bench.cluster.bootstrap not in config
    whoever_changes_it_is_found_out(bench, sorted(records))


def altered(change):
    """Alters the value of a batch in the middle of a chain."""

    def alter(records):
        at = [i for i, record in enumerate(records) if record.key.startswith(b"batch:") and record.key.endswith(b":0")]
        value = json.loads(records[at[1]].value)
        change(value)
        records[at[1]] = records[at[1]]._replace(value=json.dumps(value).encode())

    return alter


def without_a_batch(records):
    at = [i for i, record in enumerate(records) if record.key.startswith(b"batch:")]
    del records[at[1]]


def without(kind):
    """Takes out the first of that kind, as often as it is there."""

    def take(records):
        key = next(record.key for record in records if record.key.startswith(kind))
        records[:] = [record for record in records if record.key != key]

    return take


def moved_verdict(batch):
    """One less has passed and one more was dropped: the sum is right."""
    batch["pass"], batch["drop"] = batch["pass"] - 1, batch["drop"] + 1


TAMPERING = {
    "a batch is missing": (without_a_batch, "does not lead to"),
    "a plan is missing": (without(b"plan:"), "is not there"),
    "a text is missing": (without(b"text:"), "is not there"),
    "a batch stands there twice": (lambda records: records.append(records[-1]._replace(offset=1 << 40)), "beside its chain"),
    "a batch ends elsewhere": (altered(lambda batch: batch.update(next=batch["next"] + 1)), "does not lead to"),
    "a batch starts elsewhere": (altered(lambda batch: batch.update({"from": batch["from"] - 1})), "does not lead to"),
    "other counts": (altered(moved_verdict), "counts"),
    "another hash": (altered(lambda batch: batch.update(hash=f"{int(batch['hash'], 16) ^ 1:016x}")), "has hash"),
    "another plan": (altered(lambda batch: batch.update(plan="0" * 32)), "is not there"),
}


def whoever_changes_it_is_found_out(bench, records):
    """What the producers meant is enough to judge a journal by; one that was tampered with does not pass."""
    verdicts = verdicts_of(bench)
    committed = bench.hands.committed(bench.name, bench.input)

    def blamed(records, verdicts):
        found = []
        lab_journal.judge(records, verdicts, committed, found.append)
        return found

    assert blamed(records, verdicts) == []
    for what, (tamper, finding) in TAMPERING.items():
        tampered = list(records)
        tamper(tampered)
        assert any(finding in text for text in blamed(tampered, verdicts)), what
    # Another outcome of one record, which no count tells: two of them are exchanged.
    i = next(i for i, (_, verdict) in enumerate(verdicts[0]) if verdict != verdicts[0][i + 1][1])
    (first, one), (second, other) = verdicts[0][i : i + 2]
    verdicts[0][i : i + 2] = [(first, other), (second, one)]
    assert any("has hash" in text for text in blamed(records, verdicts))


def test_a_schema_that_changes_is_another_plan(bench, schemas):
    bench.topics(1)
    weir = bench.weir(registry={"dir": str(schemas), "poll": "1h"})
    bench.generate(count=300, rate=0)
    bench.drained()
    written = schemas / "processed-user-login-value"
    text = (written / "v1.avsc").read_text().replace('"fields": [', '"fields": [{"name": "region", "type": "string", "default": ""},')
    (written / "v2.avsc").write_text(text)
    os.kill(weir.process.pid, signal.SIGHUP)
    weir.wait_for_log("event=schema .*version 2, was 1", SEEN_SECONDS)
    # What was being gathered at that moment is still done under the old one.
    for seed in (2, 3):
        bench.generate(count=300, rate=0, seed=seed)
        bench.drained()
    assert weir.stop() == 0
    journal = journal_of(bench)
    chain = journal.chain(0, 900)
    versions = [journal.plans[batch["plan"]]["output"]["version"] for batch in chain]
    assert versions[0] == 1 and versions[-1] == 2 and versions == sorted(versions)
    assert {plan["reader"]["version"] for plan in journal.plans.values()} == {1}
    [newer] = [plan["output"] for plan in journal.plans.values() if plan["output"]["version"] == 2]
    assert journal.texts[newer["text"]] == text


def test_the_chain_goes_on_through_rebalances_kills_and_another_configuration(bench):
    bench.topics()
    load = bench.load(rate=3000, duration="4s", format="mixed", malformed=0.05)
    one = bench.weir(instance="one")
    until(lambda: bench.hands.committed(bench.name, bench.input), SEEN_SECONDS, "the first commit")
    two = bench.weir(instance="two")
    two.wait_for_log("event=assigned.*2 partitions", SEEN_SECONDS)
    time.sleep(0.5)
    two.kill()
    assert one.stop() == 0
    # Another rule, which decides nothing here, is another plan all the same.
    for weir in (one, two):
        weir.configure(bench.config(drop_when=[{"field": "locale", "in": ["nowhere"]}]))
        weir.start()
    bench.finished(load)
    bench.generate(count=2000, rate=0, seed=2)
    bench.drained()
    assert one.stop() == 0
    assert two.stop() == 0
    bench.judge().assert_clean()
    journal = journal_of(bench)
    assert len(journal.plans) == 2
    committed = bench.hands.committed(bench.name, bench.input)
    for partition, offset in committed.items():
        plans = [batch["plan"] for batch in journal.chain(partition, offset)]
        assert set(plans) == set(journal.plans), "each partition was done under both"


def test_verdicts_that_bytes_do_not_tell_are_named(bench):
    bench.topics(1)
    unknown = b"\0\0\0\0\x7bxyz"
    records = [unknown if 3 <= i < 6 or i == 8 else b"rubbish" for i in range(10)]
    bench.hands.write(bench.input, [{"value": value, "timestamp_ms": 1} for value in records])
    weir = bench.weir()
    bench.drained()
    assert weir.stop() == 0
    [batch] = journal_of(bench).batches[0]
    assert batch["reject"] == {"unknown_schema": 4, "bad_magic": 6}
    code = "unknown_schema"
    assert batch["given"] == [{"first": 3, "last": 5, "code": code}, {"first": 8, "last": 8, "code": code}]
    verdicts = [(i, f"REJECT {code if value is unknown else 'bad_magic'}") for i, value in enumerate(records)]
    assert batch["hash"] == verdict_hash(verdicts)


def test_nothing_is_done_that_cannot_be_written_down(bench):
    bench.topics(1)
    bench.generate(count=100, rate=0)
    weir = bench.weir(journal={"topic": f"{bench.name}-later"}, start=False)
    bench.hands.delete(bench.journal)
    weir.start()
    [line] = weir.wait_for_log("event=topic_missing", SEEN_SECONDS)
    assert "journal: off" in line
    time.sleep(1.5)
    assert bench.hands.committed(bench.name, bench.input) == {}
    bench.hands.create(bench.journal, 1)
    bench.drained()
    assert len(weir.lines("event=topic_missing")) == 1
    assert weir.stop() == 0
    bench.judge().assert_clean()
