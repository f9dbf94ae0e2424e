"""What wears a pipeline down: half an hour of load, members that come and go all the time, a thousand partitions, and
clocks that jump. Run by script/soak."""

import glob
import os
import random
import shutil
import subprocess
import time
from pathlib import Path

from lab.processes import memory_mib, status_of, until

MINUTES = float(os.environ.get("SOAK_MINUTES", "30"))
SEED = int(os.environ.get("SOAK_SEED", "1"))
SESSION = {"session.timeout.ms": 6000}
RATE = 3000
# What a process may gain from the tenth part of a run to its end.
GAIN = {"MiB": 24, "descriptors": 2, "threads": 0}


def holdings(weir):
    """What the process holds now: memory in MiB, open descriptors, threads."""
    pid = weir.process.pid
    return {
        "MiB": int(memory_mib(pid, "VmRSS")),
        "descriptors": len(list(Path(f"/proc/{pid}/fd").iterdir())),
        "threads": int(status_of(pid)["Threads"]),
    }


def clean(bench, at_least):
    report = bench.judge()
    report.assert_clean()
    assert report.inputs >= at_least
    return report


def test_steady_load_for_long(bench):
    """Memory, descriptors and threads stay what they were once the pipeline was warm."""
    seconds = MINUTES * 60
    bench.topics()
    load = bench.load(rate=RATE, duration=f"{seconds:.0f}s", format="mixed", malformed=0.05, missing=0.1)
    weir = bench.weir(workers=2)
    seen = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(min(10.0, seconds / 20))
        assert weir.alive, weir.tail()
        seen.append(holdings(weir))
    warm, last = seen[len(seen) // 10], seen[-3:]
    print(f"warm: {warm}; at the end: {last[-1]}; most: { {kind: max(each[kind] for each in seen) for kind in GAIN} }")
    for kind, gain in GAIN.items():
        assert min(each[kind] for each in last) <= warm[kind] + gain, (kind, seen)
    bench.finished(load, 60)
    bench.drained(90)
    assert weir.stop() == 0
    print(clean(bench, RATE * seconds * 0.5).inputs, "records")


def test_members_that_come_and_go_all_the_time(bench):
    """A storm: every second or so an instance is stopped, killed or started, and all partitions change hands."""
    chance = random.Random(SEED)
    seconds = min(MINUTES, 5) * 60
    bench.topics(partitions=12)
    load = bench.load(rate=RATE, duration=f"{seconds:.0f}s", format="mixed", malformed=0.05)
    weirs = [bench.weir(instance=f"i{n}", start=False, workers=2, kafka=SESSION) for n in range(4)]
    counts = {"started": 0, "stopped": 0, "killed": 0}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        weir = chance.choice(weirs)
        if not weir.alive:
            weir.start()
            counts["started"] += 1
        elif chance.random() < 0.5:
            weir.kill()
            counts["killed"] += 1
        else:
            assert weir.stop() == 0, weir.tail()
            counts["stopped"] += 1
        time.sleep(chance.uniform(0.2, 2.0))
    for weir in weirs:
        if not weir.alive:
            weir.start()
    bench.finished(load, 60)
    bench.drained(120)
    for weir in weirs:
        assert weir.stop() == 0, weir.tail()
    print(counts, clean(bench, RATE * seconds * 0.5).inputs, "records")


def test_a_thousand_partitions(bench):
    """One process with two workers, then a second one, then one of both killed."""
    for topic in (bench.input, bench.output, bench.dead):
        bench.hands.create(topic, 1000)
    load = bench.load(rate=RATE, duration="60s", format="mixed", malformed=0.02)
    one = bench.weir(instance="one", workers=2, kafka=SESSION, output={"partition": "source"})
    until(lambda: bench.hands.committed(bench.name, bench.input), 60, "the first commit")
    two = bench.weir(instance="two", workers=2, kafka=SESSION, output={"partition": "source"})
    two.wait_for_log("event=assigned", 60)
    time.sleep(5)
    one.kill()
    bench.finished(load, 120)
    bench.drained(120)
    print(holdings(two))
    assert two.stop() == 0, two.tail()
    print(clean(bench, RATE * 60 * 0.5).inputs, "records")


# libfaketime tells another time of day, and knows that who waits until then with POSIX's threads must wait by it. librdkafka
# waits with C11's, which are the same in glibc.
WAITING = r"""
#include <errno.h>
#include <pthread.h>
#include <threads.h>
int cnd_timedwait(cnd_t *condition, mtx_t *mutex, const struct timespec *until)
{
    int failed = pthread_cond_timedwait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex, until);
    return failed == 0 ? thrd_success : failed == ETIMEDOUT ? thrd_timedout : thrd_error;
}
"""


def waiting_library(folder):
    library = folder / "waiting.so"
    words = ["cc", "-std=c17", "-shared", "-fPIC", "-x", "c", "-", "-o", library]
    subprocess.run(words, input=WAITING, text=True, check=True)
    return library


def test_clocks_that_jump(bench):
    """The wall clock goes nearly an hour forth, two back, ten days back, and stands a day wrong at a restart: only times in
    records show it. Brokers take no record from more than an hour ahead (message.timestamp.after.max.ms), such as the
    journal's would be: weir says so, and waits for the right time."""
    libraries = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    assert libraries, "the clocks that jump need libfaketime: apt-get install libfaketime"
    clock = bench.folder / "clock"

    def jump(offset):
        whole = clock.with_suffix(".new")
        whole.write_text(f"{offset}\n", encoding="ascii")
        shutil.move(whole, clock)

    def committed():
        return sum(bench.hands.committed(bench.name, bench.input).values())

    def flows(what, seconds=30):
        done = committed()
        until(lambda: committed() > done + RATE, seconds, f"records to flow {what}")

    jump("+0")
    bench.topics()
    load = bench.load(rate=RATE, duration="60s", format="mixed", malformed=0.05)
    weir = bench.weir(start=False, workers=2)
    weir.environment = {
        "LD_PRELOAD": f"{waiting_library(bench.folder)}:{libraries[0]}",
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    weir.start()
    for offset in ("+59m", "-2h", "+0", "-30s", "-10d", "+0"):
        until(lambda: bench.hands.committed(bench.name, bench.input), 30, "the first commit")
        jump(offset)
        flows(f"after a jump to {offset}")
    assert not weir.lines("level=(warn|error)"), weir.tail()
    jump("+10d")
    weir.wait_for_log("event=output_refused .*journal refuses", 30)
    jump("+0")
    flows("with the right time", 60)
    assert not weir.lines("level=error"), weir.tail()
    assert weir.stop() == 0
    jump("-1d")
    weir.start()
    bench.finished(load, 90)
    bench.drained(90)
    assert weir.stop() == 0
    print(clean(bench, RATE * 30).inputs, "records")
