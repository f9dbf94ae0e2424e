"""The breaker: a partition whose records are nearly all rejected waits, and no letter is written meanwhile."""

import json
import os
import signal

from lab.logins import plain
from lab.processes import until

SEEN_SECONDS = 30  # What is waited for takes a second or two; the rest is for busy cores.
RUBBISH = b"rubbish"


def write(bench, *runs):
    """Writes runs of one value each: (partition, count, value)."""
    bench.hands.write(bench.input, [{"value": value, "partition": p} for p, count, value in runs for _ in range(count)])


def meant(record):
    return "REJECT bad_magic" if record.value == RUBBISH else "PASS"


def test_the_breaker_holds_a_burst_until_it_is_switched_off(bench):
    bench.topics(2)
    write(bench, (0, 300, plain()), (0, 400, RUBBISH), (1, 500, plain()))
    weir = bench.weir(breaker={"min_records": 200})
    weir.wait_for_log("event=breaker_open", SEEN_SECONDS)
    until(lambda: bench.hands.committed(bench.name, bench.input) == {0: 300, 1: 500}, SEEN_SECONDS, "all but the burst to be done")
    write(bench, (1, 100, plain()))
    until(lambda: bench.hands.committed(bench.name, bench.input) == {0: 300, 1: 600}, SEEN_SECONDS, "the other partition to go on")
    assert len(weir.lines("event=breaker ")) == 1
    assert len(weir.lines("event=breaker_open")) == 1
    assert weir.stop() == 0
    assert bench.records(bench.dead) == []
    weir.start("--breaker=off")
    bench.drained()
    assert weir.stop() == 0
    assert len(bench.records(bench.dead)) == 400
    bench.judge(expected=meant).assert_clean()


def test_the_breaker_holds_through_rebalances_and_closes_when_a_schema_is_mended(bench, schemas):
    """A field is required that newer producers leave out. One of the partitions goes to another instance; no letter is
    written, and once the schema has a default for the field all records pass."""
    read = schemas / "user-login-value" / "v1.avsc"
    needed = json.loads(read.read_text())
    for field in needed["fields"]:
        if field["name"] == "device_id":
            del field["default"]
    read.write_text(json.dumps(needed))
    bench.topics(4)
    config = {"registry": {"dir": str(schemas), "poll": "1h"}, "breaker": {"min_records": 200}}
    write(bench, *((p, 100, plain()) for p in range(4)), *((p, 400, plain(device_id=None)) for p in (0, 3)))
    one = bench.weir(instance="one", **config)
    one.wait_for_log("event=breaker ", SEEN_SECONDS, count=2)
    two = bench.weir(instance="two", **config)
    two.wait_for_log("event=assigned.*2 partitions", SEEN_SECONDS)
    two.wait_for_log("event=breaker ", SEEN_SECONDS)
    write(bench, (1, 50, plain()), (2, 50, plain()))
    waiting = {0: 100, 1: 150, 2: 150, 3: 100}
    until(lambda: bench.hands.committed(bench.name, bench.input) == waiting, SEEN_SECONDS, "the others to go on")
    assert bench.records(bench.dead) == []
    mended = {**needed, "fields": [{"default": "unknown", **field} for field in needed["fields"]]}
    (read.parent / "v2.avsc").write_text(json.dumps(mended))
    for weir in (one, two):
        os.kill(weir.process.pid, signal.SIGHUP)
    bench.drained()
    for weir in (one, two):
        assert weir.stop() == 0
    assert bench.records(bench.dead) == []
    report = bench.judge(expected=lambda record: "PASS")
    report.assert_clean()
    assert report.passed == 4 * 100 + 2 * 400 + 2 * 50


def test_the_breaker_closes_after_max_hold(bench):
    bench.topics(1)
    write(bench, (0, 500, RUBBISH), (0, 300, plain()))
    weir = bench.weir(breaker={"min_records": 200, "max_hold": "3s"}, journal="off")  # A pipeline may have none.
    weir.wait_for_log("event=breaker_open", SEEN_SECONDS)
    assert bench.records(bench.dead) == []
    weir.wait_for_log("event=breaker_max_hold", SEEN_SECONDS)
    bench.drained()
    assert len(bench.records(bench.dead)) == 500
    assert weir.stop() == 0
    bench.judge(expected=meant).assert_clean()
