"""weir dlq on real Kafka: what it shows, and that what it does to letters is done exactly once."""

import json
import os
import signal
import subprocess
from collections import Counter

import fastavro
import pytest

from lab.judge import AvroCoordinates, letter_coordinates
from lab.letters import RUN_SECONDS, STEPS, TRACE, Letters
from lab.logins import LOGIN, plain
from lab.processes import spawn, until
from lab.registry import Moody
from test_registry import TEXTS, avro, writer

SEEN_SECONDS = 30  # What is waited for takes a second or two; the rest is for busy cores.


@pytest.fixture
def letters(bench):
    return Letters(bench)


@pytest.fixture
def moody():
    moody = Moody(TEXTS)
    yield moody
    moody.close()


def test_what_failed_and_why(letters):
    letters.fail(bad=50, rubbish=10)
    lines = letters.json("list", "--limit", "0")
    assert len(lines) == 60
    assert Counter(line["code"] for line in lines) == {"rule_failed": 50, "bad_magic": 10}
    assert {line["letter"] for line in lines} == {f"{letters.bench.input}:{p}:{o}" for p, o in letters.places()}
    assert all(line["state"] == "open" and line["attempts"] == 0 for line in lines)
    assert len(letters.json("list")) == 20
    assert len(letters.json("list", "--limit", "0", "--code", "rule_failed", "--partition", "1")) == 25
    assert len(letters.json("list", "--limit", "0", "--where", "field = ip and offset >= 20 and age < 1h")) > 0
    assert letters.json("list", "--limit", "0", "--since", "1h", "--passes-now") == []
    stats = letters.json("stats")[0]
    assert stats["letters"] == 60
    assert stats["field"] == {"ip": 50, "-": 10}
    assert stats["code"] == {"rule_failed": 50, "bad_magic": 10}
    assert "rule_failed" in letters.run("stats")
    letters.mend()
    assert len(letters.json("list", "--limit", "0", "--passes-now")) == 50
    assert "LETTER" in letters.run("list", "--now")


def test_one_letter_in_full(letters):
    letters.fail(bad=4, rubbish=2, dead_letter={"mask": ["user_id", "key"]})
    bad = letters.json("list", "--code", "rule_failed")[0]
    shown = letters.json("show", bad["letter"])[0]
    assert shown["value"]["ip"] == "999.1.1.1"
    assert shown["value"]["user_id"] == shown["key"] == "***"
    assert shown["headers"] == [["traceparent", TRACE[1].decode()]]
    assert shown["now"] == {"verdict": "REJECT", "code": "rule_failed", "field": "ip", "message": shown["message"]}
    text = letters.run("show", f"{bad['partition']}:{bad['offset']}")
    assert "bad-" not in text and '"user_id": "***"' in text
    rubbish = letters.json("show", "--code", "bad_magic")[0]
    assert "value" not in rubbish, "what cannot be decoded may hold what is masked"
    config = letters.bench.config()
    letters.config.write_text(json.dumps(config))
    assert letters.json("show", "--code", "bad_magic")[0]["value"] == {"hex": b"\xff\x00rubbish".hex()}
    assert "ff 00" in letters.run("show", "--code", "bad_magic")
    assert "no such letter" in letters.run("show", "0:999999", status=66)


def test_mistakes_are_named(letters):
    letters.fail(bad=1, good=0)
    assert "did you mean 'stats'" in letters.run("stat", status=64)
    assert "did you mean 'bad_enum'" in letters.run("list", "--code", "bad_enun", status=64)
    assert "character 6: one of =" in letters.run("list", "--where", "code bad_enum", status=64)
    assert "say which letters" in letters.run("discard", "--yes", status=64)
    assert "is one of those" in letters.run("replay", "--everything", "--to", f"topic:{letters.bench.dead}", status=64)


