"""The whole story of a producer that breaks the schema: from the alert to the proof, on a real registry."""

import json
import subprocess

from lab.devices import device_logins, device_schema
from lab.judge import EXPECT, WireCoordinates, letter_coordinates
from lab.letters import Letters
from lab.weir import binary

SEEN_SECONDS = 30  # What is waited for takes a second or two; the rest is for busy cores.
RUN_SECONDS = 60
LOAD, BROKEN, RUBBISH = 1800, 200, 3  # Good records, those of the new application (10 %), and what nothing can mend.
OLD, NEW = ("android", "ios"), ("android", "ios", "watch")


class Story:
    """A pipeline with its schemas in a registry, and two applications that write into it."""

    def __init__(self, bench, registry):
        self.bench, self.registry = bench, registry
        self.letters = Letters(bench, partitions=4)
        self.read, self.written = f"{bench.input}-value", f"{bench.output}-value"
        self.old = registry.register(self.read, device_schema("user-login-value", OLD))
        # The data team has a subject of its own, so that nobody was asked.
        self.new = registry.register(f"{bench.name}-watch-value", device_schema("user-login-value", NEW))
        registry.register(self.written, device_schema("processed-user-login-value", NEW))
        self.weir = bench.weir(
            registry={"dir": None, "url": registry.url, "poll": "1s"},
            input={"schema": {"subject": self.read}},
            output={"schema": {"subject": self.written}},
        )
        self.letters.config = self.weir.config_path

    def produce(self, *loads):
        """Writes what applications have made, mixed as it comes, and waits until it is done."""
        records = [record for load in loads for record in load]
        records.sort(key=lambda record: (record["key"], record["value"]))
        self.bench.hands.write(self.bench.input, records)
        self.bench.drained()

    def tool(self, *words, status=0):
        """Runs weir with the pipeline's configuration; what it printed as JSON, line by line."""
        argv = [str(binary()), *map(str, words), "-c", str(self.weir.config_path), "--json"]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=RUN_SECONDS, check=False)
        assert done.returncode == status, f"{argv}: {done.returncode}\n{done.stdout}{done.stderr}"
        return [json.loads(line) for line in done.stdout.splitlines()]

    def judge(self, **options):
        coordinates = WireCoordinates(lambda number: self.registry.ask(f"/schemas/ids/{number}")["schema"])
        report = self.bench.judge(coordinates, **options)
        report.assert_clean()
        return report


def test_from_the_alert_to_the_proof(bench, registry):
    story = Story(bench, registry)
    rubbish = {"value": b"rubbish", "headers": [(EXPECT, b"REJECT bad_magic")]}
    story.produce(
        device_logins(story.old, OLD, LOAD, b"PASS"),
        device_logins(story.new, NEW, BROKEN, b"REJECT bad_enum"),
        [{**rubbish, "key": b"user-%d" % i} for i in range(RUBBISH)],
    )
    assert not story.weir.lines("event=breaker"), "a tenth is not enough for it"
    report = story.judge()
    assert report.rejected == {"bad_enum": BROKEN, "bad_magic": RUBBISH}

    # What failed, and would it pass now?
    stats = story.tool("dlq", "stats")[0]
    assert stats["field"] == {"device_type": BROKEN, "-": RUBBISH}
    assert stats["schema_id"][str(story.new)] == BROKEN
    outlook = story.tool("dlq", "replay", "--field", "device_type")[0]
    assert (outlook["pass"], outlook["reject"]) == (0, BROKEN)

    # A new version is checked, registered, and followed by the pipeline.
    version = bench.folder / "v2.avsc"
    version.write_text(json.dumps(device_schema("user-login-value", NEW)))
    answers = story.tool("schema", "check", version, "--subject", story.read, "--records", 1000000)
    assert [(row["question"], row["answer"]) for row in answers if "question" in row] == [
        ("plan", "fits"), ("registry", "would take it"), ("records", "none comes off worse")]
    run = {row["records"]: (row["now"]["pass"], row["then"]["pass"], row["count"]) for row in answers if "records" in row}
    assert run == {"input": (LOAD, LOAD + BROKEN, LOAD + BROKEN + RUBBISH), "letters": (0, BROKEN, BROKEN + RUBBISH)}
    assert [(row["code"], row["count"]) for row in answers if "fails" in row] == [("bad_magic", RUBBISH)] * 2
    registry.register(story.read, version.read_text())
    story.weir.wait_for_log(rf"event=schema .*reading as {story.read} version 2,", SEEN_SECONDS)
    outlook = story.tool("dlq", "replay", "--field", "device_type")[0]
    assert (outlook["dry_run"], outlook["pass"], outlook["reject"]) == (True, BROKEN, 0)
    story.produce(device_logins(story.old, OLD, LOAD, b"PASS"), device_logins(story.new, NEW, BROKEN, b"PASS"))

    # Replayed beside the pipeline; what cannot be mended is discarded.
    done = story.tool("dlq", "replay", "--field", "device_type", "--yes", "--reason", "version 2 knows watches")[0]
    assert (done["replayed"], done["failed"], done["outcome"]) == (BROKEN, 0, "done")
    assert story.tool("dlq", "discard", "--code", "bad_magic", "--yes")[0]["discarded"] == RUBBISH
    assert story.tool("dlq", "stats")[0]["letters"] == 0

    # Every record has exactly one final outcome.
    total = 2 * (LOAD + BROKEN) + RUBBISH
    audit = story.tool("audit")[0]
    assert audit["findings"] == [] and audit["not_provable"] == 0
    assert (audit["records"], audit["passed"]) == (total, total - BROKEN - RUBBISH)
    assert audit["letters"] == {"open": 0, "replayed": BROKEN, "parked": 0, "discarded": RUBBISH}
    assert story.weir.stop() == 0
    mended = {letter_coordinates(each) for each in bench.records(bench.dead) if each.value != rubbish["value"]}
    report = story.judge(replayed=mended)
    assert (report.inputs, report.passed, report.replayed) == (total, total - BROKEN - RUBBISH, BROKEN)
    states = story.letters.states()
    assert {key for key in states if states[key]["state"] == "replayed"} == {f"{bench.input}:{p}:{o}" for p, o in mended}
