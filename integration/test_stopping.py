"""Stopping while no broker answers: in time for what runs containers, and with a status that says what is known."""

import time

from lab.processes import until

# `docker stop` waits 10 s and Kubernetes 30 s by default; weir promises 10 s. The rest is for a busy machine.
IN_TIME = 10 + 2


def stopped(weir):
    began = time.monotonic()
    status = weir.stop()
    return status, time.monotonic() - began


def test_idle(own_cluster, bench_on):
    """Nothing is under way, so nothing is unknown."""
    cluster = own_cluster()
    bench = bench_on(cluster).topics()
    bench.generate(count=500, rate=0)
    weir = bench.weir()
    bench.drained()
    cluster.kill()
    time.sleep(3)
    status, took = stopped(weir)
    assert status == 0, weir.tail()
    assert took < IN_TIME, weir.tail()


def test_under_load(own_cluster, bench_on):
    """A transaction may be open whose end is not known: 75 says so. The next start sees to it."""
    cluster = own_cluster()
    bench = bench_on(cluster).topics()
    load = bench.load(rate=20000, duration="3s", format="mixed", malformed=0.05)
    weir = bench.weir()
    until(lambda: bench.hands.committed(bench.name, bench.input), 20, "the first commit")
    cluster.kill()
    status, took = stopped(weir)
    assert status in (0, 75), weir.tail()
    assert took < IN_TIME, weir.tail()
    cluster.start()
    bench.finished(load)
    weir.start()
    bench.drained(90)
    assert weir.stop() == 0
    bench.judge().assert_clean()