def test_replay_into_the_output(letters):
    letters.fail(bad=60, rubbish=5).mend()
    before = letters.places()
    outlook = letters.json("replay")[0]
    assert (outlook["dry_run"], outlook["pass"], outlook["reject"]) == (True, 60, 5)
    assert letters.states() == {}, "a dry run changed something"
    assert "would pass" in letters.run("replay")
    done = letters.json("replay", "--where", "code = rule_failed", "--yes", "--reason", "the check was wrong")[0]
    assert (done["replayed"], done["failed"], done["outcome"]) == (60, 0, "done")
    bad = {letter_coordinates(each) for each in letters.bench.records(letters.bench.dead) if each.value[:1] == b"{"}
    letters.replayed_once(bad)
    # Again: nothing is left to do.
    assert letters.json("replay", "--where", "code = rule_failed", "--yes")[0]["replayed"] == 0
    letters.replayed_once(bad)
    assert letters.places() == before
    source = {(each.partition, each.offset): each for each in letters.bench.records(letters.bench.input)}
    decode = AvroCoordinates(letters.bench.schemas, "processed-user-login-value")
    outputs = {decode(each): each for each in letters.bench.records(letters.bench.output)}
    assert len(outputs) == 80
    for was, now in ((source[place], outputs[place]) for place in bad):
        assert now.key is not None and now.headers == (TRACE,)
        assert (now.partition, now.key, now.timestamp) == (was.partition, was.key, was.timestamp)
    audit = [json.loads(record.value) for record in letters.bench.records(letters.audit)]
    assert [each["outcome"] for each in audit] == ["begun", "done"] * 2
    assert audit[1]["reason"] == "the check was wrong"
    assert audit[1]["counts"]["replayed"] == 60
    assert audit[1]["filter"] == "(code = rule_failed)"


def test_replay_elsewhere(letters):
    letters.fail(bad=10, good=0, rubbish=4).mend()
    other = f"{letters.bench.name}-other"
    letters.bench.hands.create(other, 2)
    sources = {(each.partition, each.offset): each for each in letters.bench.records(letters.bench.input)}
    done = letters.json("replay", "--code", "bad_magic", "--to", f"topic:{other}", "--yes")[0]
    assert done["replayed"] == 4
    assert {each.value for each in letters.bench.records(other)} == {b"\xff\x00rubbish"}
    done = letters.json("replay", "--everything", "--to", "source", "--limit", "6", "--yes")[0]
    assert (done["replayed"], done["outcome"]) == (6, "limit reached")
    records = letters.bench.records(letters.bench.input)
    again = [each for each in records if (each.partition, each.offset) not in sources]
    assert len(again) == 6
    originals = {(each.partition, each.key, each.value, each.headers, each.timestamp) for each in sources.values()}
    assert all((each.partition, each.key, each.value, each.headers, each.timestamp) in originals for each in again)


def test_beside_the_pipeline_what_is_newer_stays(letters):
    """The pipeline goes on while letters are replayed; those whose key it has newer records of are left alone."""
    letters.fail(bad=70, good=0).mend()
    running = letters.bench.weir(check=None)
    letters.bench.hands.write(letters.bench.input, [{"value": plain(user_id="newer"), "key": b"key-3", "partition": 0}])
    letters.bench.drained()
    outlook = letters.json("replay", "--skip-newer")[0]
    assert (outlook["pass"], outlook["outdated"]) == (60, 10)
    assert "10 have a newer record of their key" in letters.run("replay", "--skip-newer")
    more = [{"value": plain(user_id=f"more-{i}"), "partition": i % 2} for i in range(500)]
    replay = spawn(letters.argv("replay", "--everything", "--skip-newer", "--rate", "60", "--yes", "--json"),
                   stdout=subprocess.PIPE, text=True)
    letters.bench.hands.write(letters.bench.input, more)
    done = json.loads(replay.communicate(timeout=RUN_SECONDS)[0])
    assert (done["replayed"], done["skipped"], done["outcome"]) == (60, 10, "done")
    letters.bench.drained()
    assert running.stop() == 0
    assert len(letters.json("list", "--limit", "0", "--key", "key-3")) == 10
    left = {(line["partition"], line["offset"]) for line in letters.json("list", "--limit", "0")}
    letters.replayed_once(letters.places() - left)
    assert len(letters.bench.records(letters.bench.output)) == 1 + 60 + 500


