"""The brokers go away. Costs nothing but time, and two lines in the log."""

import signal
import time

from lab.processes import until

OUTAGE_SECONDS = 60  # Far longer than a session.
LONGER_THAN_A_SESSION = 15
BACKLOG = 200000  # More than weir does before the broker is killed.
SAID_SECONDS = 20  # Long before a commit that nobody answers is given up.


def leave(cluster):
    """The only broker goes, but is not killed. One that was killed is on record as a leader when it comes back, and loses
    that a moment later; Kafka then skips the markers of transactions that it was just ending ("likely deleted already"),
    so that they stay open, or are committed with the producer's next one. Brokers are killed where there are three."""
    cluster.stop(grace=30)


def test_a_broker_restart_in_the_middle(own_cluster, bench_on):
    cluster = own_cluster()
    bench = bench_on(cluster).topics()
    load = bench.load(rate=8000, duration="8s", format="mixed", malformed=0.05)
    weir = bench.weir()
    until(lambda: bench.hands.committed(bench.name, bench.input), 20, "the first commit")
    time.sleep(1.5)
    leave(cluster)
    time.sleep(0.5)
    cluster.start()
    bench.finished(load)
    bench.drained(90)
    assert weir.stop() == 0
    bench.judge().assert_clean()


def test_a_minute_without_broker_costs_nothing_but_time(own_cluster, bench_on):
    """The broker dies while transactions are being written: the worst moment, and far longer than a session. Four
    workers meet it, and find out that it is over, each at its time; it is said once."""
    cluster = own_cluster()
    bench = bench_on(cluster).topics()
    bench.generate(count=BACKLOG, rate=0, format="mixed", malformed=0.05)
    weir = bench.weir(workers=4)
    until(lambda: bench.hands.committed(bench.name, bench.input), 20, "the first commit")
    leave(cluster)
    gone = time.monotonic()
    weir.wait_for_log(r"event=broker_down", SAID_SECONDS)
    time.sleep(OUTAGE_SECONDS - (time.monotonic() - gone))
    assert weir.alive, weir.tail()
    assert len(weir.lines(r"event=broker_down")) == 1, f"what is wrong should be said once\n{weir.tail()}"
    cluster.start()
    weir.wait_for_log(r"event=recovered", 30)
    bench.drained(90)
    assert weir.alive
    assert weir.stop() == 0
    for event in ("broker_down", "recovered"):
        assert len(weir.lines(f"event={event}")) == 1, f"{event} should be said once\n{weir.tail()}"
    report = bench.judge()
    report.assert_clean()
    assert report.inputs == BACKLOG


def test_an_outage_under_load_that_outlives_the_session(own_cluster, bench_on):
    """librdkafka then fences itself; that must neither end the process nor be taken for another one."""
    cluster = own_cluster()
    bench = bench_on(cluster).topics()
    bench.generate(count=BACKLOG, rate=0, format="mixed", malformed=0.05)
    weir = bench.weir()
    until(lambda: bench.hands.committed(bench.name, bench.input), 20, "the first commit")
    leave(cluster)
    time.sleep(LONGER_THAN_A_SESSION)
    assert weir.alive, weir.tail()
    cluster.start()
    bench.drained(90)
    assert weir.alive, weir.tail()
    assert not weir.lines("duplicate_identity"), weir.tail()
    assert weir.stop() == 0
    bench.judge().assert_clean()


def test_each_of_three_brokers_is_killed_in_turn(own_cluster, bench_on):
    cluster = own_cluster(nodes=3)
    bench = bench_on(cluster).topics()
    load = bench.load(rate=2000, duration="18s", format="mixed", malformed=0.05)
    weir = bench.weir()
    for node in cluster.nodes:
        time.sleep(2.5)
        node.signal(signal.SIGKILL)
        node.wait_gone(5)
        time.sleep(1)
        cluster.start()
    bench.finished(load)
    bench.drained(90)
    assert weir.stop() == 0
    bench.judge().assert_clean()
