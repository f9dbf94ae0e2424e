"""The brokers go away. Costs nothing but time, and two lines in the log."""

import signal
import time

import pytest

from lab.processes import until

OUTAGE_SECONDS = 60  # Far longer than a session.
LONGER_THAN_A_SESSION = 15
BACKLOG = 200000  # More than weir does before the broker is killed.
AWAY_SECONDS = 30  # A coordinator's broker; the others miss it after 3 s.
STUCK = 75
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
    # A coordinator that is only just coming up is a trouble, too: that one must be over.
    until(lambda: len(weir.lines("event=recovered")) == len(weir.lines("event=broker_down")), 20, "a start that is over")
    before = len(weir.lines("event=broker_down"))
    leave(cluster)
    gone = time.monotonic()
    weir.wait_for_log("event=broker_down", SAID_SECONDS, before + 1)
    time.sleep(OUTAGE_SECONDS - (time.monotonic() - gone))
    assert weir.alive, weir.tail()
    assert len(weir.lines("event=broker_down")) == before + 1, f"what is wrong should be said once\n{weir.tail()}"
    cluster.start()
    weir.wait_for_log("event=recovered", 30, before + 1)
    bench.drained(90)
    assert weir.alive
    assert weir.stop() == 0
    for event in ("broker_down", "recovered"):
        assert len(weir.lines(f"event={event}")) == before + 1, f"{event} should be said once\n{weir.tail()}"
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
    until(lambda: bench.hands.committed(bench.name, bench.input), 30, "the first commit")
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


def drained_under_supervision(bench, weir):
    """When the group's coordinator dies under a call that sends it offsets, librdkafka may never come back from that call:
    the watchdog then ends the process after half a minute, and whoever supervises it starts it again."""

    def drained():
        if not weir.alive:
            assert weir.process.returncode == STUCK and weir.lines("event=stuck"), weir.tail()
            weir.start()
        return bench.hands.lag(bench.name, bench.input) == 0

    until(drained, 150, lambda: f"all to be committed\n{weir.tail()}", every=0.2)


@pytest.mark.parametrize("coordinates", ["__consumer_offsets", "__transaction_state"])
def test_a_coordinators_broker_dies_and_stays_away(own_cluster, bench_on, coordinates):
    """The others take its place, and weir finds them, goes on, stops and starts without it. librdkafka 2.10.0 mended
    that a client could wait for the dead broker to tell it of the new coordinator; the floor is below that."""
    cluster = own_cluster(nodes=3)
    bench = bench_on(cluster).topics()
    bench.generate(count=1000, rate=0, format="mixed", malformed=0.05)
    weir = bench.weir(workers=2)
    bench.drained(90)
    load = bench.load(rate=1000, duration=f"{AWAY_SECONDS}s", format="mixed", malformed=0.05, seed=2)
    until(lambda: bench.hands.lag(bench.name, bench.input), 30, "the load to begin")
    name = bench.name if coordinates == "__consumer_offsets" else f"{bench.name}-test-0"
    node = cluster.nodes[bench.hands.coordinator(name, coordinates) - 1]
    node.signal(signal.SIGKILL)
    node.wait_gone(5)
    bench.finished(load)
    drained_under_supervision(bench, weir)
    assert weir.stop() == 0, weir.tail()
    weir.start()
    bench.generate(count=1000, rate=0, format="mixed", malformed=0.05, seed=3)
    bench.drained(90)
    assert weir.stop() == 0, weir.tail()
    assert node.pid is None
    cluster.start()
    bench.judge().assert_clean()
