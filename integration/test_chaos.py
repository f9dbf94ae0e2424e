"""The chaos run: a short one, and proof that what judges it finds what is wrong."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from kafka import KafkaProducer

from chaos import plan, verdict
from chaos.__main__ import main, status
from chaos.fleet import Fleet
from chaos.history import History
from chaos.replayer import Replayer
from chaos.stage import SUBJECTS, ChaosBench
from lab.processes import until
from lab.registry import Moody
from lab.weir import ROOT, binary

SEED, MINUTES = 36, 0.7
SHORT_SECONDS = 400  # It takes a good minute where nobody else is at work.
SEEN_SECONDS = 30
FLEET = ("scale out", "kill", "freeze past the session", "usurp")
SHARED = ("kill transaction coordinator", "move coordinators", "add partitions", "registry frozen", "reader schema",
          "replay killed", "requests held")


def test_a_short_run(tmp_path):
    words = [word for kind in ("scale", *FLEET[1:], *SHARED) for word in ("--only", kind)]
    argv = [sys.executable, "-m", "chaos", "--seed", str(SEED), "--minutes", str(MINUTES), "--rate", "800", *words]
    done = subprocess.run([*argv, "--out", tmp_path / "run"], cwd=Path(__file__).parent, capture_output=True, text=True,
                          timeout=SHORT_SECONDS, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    for kind in (*FLEET, *SHARED):
        assert f"  {kind}  " in done.stdout, f"{kind} did not come about"


def test_a_folder_that_is_not_its_own_is_left_alone(tmp_path):
    (tmp_path / "letter").write_text("dear")
    with pytest.raises(SystemExit):
        main(["--out", str(tmp_path), "--minutes", "0.1"])
    assert (tmp_path / "letter").exists()


# --- the schedule ---
def test_a_seed_has_one_schedule_and_another_seed_another():
    assert plan.plan(3, 300) == plan.plan(3, 300)
    assert plan.plan(3, 300) != plan.plan(4, 300)


@pytest.mark.parametrize("seed", range(20))
def test_a_schedule_leaves_a_quarter_of_the_time_quiet(seed):
    _, due = plan.plan(seed, 300)
    busy = [False] * 3000
    for fault in due:
        for tenth in range(int(fault.at * 10), int((fault.at + fault.seconds) * 10) + 1):
            busy[tenth] = True
    assert busy.count(False) >= 0.25 * len(busy)
    assert {fault.kind for fault in due} >= {*plan.BROKER, *plan.TOPICS, "reader schema", "upgrade", "scale out"}


@pytest.mark.parametrize("seed", range(20))
def test_a_schedule_leaves_somebody_who_does_the_work(seed):
    start, due = plan.plan(seed, 600)
    up = set(start)
    for fault in due:
        up |= {fault.lane} if fault.kind == "scale out" else set()
        up -= {fault.lane} if fault.kind in ("scale in", plan.LAST_OF_ALL) else set()
        assert up, f"nobody is left after {fault}"


# --- what judges a run ---
@pytest.fixture
def moody():
    moody = Moody({name: (ROOT / "schemas" / name / "v1.avsc").read_text() for name in SUBJECTS})
    yield moody
    moody.close()


@pytest.fixture
def history(tmp_path):
    history = History(tmp_path / "history.jsonl")
    yield history
    history.close()


@pytest.fixture
def done(cluster, tmp_path, reader, moody, history):
    """A bench on which a pipeline and a replay have done all that there is."""
    bench = ChaosBench(cluster, tmp_path / "weir", reader, moody, cluster.bootstrap)
    bench.folder.mkdir()
    bench.topics().generate(count=3000, rate=0, format="json", malformed=0.2)
    weir = bench.weir()
    bench.drained()
    assert weir.stop() == 0
    assert Replayer(bench, history).once() == 0
    yield bench
    bench.close()


def examine(bench, moody, seconds=10):
    return verdict.examine(bench, lambda number: moody.schemas[number], seconds)[0]


def kinds(found):
    return {text.split(":")[0] for text in found}


def test_what_is_sound_is_found_clean(done, moody, history):
    found, report, audit = verdict.examine(done, lambda number: moody.schemas[number])
    assert found == [] and not history.violations
    assert report.inputs == audit["records"] == 3000 and report.replayed > 0
    assert status(history, None) == 0


def test_a_doubled_record_is_found(done, moody):
    record = done.records(done.output)[0]
    done.hands.write(done.output, [{"value": record.value, "key": record.key, "headers": list(record.headers),
                                    "partition": record.partition, "timestamp_ms": record.timestamp}])
    found = examine(done, moody)
    assert kinds(found) >= {"duplicated", "weir audit"} and any("doubled" in text for text in found), found


def test_a_lost_record_is_found(done, moody):
    """Its offset is committed, and nothing came of it."""
    done.hands.write(done.input, [{"value": b"{}", "partition": 0, "headers": [("weir-expect", b"PASS")]}])
    done.hands.commit(done.name, done.input, {0: done.hands.ends(done.input)[0]})
    found = examine(done, moody)
    assert kinds(found) >= {"lost", "weir audit"}, found


def test_a_letter_that_was_left_out_by_the_replay_is_found(done, moody):
    done.generate(count=200, rate=0, format="json", malformed=0.9, seed=2)
    weir = done.weir(breaker="off")
    done.drained()
    assert weir.stop() == 0
    found = examine(done, moody)
    assert found and all("was not replayed" in text for text in found), found


def test_a_transaction_that_was_left_open_is_found(done, moody):
    producer = KafkaProducer(bootstrap_servers=done.cluster.bootstrap, transactional_id=f"{done.name}-open",
                             transaction_timeout_ms=120_000)
    try:
        producer.init_transactions()
        producer.begin_transaction()
        producer.send(done.output, b"torn").get(timeout=SEEN_SECONDS)
        found = examine(done, moody, seconds=1)
        assert kinds(found) == {"hanging transaction"}, found
        assert any("for its coordinator" in text for text in found) and any("has a transaction open" in text for text in found)
        producer.abort_transaction()
    finally:
        producer.close()
    assert examine(done, moody) == [], "what was aborted is not visible"


def test_a_crash_is_found(done, history):
    fleet = Fleet(done, ("one",), (binary(), binary()), history)
    slot = fleet.slots["one"]
    slot.start()
    fleet.start()
    try:
        slot.weir.wait_for_log("event=started", SEEN_SECONDS)
        os.kill(slot.weir.process.pid, signal.SIGSEGV)
        until(lambda: history.violations, SEEN_SECONDS, "the crash to be noticed")
        until(lambda: slot.weir.alive, SEEN_SECONDS, "it to be started again")
    finally:
        fleet.close()
    assert "status -11" in history.violations[0] and status(history, None) == 1