def test_beside_a_pipeline_that_rebalances(letters):
    """An instance joins, the other goes and comes back under load while letters are replayed into the same output."""
    letters.fail(bad=160, good=0).mend()
    bench, places = letters.bench, letters.places()
    one = bench.weir(check=None)
    one.wait_for_log("event=assigned", SEEN_SECONDS)
    load = bench.load(rate=500, duration="7s", format="mixed", malformed=0, missing=0)
    replay = spawn(letters.argv("replay", "--everything", "--rate", "30", "--yes", "--json"), stdout=subprocess.PIPE, text=True)
    until(letters.states, SEEN_SECONDS, "the replay to begin")
    two = bench.weir(instance="two", check=None)
    two.wait_for_log("event=assigned.*1 partitions", SEEN_SECONDS)
    assert one.stop() == 0
    one.start()
    one.wait_for_log("event=assigned.*1 partitions", SEEN_SECONDS)
    done = json.loads(replay.communicate(timeout=RUN_SECONDS)[0])
    assert (done["replayed"], done["failed"], done["outcome"]) == (160, 0, "done")
    bench.finished(load)
    bench.drained()
    for weir in (one, two):
        assert weir.stop() == 0
    report = bench.judge(replayed=places)
    report.assert_clean()
    assert report.replayed == sum(report.rejected.values()) == 160
    letters.replayed_once(places)


def test_an_outage_of_the_registry_fails_no_letter(letters, moody):
    """Whatever a registry that is unwell answers, no letter has failed again for it, and the next run goes on."""
    registry = {"dir": None, "url": moody.url, "poll": "1s", "timeout": "1s"}
    other = 10  # The id of a schema that no run has yet asked for.
    moody.schemas[other] = json.dumps(writer())
    value = avro(other, writer(), {**LOGIN, "ip": "999.1.1.1", "extra": "y"})
    letters.fail(bad=100, good=0, more=[{"value": value, "partition": i % 2} for i in range(20)], registry=registry)
    letters.mend(registry=registry)
    for mood in (401, 500, "garbage"):
        moody.moods = {other: mood}
        letters.run("replay", "--schema-id", str(other), "--yes", status=75)
    moody.moods = {}
    run = spawn(letters.argv("replay", "--code", "rule_failed", "--yes", "--rate", "20"), stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True)
    until(letters.states, SEEN_SECONDS, "the run to begin")
    moody.moods = {other: 503, **dict.fromkeys(moody.subjects, 503)}
    output, _ = run.communicate(timeout=RUN_SECONDS)
    assert run.returncode == 75, output
    letters.run("replay", "--everything", "--yes", status=75)
    states = letters.states().values()
    assert 0 < len(states) < 120
    assert {(each["state"], each["attempts"]) for each in states} == {("replayed", 0)}
    moody.moods = {}
    assert letters.json("replay", "--everything", "--yes")[0]["replayed"] == 120 - len(states)
    assert len(letters.bench.records(letters.bench.dead)) == 120
    letters.replayed_once(letters.places())


def test_a_poison_letter_ends_in_parking(letters):
    letters.fail(bad=3, good=0)
    for attempt in range(1, 3):
        done = letters.json("replay", "--everything", "--yes", "--max-attempts", "3")[0]
        assert (done["failed"], done["parked"]) == (3, 0)
        assert {value["attempts"] for value in letters.states().values()} == {attempt}
    assert letters.json("list", "--where", "attempts = 2")
    done = letters.json("replay", "--everything", "--yes", "--max-attempts", "3")[0]
    assert (done["failed"], done["parked"]) == (0, 3)
    parked = letters.bench.records(letters.parking)
    assert {letter_coordinates(each) for each in parked} == letters.places()
    assert all(each.header("traceparent") == TRACE[1] for each in parked)
    assert {value["state"] for value in letters.states().values()} == {"parked"}
    assert letters.json("list") == []
    # The cause is mended: what was parked can be replayed by name.
    letters.mend()
    assert letters.json("replay", "--state", "parked", "--yes")[0]["replayed"] == 3
    letters.replayed_once(letters.places())


