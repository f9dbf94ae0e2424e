"""Records as large as topics are made to take."""

import json

from lab.judge import EXPECT
from lab.logins import LOGIN, plain
from lab.processes import memory_mib

LARGE = 10 * 1000 * 1000
TAKES = 11 * 1000 * 1000
RSS_LIMIT = 1024  # MiB: some such records are in memory several times, as they came, as they go and in a fetch.


def test_records_of_ten_megabytes(bench):
    """Good and bad ones, in Avro's wake and among small ones; the letters are byte for byte."""
    for topic in (bench.input, bench.output, bench.dead):
        bench.hands.create(topic, 2, max_message_bytes=TAKES + (0 if topic == bench.input else 16384))
    good = json.dumps({**LOGIN, "locale": "x" * LARGE}).encode()
    bad = json.dumps({**LOGIN, "ip": "y" * LARGE}).encode()
    records = [{"value": good, "headers": [(EXPECT, b"PASS")]}, {"value": bad, "headers": [(EXPECT, b"REJECT rule_failed")]}]
    small = [{"value": plain(), "headers": [(EXPECT, b"PASS")]}] * 50
    for partition in (0, 1):
        batch = [{**each, "partition": partition} for each in [*small, *records, *small, *records]]
        bench.hands.write(bench.input, batch, compression="gzip")
    weir = bench.weir(workers=2)
    bench.drained()
    rss = memory_mib(weir.process.pid, "VmHWM")
    assert weir.stop() == 0
    report = bench.judge()
    report.assert_clean()
    assert report.passed == 204 and report.rejected == {"rule_failed": 4}
    assert max(len(record.value) for record in bench.records(bench.output)) > LARGE
    assert rss < RSS_LIMIT, f"{rss:.0f} MiB"
