"""A registry that is away for $SOAK_MINUTES (10) costs time only. Run by script/soak."""

import json
import os
import threading
import time

from lab.judge import EXPECT
from lab.logins import LOGIN
from lab.processes import cpu_seconds
from lab.weir import ROOT
from test_registry import avro, writer

MINUTES = float(os.environ.get("SOAK_MINUTES", "10"))
EVERY_SECONDS = 0.5


class Trickle(threading.Thread):
    """Few records, for a long time: each partition gets those of a schema that weir knows, the first also those of a new one."""

    def __init__(self, bench, known, new):
        super().__init__(daemon=True)
        self.bench, self.known, self.new, self.count = bench, known, new, 0
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.wait(EVERY_SECONDS):
            records = [{"value": self.known, "partition": partition} for partition in range(4)]
            records.append({"value": self.new, "partition": 0})
            self.count += self.bench.hands.write(
                self.bench.input, [{**each, "headers": [(EXPECT, b"PASS")]} for each in records]
            )


def test_a_registry_that_is_away_for_long(bench, registry):
    ids = registry.register_folder(ROOT / "schemas")
    number = registry.register("newest-value", writer("newest"))
    reader = json.loads((ROOT / "schemas" / "user-login-value" / "v1.avsc").read_text())
    known = avro(ids["user-login-value"], reader, LOGIN)
    new = avro(number, writer("newest"), {**LOGIN, "newest": "y"})
    bench.topics()
    bench.hands.write(bench.input, [{"value": known, "headers": [(EXPECT, b"PASS")]}] * 4)
    weir = bench.weir(registry={"dir": None, "url": registry.url})
    bench.drained()
    registry.kill()
    trickle = Trickle(bench, known, new)
    busy = cpu_seconds(weir.process.pid)
    trickle.start()
    time.sleep(MINUTES * 60)
    busy = cpu_seconds(weir.process.pid) - busy
    behind = bench.hands.lag(bench.name, bench.input)
    assert weir.alive and bench.records(bench.dead) == []
    said = [line.split()[2] for line in weir.lines("level=(warn|error)")]
    # Before nobody answers, it may be said of the new schema that it is being looked up.
    assert said in (["event=registry_down"], ["event=schema_pending", "event=registry_down"]), weir.tail()
    registry.start()
    begun = time.monotonic()
    trickle.stopping.set()
    trickle.join()
    bench.drained(120)
    took = time.monotonic() - begun
    assert weir.stop() == 0
    report = bench.judge()
    report.assert_clean()
    assert report.inputs == trickle.count + 4 and not report.rejected
    print(
        f"{MINUTES:g} min without registry: {report.inputs} records, {behind} waited, none rejected, done {took:.1f} s "
        f"after it was back; {busy:.1f} s of CPU meanwhile ({busy / MINUTES / 0.6:.1f} % of a core)"
    )