def test_park_and_discard(letters):
    letters.fail(bad=8, good=0, rubbish=4)
    assert letters.json("park", "--code", "rule_failed")[0]["dry_run"]
    assert letters.json("park", "--code", "rule_failed", "--yes")[0]["parked"] == 8
    assert letters.json("discard", "--code", "bad_magic", "--yes")[0]["discarded"] == 4
    assert letters.json("list") == []
    assert letters.json("stats", "--all")[0]["state"] == {"parked": 8, "discarded": 4}
    before = {letter_coordinates(each): each for each in letters.bench.records(letters.bench.dead)}
    for each in letters.bench.records(letters.parking):
        letter = before[letter_coordinates(each)]
        assert (each.key, each.value, each.headers) == (letter.key, letter.value, letter.headers)
    letters.mend()
    assert letters.json("replay", "--state", "discarded", "--yes")[0]["replayed"] == 0


def test_purge_stops_at_the_first_open_letter(letters):
    letters.fail(bad=20, good=0, rubbish=2).mend()
    assert letters.json("purge")[0]["letters"] == 0
    first = min(letters.places())
    assert letters.json("replay", "--code", "rule_failed", "--where", f"not offset = {first[1]}", "--yes")
    outlook = letters.json("purge")[0]
    assert outlook["dry_run"] and outlook["letters"] == 0
    assert sum(part["closed_behind"] for part in outlook["partitions"]) == 18
    held = {part["held_by"] for part in outlook["partitions"]}
    assert held == {f"{letters.bench.input}:{p}:{first[1]}" for p in (0, 1)}
    names = [f"{partition}:{first[1]}" for partition in (0, 1)]
    letters.json("replay", *names, "--yes")
    assert json.loads(letters.bench.records(letters.audit)[-1].value)["filter"] == " ".join(names)
    assert letters.json("purge", "--yes", "--reason", "done with")[0]["letters"] == 20
    assert [each.value for each in letters.bench.records(letters.bench.dead)] == [b"\xff\x00rubbish"] * 2
    assert letters.json("discard", "--everything", "--yes")[0]["discarded"] == 2
    assert letters.json("purge", "--yes")[0]["letters"] == 2
    assert letters.bench.records(letters.bench.dead) == []
    assert letters.json("stats", "--all")[0]["letters"] == 0


def test_letters_travel_in_a_file(letters):
    """Exported, closed, purged, imported by runs that are killed: the same letters, as they were."""
    letters.fail(bad=30, good=0, rubbish=2)
    before = {letter_coordinates(each): each for each in letters.bench.records(letters.bench.dead)}
    mine, theirs = (str(letters.bench.folder / name) for name in ("mine.avro", "theirs.avro"))
    assert letters.json("export", "--output", mine)[0] == {"verb": "export", "exported": 32, "left_out": 0}
    assert "already there" in letters.run("export", "--output", mine, status=74)
    with open(mine, "rb") as file:
        reader = fastavro.reader(file)
        schema, rows = reader.writer_schema, list(reader)
    assert Counter(row["code"] for row in rows) == {"rule_failed": 30, "bad_magic": 2}
    with open(theirs, "wb") as file:  # As another tool writes it, a letter twice.
        fastavro.writer(file, schema, rows + rows[:1], sync_interval=500)
    assert letters.json("import", theirs)[0]["present"] == 33
    letters.json("park", "--code", "rule_failed", "--yes")
    letters.json("discard", "--code", "bad_magic", "--yes")
    assert letters.json("purge", "--yes")[0]["letters"] == 32
    assert letters.json("import", theirs)[0]["imported"] == 30
    assert letters.bench.records(letters.bench.dead) == []
    for step in ("sent:2", "committed:2"):
        words = letters.argv("import", theirs, "--yes")
        killed = subprocess.run(words, env={**os.environ, "WEIR_TEST_KILL_AT": step}, check=False, timeout=RUN_SECONDS)
        assert killed.returncode == -signal.SIGKILL
    done = letters.json("import", theirs, "--yes", "--reason", "for the data team")[0]
    assert (done["letters"], done["imported"], done["present"], done["closed"]) == (33, 0, 31, 2)
    after = letters.bench.records(letters.bench.dead)
    assert len(after) == 30
    for each in after:
        was = before[letter_coordinates(each)]
        assert (each.key, each.value, each.headers, each.timestamp) == (was.key, was.value, was.headers, was.timestamp)
    letters.mend()
    assert letters.json("replay", "--state", "parked", "--yes")[0]["replayed"] == 30
    letters.replayed_once(letters.places())


