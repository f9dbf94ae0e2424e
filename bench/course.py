"""Where the measuring happens: a broker of its own, and single runs on it."""

import contextlib
import json
import os
import subprocess
import time
from pathlib import Path

from kafka.errors import TopicAlreadyExistsError

from lab.cluster import Cluster
from lab.hands import Hands
from lab.processes import cpu_seconds, memory_mib, spawn, until
from lab.weir import generate
from subjects import BUILD

PARTITIONS = 4
SAMPLE_SECONDS = 0.05  # Between two looks at how far a run is,
SAMPLE_SECONDS_A_PARTITION = 0.0005  # and more where the answer is long.
RUN_SECONDS = 300
FILL_SECONDS = 600
STOP_SECONDS = 20
READY_SECONDS = 30
LATENCY_SECONDS = 15
LATENCY_SKIP_SECONDS = 3  # The first seconds of a latency run are left out: everything is still starting.

# The broker as for work, not for a quick start: all of Java's compilers, a heap that is never short, large segments.
JVM = ("-Xms1g", "-Xmx1g", "-XX:TieredStopAtLevel=4")
PROPERTIES = {
    "num.io.threads": 8,
    "num.network.threads": 3,
    "log.segment.bytes": 1 << 30,
    "log.retention.check.interval.ms": 3600000,
    "log.segment.delete.delay.ms": 100,
    "message.max.bytes": 10485760,
}


def peak_mib(pid):
    peak = memory_mib(pid, "VmHWM")
    if peak is None:
        raise RuntimeError(f"no VmHWM of process {pid}")
    return peak


