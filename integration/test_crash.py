"""The pipeline is killed, stopped, frozen and doubled under load."""

import random
import statistics
import time

from lab.processes import until

STOP_LIMIT = 10.0  # What docs/ARCHITECTURE.md promises for SIGTERM.
BACK_LIMIT = 3.0


def settled(bench):
    """Waits for everything, stops weir, judges."""
    bench.drained()
    for weir in bench.weirs:
        if weir.alive:
            assert weir.stop() == 0
    report = bench.judge()
    report.assert_clean()
    return report


def test_sigkill_at_random_moments_ten_times(bench):
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    bench.topics()
    load = bench.load(rate=5000, duration="16s", format="mixed", malformed=0.05, missing=0.1)
    weir = bench.weir()
    for _ in range(10):
        # Some moments fall into the start, some into a transaction, some between two.
        time.sleep(moments.uniform(0.05, 2.5))
        weir.kill()
        weir.start()
    bench.finished(load)
    assert settled(bench).inputs > 70000


def test_sigterm_under_load_drains_and_loses_nothing(bench):
    bench.topics()
    load = bench.load(rate=10000, duration="6s", format="mixed", malformed=0.05)
    weir = bench.weir()
    until(lambda: bench.hands.committed(bench.name, bench.input), 20, "the first commit")
    before = time.monotonic()
    assert weir.stop() == 0
    assert time.monotonic() - before < STOP_LIMIT
    report = bench.judge()  # What is committed so far is whole, and nothing else is visible.
    report.assert_clean()
    assert report.inputs > 0
    weir.start()
    bench.finished(load)
    settled(bench)


def test_records_flow_again_within_three_seconds_of_a_restart(bench):
    bench.topics()
    load = bench.load(rate=5000, duration="120s", format="json", malformed=0.05)
    weir = bench.weir()
    back = []
    for _ in range(5):
        until(lambda: bench.hands.committed(bench.name, bench.input), 20, "the first commit")
        time.sleep(1.0)
        weir.kill()
        time.sleep(0.2)
        done = bench.hands.committed(bench.name, bench.input)
        before = time.monotonic()
        weir.start()
        until(lambda: bench.hands.committed(bench.name, bench.input) != done, 20, "records to flow again")
        back.append(time.monotonic() - before)
    print("records flowed again after", ", ".join(f"{seconds:.2f} s" for seconds in back))
    assert statistics.median(back) < BACK_LIMIT
    load.terminate()
    bench.finished(load)
    settled(bench)


def test_a_frozen_process_does_not_spoil_what_its_successor_does(bench):
    """SIGSTOP, a successor under the same identity, SIGCONT: the one that wakes up must give way."""
    bench.topics()
    load = bench.load(rate=3000, duration="12s", format="mixed", malformed=0.05)
    frozen = bench.weir(instance="one")
    until(lambda: bench.hands.committed(bench.name, bench.input), 20, "the first commit")
    frozen.pause()
    successor = bench.weir(instance="one-too", start=False)
    successor.instance = "one"  # The same identity with a log of its own.
    done = bench.hands.committed(bench.name, bench.input)
    successor.start()
    until(lambda: bench.hands.committed(bench.name, bench.input) != done, 30, "the successor's first commit")
    frozen.resume()
    assert frozen.wait(30) != 0
    assert "--instance" in frozen.log(), "the one that gave way should name --instance"
    bench.finished(load)
    settled(bench)


def test_an_instance_that_sleeps_through_its_session_cannot_write_stale_batches(bench):
    """Two instances share the partitions; one is frozen until the group has given its share to the other, which takes it for
    gone and opens its transactional id. It wakes up, and comes back."""
    bench.topics()
    load = bench.load(rate=4000, duration="120s", format="mixed", malformed=0.05)
    session = {"session.timeout.ms": 6000}
    one = bench.weir(instance="one", kafka=session)
    until(lambda: bench.hands.committed(bench.name, bench.input), 20, "the first commit")
    two = bench.weir(instance="two", kafka=session)
    two.wait_for_log("event=assigned.*2 partitions", 30)
    time.sleep(1.0)
    two.pause()
    all_four = len(one.lines("event=assigned.*4 partitions"))
    one.wait_for_log(f"event=settled .*{bench.name}-two-0 is gone", 60)
    one.wait_for_log("event=assigned.*4 partitions", 60, count=all_four + 1)
    time.sleep(1.0)
    two.resume()
    two.wait_for_log("event=assigned.*2 partitions", 30, count=2)
    time.sleep(1.0)
    load.terminate()
    bench.finished(load)
    settled(bench)


def test_one_of_two_instances_is_killed_and_comes_back(bench):
    bench.topics()
    load = bench.load(rate=4000, duration="8s", format="mixed", malformed=0.05)
    bench.weir(instance="one")
    until(lambda: bench.hands.committed(bench.name, bench.input), 20, "the first commit")
    two = bench.weir(instance="two")
    two.wait_for_log("event=assigned.*2 partitions", 30)
    time.sleep(1.0)
    two.kill()
    time.sleep(0.5)
    two.start()
    bench.finished(load)
    settled(bench)