def test_too_many_that_fail_stop_it(letters):
    letters.fail(bad=40, good=0)
    done = letters.json("replay", "--everything", "--yes", "--rate", "25", "--max-failure-ratio", "0.2", status=1)[0]
    assert 20 <= done["failed"] < 40


def test_the_ledger_must_be_compacted(letters):
    letters.fail(bad=1, good=0)
    letters.bench.hands.configure(letters.ledger, cleanup_policy="delete")
    assert "cleanup.policy=compact" in letters.run("replay", "--everything", "--yes", status=78)
    letters.mend(dead_letter={"ledger": f"{letters.bench.name}-none"})
    refusal = letters.run("replay", "--everything", "--yes", status=75)
    assert f"missing: topic {letters.bench.name}-none;" in refusal and "kafka-topics.sh --create" in refusal
    assert len(letters.json("list")) == 1


def test_killed_at_each_step(letters):
    """After each kill the next run goes on: nothing twice, nothing missing."""
    letters.fail(bad=400, good=0).mend()
    for step in STEPS:
        words = ["replay", "--everything", "--yes", "--limit", "50"]
        killed = subprocess.run(letters.argv(*words), env={**os.environ, "WEIR_TEST_KILL_AT": step}, check=False,
                                capture_output=True, timeout=RUN_SECONDS)
        assert killed.returncode == -signal.SIGKILL, f"{step}: {killed.stdout}{killed.stderr}"
    # Whichever was killed in its commit has committed it or not; each letter is in the ledger or still to be done.
    done = len(letters.states())
    assert 50 <= done < 400
    assert letters.json("replay", "--everything", "--yes")[0]["replayed"] == 400 - done
    letters.replayed_once(letters.places())


def test_killed_at_random(letters):
    """Ten of the hundred that script/soak kills."""
    letters.fail_enough(10)
    letters.replay_killed(10, seed=6)
    letters.replay_the_rest()


def test_one_at_a_time(letters):
    letters.fail(bad=200, good=0).mend()
    first = spawn(letters.argv("replay", "--everything", "--yes", "--rate", "20"), stdout=subprocess.PIPE,
                  stderr=subprocess.STDOUT, text=True)
    try:
        until(lambda: len(letters.states()) > 0, 30, lambda: "the first run to begin")
        refusal = letters.run("replay", "--everything", "--yes", status=75)
        assert "has been at work" in refusal and "--take-over" in refusal
        second = letters.json("replay", "--everything", "--yes", "--take-over")[0]
        output, _ = first.communicate(timeout=RUN_SECONDS)
        assert first.returncode == 75, output
        assert "has taken over" in output
        assert 0 < second["replayed"] < 200
    finally:
        if first.poll() is None:
            first.kill()
            first.wait()
    letters.replayed_once(letters.places())


def test_stopped_by_a_signal(letters):
    letters.fail(bad=200, good=0).mend()
    run = spawn(letters.argv("replay", "--everything", "--yes", "--rate", "20", "--json"), stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, text=True)
    until(lambda: len(letters.states()) > 0, 30, lambda: "the run to begin")
    run.send_signal(signal.SIGINT)
    output, _ = run.communicate(timeout=RUN_SECONDS)
    assert run.returncode == 75
    done = json.loads(output)
    assert done["outcome"] == "stopped"
    assert done["replayed"] == len(letters.states())
    # The lease was given back: no --take-over is needed.
    assert letters.json("replay", "--everything", "--yes")[0]["replayed"] == 200 - done["replayed"]
    letters.replayed_once(letters.places())