class Course:
    """Every run gets a group and an output topic of its own."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.cluster = Cluster(self.folder / "kafka", properties=PROPERTIES, jvm=JVM).start()
        self.hands = Hands(self.cluster.bootstrap)
        self.serial = 0
        self.live = []

    def topic(self, name, partitions=PARTITIONS, **configs):
        """Makes a topic. All names here are new, so one that exists was made by a request whose answer got lost."""
        with contextlib.suppress(TopicAlreadyExistsError):
            self.hands.create(name, partitions, **configs)
        return name

    def fill(self, name, records, *words, partitions=PARTITIONS):
        """Makes a topic of so many logins, good ones where the words do not say otherwise."""
        self.topic(name, partitions)
        self.load(name, "--count", str(records), *words).wait(FILL_SECONDS)
        found = sum(self.hands.ends(name).values())
        if found != records:
            raise RuntimeError(f"{name} has {found} records instead of {records}:\n{self.log('generate')}")
        return name

    def load(self, name, *words):
        clean = {"malformed": 0, "missing": 0, "headers": 0, "format": "avro"}
        argv = generate(self.cluster.bootstrap, name, **clean)
        return self.spawn([*argv, *words], "generate")

    def spawn(self, argv, name, **kwargs):
        with open(self.folder / f"{name}.log", "ab") as log:
            self.live.append(spawn([str(word) for word in argv], stderr=log, **{"stdout": log, **kwargs}))
        return self.live[-1]

    def log(self, name):
        return "\n".join((self.folder / f"{name}.log").read_text(errors="replace").splitlines()[-20:])

    def topics_for(self, source, partitions):
        """The topics of one run: fresh ones, since what was written before would be in the broker's way."""
        self.serial += 1
        names = {"input": source, "output": f"out-{self.serial}", "dead": f"dlq-{self.serial}"}
        self.topic(names["output"], partitions)
        self.topic(names["dead"], 1)
        names["journal"] = self.topic(f"journal-{self.serial}", 1)
        return names, f"group-{self.serial}"

    def start(self, subject, topics, group):
        argv = subject.argv(self.cluster.bootstrap, self.folder, topics, group)
        return self.spawn(argv, group, env={**os.environ, **subject.environment()})

    def stop(self, subject, process, group):
        process.terminate()
        status = process.wait(STOP_SECONDS)
        self.live.remove(process)
        if status not in subject.statuses:
            raise RuntimeError(f"{subject.label} ended with {status}:\n{self.log(group)}")

    def watch(self, subject, process, source, group, records, partitions):
        """(seconds, records committed, CPU seconds) again and again until all records are committed."""
        samples = [(time.monotonic(), 0, 0.0)]
        end = time.monotonic() + RUN_SECONDS
        while samples[-1][1] < records:
            time.sleep(SAMPLE_SECONDS + SAMPLE_SECONDS_A_PARTITION * partitions)
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{subject.label} stopped at {samples[-1][1]} of {records}:\n{self.log(group)}")
            done = sum(self.hands.committed(group, source).values())
            samples.append((time.monotonic(), done, cpu_seconds(process.pid)))
        return samples

    def move(self, subject, source, records):
        """Runs a subject over a filled topic, only for what it writes: the names of its topics."""
        topics, group = self.topics_for(source, PARTITIONS)
        process = self.start(subject, topics, group)
        self.watch(subject, process, source, group, records, PARTITIONS)
        self.stop(subject, process, group)
        return topics

    def drain(self, subject, source, records, partitions=PARTITIONS, warm=False):
        """Runs a subject over a filled topic. CPU: all of the process up to the last commit. Rate: from the first
        commit that is seen to the last, without the start. warm: both of the second half of the records alone, when
        what compiles as it runs has been compiled."""
        topics, group = self.topics_for(source, partitions)
        process = self.start(subject, topics, group)
        samples = self.watch(subject, process, source, group, records, partitions)
        rss = peak_mib(process.pid)
        self.stop(subject, process, group)
        self.count(subject, topics, records)
        self.hands.delete(topics["output"], topics["dead"], topics["journal"])
        since, before, _ = next(sample for sample in samples if sample[1] > (records // 2 if warm else 0))
        used = next(sample[2] for sample in samples if sample[1] == before) if warm else 0.0
        now, _, cpu = samples[-1]
        counted = records - before if warm else records
        nan = float("nan")
        return {
            "cpu": (cpu - used) * 1e6 / counted if counted > 0 else nan,
            "rate": (records - before) / (now - since) / 1000 if now > since else nan,
            "rss": rss,
        }

    def count(self, subject, topics, records):
        """A run counts only when a read_committed reader finds as many records as went in."""
        at = ("--bootstrap-server", self.cluster.bootstrap, "--topic")
        found = {}
        for kind in ("output", "dead"):
            reader = self.spawn([BUILD / "bench" / "reader", *at, topics[kind]], "reader", stdout=subprocess.PIPE)
            out = reader.communicate(timeout=RUN_SECONDS)[0]
            self.live.remove(reader)
            if reader.returncode != 0:
                raise RuntimeError(f"the reader failed:\n{self.log('reader')}")
            found[kind] = json.loads(out)["records"]
        if found != {"output": records, "dead": 0}:
            raise RuntimeError(f"{subject.label} wrote {found} of {records} good records")

    def latency(self, subject, rate):
        """Milliseconds from a record's being appended to the input until a read_committed reader has its output."""
        source = self.topic(f"timed-{self.serial}", PARTITIONS, message_timestamp_type="LogAppendTime")
        topics, group = self.topics_for(source, PARTITIONS)
        count, skip = rate * LATENCY_SECONDS, rate * LATENCY_SKIP_SECONDS
        process = self.start(subject, topics, group)
        until(lambda: group in self.hands.groups(), READY_SECONDS, f"{subject.label} to join its group")
        at = ("--bootstrap-server", self.cluster.bootstrap, "--topic", topics["output"])
        reader = self.spawn(
            [BUILD / "bench" / "reader", *at, "--count", count, "--skip", skip], "reader", stdout=subprocess.PIPE
        )
        load = self.load(source, "--count", str(count), "--rate", str(rate), "-X", "linger.ms=1")
        out = reader.communicate(timeout=LATENCY_SECONDS + RUN_SECONDS)[0]
        cpu = cpu_seconds(process.pid) * 1e6 / count
        load.wait(STOP_SECONDS)
        self.stop(subject, process, group)
        self.hands.delete(source, topics["output"], topics["dead"], topics["journal"])
        if reader.returncode != 0:
            raise RuntimeError(f"the reader failed:\n{self.log('reader')}")
        return {**json.loads(out), "cpu": cpu}

    def close(self):
        for process in self.live:
            if process.poll() is None:
                process.kill()
                process.wait()
        self.hands.close()
        self.cluster.kill()
