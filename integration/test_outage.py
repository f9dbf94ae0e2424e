"""The brokers are killed. Costs nothing but time, and two lines in the log."""

import time

OUTAGE_SECONDS = 60  # The minute.


def test_a_broker_restart_in_the_middle(own_cluster, bench_on):
    cluster = own_cluster()
    bench = bench_on(cluster).topics()
    bench.generate(count=150000, rate=0, format="mixed", malformed=0.05)
    weir = bench.weir(transaction={"max_records": 1000})
    time.sleep(1.5)
    cluster.kill()
    time.sleep(1.0)
    cluster.start()
    bench.drained(90)
    assert weir.stop() == 0
    bench.judge().assert_clean()


def test_a_minute_without_broker_costs_nothing_but_time(own_cluster, bench_on):
    cluster = own_cluster()
    bench = bench_on(cluster).topics()
    bench.generate(count=20000, rate=0, format="mixed", malformed=0.05)
    weir = bench.weir()
    bench.drained()
    cluster.kill()
    gone = time.monotonic()
    weir.wait_for_log(r"level=(warn|error)", 30)
    time.sleep(OUTAGE_SECONDS - (time.monotonic() - gone))
    assert weir.alive
    assert len(weir.lines(r"level=(warn|error)")) == 1, f"what is wrong should be said once\n{weir.tail()}"
    cluster.start()
    bench.generate(count=20000, rate=0, format="mixed", malformed=0.05, seed=2)
    bench.drained(90)
    assert weir.alive
    assert weir.stop() == 0
    report = bench.judge()
    report.assert_clean()
    assert report.inputs == 40000


def test_each_of_three_brokers_is_killed_in_turn(own_cluster, bench_on):
    cluster = own_cluster(nodes=3)
    bench = bench_on(cluster).topics()
    load = bench.load(rate=2000, duration="25s", format="mixed", malformed=0.05)
    weir = bench.weir()
    for node in cluster.nodes:
        time.sleep(4)
        node.signal(9)
        node.wait_gone(5)
        time.sleep(1)
        cluster.start()
    bench.finished(load)
    bench.drained(90)
    assert weir.stop() == 0
    bench.judge().assert_clean()
