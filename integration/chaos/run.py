"""A chaos run from its beginning to its verdict."""

import threading
import time
from typing import NamedTuple, Optional

from kafka.errors import KafkaError

from lab.processes import Timeout

from . import faults, figures, verdict

RESUME_SECONDS = 60  # After the last fault all that was in the input by then must be done within this. See docs/exactly-once.md.
DRAIN_SECONDS = 120
REPLAY_SECONDS = 120
LATE_SECONDS = 180  # How long a lane may be at work after its last fault should be over.


class Lane(threading.Thread):
    """Does one lane's faults, each at its time or when the one before is over. It lives on until all is over, since a
    process that it started dies with it."""

    def __init__(self, stage, name, due):
        super().__init__(daemon=True, name=name)
        self.stage, self.due = stage, due
        self.slot = stage.fleet.slots.get(name)
        self.hands = None if self.slot else stage.hands()
        self.done = threading.Event()
        self.last = 0.0  # When its last fault was over.

    def run(self):
        for fault in self.due:
            if not self.stage.rest(max(0.0, fault.at - self.stage.history.now)):
                break
            self._do(fault)
        self.done.set()
        self.stage.over.wait()
        if self.hands:
            self.hands.close()

    def _do(self, fault):
        history = self.stage.history
        history.note("begin", lane=self.name, kind=fault.kind, planned=fault.at, seconds=fault.seconds, **fault.args)
        try:
            if self.slot:
                outcome = faults.INSTANCES[fault.kind](self.stage, self.slot, fault)
            else:
                outcome = faults.SHARED[fault.kind](self.stage, self.hands, fault)
            history.did(fault.kind)
        except faults.Skipped as why:
            outcome = f"skipped: {why}"
        except (KafkaError, OSError, AssertionError, RuntimeError) as error:
            outcome = f"failed: {type(error).__name__}: {error}"
            history.failed.append(f"{fault.kind}: {outcome}")
        self.last = history.now
        history.note("end", lane=self.name, kind=fault.kind, outcome=outcome)


class Figures(NamedTuple):
    """What came of a run. Times are seconds from its start."""

    report: object  # The judge's.
    committed: int  # Transactions.
    aborted: int
    gap: tuple  # The longest time without a commit, and when it began.
    wait: tuple  # The longest time that a partition's record waited, its partition, and when that began.
    resumed: Optional[float]  # From the last fault to the next commit.
    caught_up: Optional[float]  # From the last fault until all that was there by then was done.


def do_faults(stage, due):
    """Does them all; returns when the last one was over, in seconds from the start."""
    lanes = [Lane(stage, name, [f for f in due if f.lane == name]) for name in sorted({f.lane for f in due})]
    for lane in lanes:
        lane.start()
    limit = (due[-1].at if due else 0) + LATE_SECONDS
    for lane in lanes:
        if not lane.done.wait(max(0.1, limit - stage.history.now)):
            stage.history.blame(f"the lane {lane.name} has not come to its end: the lab is stuck")
    return max([lane.last for lane in lanes], default=0.0)


def all_done(stage, ends, seconds):
    """How long it took until what is before these ends was committed; None when it was not in time."""
    begun = time.monotonic()
    try:
        stage.bench.passed(ends, seconds)
        return time.monotonic() - begun
    except Timeout:
        return None


def resume(stage):
    """After the last fault, while records keep coming: all that is there by now is done within the limit."""
    stage.history.note("whole again")
    took = all_done(stage, inputs(stage), RESUME_SECONDS)
    if took is None:
        where = f"{committed(stage)} of {inputs(stage)}"
        stage.history.blame(f"not resumed {RESUME_SECONDS} s after the last fault: {where}")
    return took


def committed(stage):
    return stage.bench.hands.committed(stage.bench.name, stage.bench.input)


def inputs(stage):
    return stage.bench.hands.ends(stage.bench.input)


def wind_up(stage):
    """The load ends, everything is done, everything stops."""
    stage.end_load()
    if all_done(stage, inputs(stage), DRAIN_SECONDS) is None:
        stage.history.blame(f"not drained within {DRAIN_SECONDS} s: {committed(stage)} of {inputs(stage)}")
    stage.replayer.finish(REPLAY_SECONDS)
    stage.fleet.stop()
    stage.history.note("stopped")


def measure(stage, report, last, caught_up):
    """The figures of a run that could be judged."""
    bench, wall = stage.bench, time.time() - stage.history.now  # What the clock said when the run began.
    committed, aborted, times = figures.transactions(bench.records(figures.TRANSACTIONS), bench.name + "-")
    times = [when - wall for when in times]
    gap, gap_at = figures.longest_gap(times, 0.0, max(times, default=0.0))
    wait, partition, wait_at = figures.longest_wait(bench.records(bench.journal), bench.records(bench.input))
    return Figures(
        report, committed, aborted, (gap, gap_at), (wait, partition, wait_at and wait_at - wall),
        next((when - last for when in times if when >= last), None), caught_up,
    )


def run(stage, seed, start, due):
    """All of it; returns the Figures, or None when the topics could not be judged."""
    stage.open(start, seed)
    stage.history.begin()
    last = do_faults(stage, due)
    caught_up = resume(stage)
    wind_up(stage)
    found, report, _ = verdict.examine(stage.bench, stage.schema_of)
    for text in found:
        stage.history.blame(text)
    return measure(stage, report, last, caught_up) if report is not None else None
