"""Several workers in a process, several processes: partitions change hands all the time, and one worker's trouble is
not the others'."""

import time

from lab.judge import EXPECT
from lab.logins import plain
from lab.processes import until

STOP_LIMIT = 15.0  # What `weir run --help` promises, however many workers.
SESSION = {"session.timeout.ms": 6000}  # The shortest that brokers take: what a killed member's partitions wait for.
DUPLICATE, OFFSET_LOST = 75, 65


def first_commit(bench):
    until(lambda: bench.hands.committed(bench.name, bench.input), 30, "the first commit")


def stop_in_time(weir):
    before = time.monotonic()
    assert weir.stop() == 0, weir.tail()
    assert time.monotonic() - before < STOP_LIMIT


def test_workers_and_instances_come_and_go_under_load(bench):
    """Two and four workers, two instances: joining, SIGTERM, SIGKILL and restarts with another number of workers."""
    bench.topics(partitions=8)
    load = bench.load(rate=4000, duration="16s", format="mixed", malformed=0.05, missing=0.1)
    one = bench.weir(instance="one", workers=4, kafka=SESSION)
    first_commit(bench)
    two = bench.weir(instance="two", workers=2, kafka=SESSION)
    two.wait_for_log("event=assigned", 30)
    time.sleep(1.0)
    one.kill()
    time.sleep(0.3)
    one.start()
    one.wait_for_log("event=assigned", 30)
    stop_in_time(two)
    two.configure(bench.config(workers=4, kafka=SESSION))
    two.start()
    two.wait_for_log("event=assigned", 30)
    time.sleep(0.5)
    two.kill()
    stop_in_time(one)
    two.start()
    one.start()
    bench.finished(load)
    bench.drained(90)
    stop_in_time(one)
    stop_in_time(two)
    report = bench.judge()
    report.assert_clean()
    assert report.inputs > 50000


def test_one_worker_eight_workers_one_worker(bench):
    """What a larger number leaves behind keeps its partitions for a session, no longer."""
    bench.topics(partitions=8)
    for seed, workers in enumerate((1, 8, 1)):
        bench.generate(count=4000, rate=0, format="mixed", malformed=0.05, seed=seed)
        weir = bench.weir(start=False, workers=workers, kafka=SESSION).start()
        bench.drained()
        ids = {line.split("worker=")[1].split()[0] for line in weir.lines("event=assigned")}
        assert ids <= {str(number) for number in range(workers)}
        stop_in_time(weir)
    report = bench.judge()
    report.assert_clean()
    assert report.inputs == 12000


def test_partitions_that_are_added_are_picked_up(bench):
    """As many workers as there are partitions at the start have all of them later."""
    for topic, partitions in ((bench.input, 2), (bench.output, 6), (bench.dead, 6)):
        bench.hands.create(topic, partitions)
    soon = {"topic.metadata.refresh.interval.ms": 500}
    bench.generate(count=1000, rate=0, format="mixed", malformed=0.05)
    weir = bench.weir(workers="auto", kafka=soon, output={"partition": "source"})
    bench.drained()
    assert weir.lines(r'event=workers msg="auto: [12], from \d+ processors.* 2 partitions'), weir.tail()
    bench.hands.grow(bench.input, 6)
    bench.generate(count=3000, rate=0, format="mixed", malformed=0.05, seed=2)
    bench.drained()
    assert all(bench.hands.ends(bench.input).values()), "the load should have reached every partition"
    stop_in_time(weir)
    report = bench.judge()
    report.assert_clean()
    assert report.inputs == 4000


def test_a_partition_that_waits_does_not_stop_the_others(bench):
    """The dead-letter topic is missing: workers whose partitions need it wait, and it is said once for all of them."""
    bench.topics(dead=False)
    good = {"value": plain(), "headers": [(EXPECT, b"PASS")]}
    bad = {"value": b"x", "headers": [(EXPECT, b"REJECT bad_magic")]}
    bench.hands.write(bench.input, [{**(bad if p in (0, 3) else good), "partition": p} for p in range(4)])
    weir = bench.weir(workers=4)
    weir.wait_for_log(r"event=topic_missing", 20)
    bench.hands.write(bench.input, [{**good, "partition": p} for p in range(4) for _ in range(100)])
    until(lambda: bench.hands.committed(bench.name, bench.input) == {1: 101, 2: 101}, 20, "the partitions that are well")
    assert len(weir.lines("event=topic_missing")) == 1, weir.tail()
    bench.hands.create(bench.dead, 4)
    bench.drained()
    # A worker that saw it before the others had joined remembers what waited for half a minute after it gave it away.
    weir.wait_for_log("event=recovered", 60)
    stop_in_time(weir)
    assert len(weir.lines("event=topic_missing")) == len(weir.lines("event=recovered")) == 1, weir.tail()
    bench.judge().assert_clean()


def test_a_worker_that_must_end_ends_the_process(bench):
    """One worker's records were deleted before it saw them: the others finish what they have, and the status is its."""
    bench.topics()
    bench.generate(count=400, rate=0, format="mixed")
    weir = bench.weir(workers=2)
    bench.drained()
    stop_in_time(weir)
    bench.generate(count=400, rate=0, format="mixed", seed=2)
    committed = bench.hands.committed(bench.name, bench.input)
    bench.hands.delete_records(bench.input, {0: committed[0] + 10})
    weir.start()
    assert weir.wait(30) == OFFSET_LOST, weir.tail()
    assert len(weir.lines("level=error")) == 1, weir.tail()
    assert weir.lines(r"level=error event=offset_lost worker=\d "), weir.tail()
    assert weir.lines("event=stopped"), weir.tail()


def test_a_worker_that_is_taken_over_ends_the_process(bench):
    """Another process under the same instance with fewer workers: the older one gives way as a whole. What its other
    worker had goes to the newer one after a session."""
    bench.topics()
    bench.generate(count=1000, rate=0, format="mixed", malformed=0.05)
    older = bench.weir(instance="one", workers=2, kafka=SESSION)
    bench.drained()
    newer = bench.weir(instance="one-too", start=False, workers=1, kafka=SESSION)
    newer.instance = "one"  # The same identity with a log of its own.
    newer.start()
    assert older.wait(30) == DUPLICATE, older.tail()
    assert "--instance" in older.log(), older.tail()
    bench.generate(count=1000, rate=0, format="mixed", malformed=0.05, seed=2)
    bench.drained()
    stop_in_time(newer)
    bench.judge().assert_clean()
