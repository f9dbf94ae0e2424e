"""script/bench: weir beside a bare pass-through, on the same broker and topic, in alternating runs."""

import argparse
import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from kafka.errors import KafkaError, TopicAlreadyExistsError

from lab.cluster import Cluster
from lab.hands import Hands
from lab.processes import spawn, until
from lab.weir import ROOT, binary, generate, merged

BUILD = Path(os.environ["WEIR_BENCH_BUILD"])
PARTITIONS = 4
SAMPLE_SECONDS = 0.05  # Between two looks at how far a run is.
RUN_SECONDS = 300
FILL_SECONDS = 600
STOP_SECONDS = 20
READY_SECONDS = 30
WARM_UP_RECORDS = 300000  # Before anything is measured: the broker's code is compiled as it runs.
LATENCY_SECONDS = 15
LATENCY_SKIP_SECONDS = 3  # The first seconds of a latency run are left out: everything is still starting.
TICK = os.sysconf("SC_CLK_TCK")

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


def say(text=""):
    print(text, flush=True)


def nested(words):
    """["kafka.linger.ms=5", "transaction.interval=10ms"] as a configuration; below kafka, dots belong to the name."""
    config = {}
    for word in words:
        path, _, value = word.partition("=")
        block, _, name = path.partition(".")
        config.setdefault(block, {})[name] = value
    return config


# --- who is measured ---
class Subject:
    """Something that moves a topic's records to another one, as a process of its own for each run."""

    def __init__(self, label):
        self.label = label

    def argv(self, bootstrap, folder, topics, group):
        raise NotImplementedError


class Passthrough(Subject):
    """bench/passthrough.c; words are further arguments."""

    def __init__(self, *words, label="pass-through", interval_ms=100):
        super().__init__(label)
        self.words, self.interval_ms = words, interval_ms

    def argv(self, bootstrap, folder, topics, group):
        return [
            *(BUILD / "bench" / "passthrough", "--bootstrap-server", bootstrap, "--group", group),
            *("--input", topics["input"], "--output", topics["output"], "--interval-ms", self.interval_ms, *self.words),
        ]


class Weir(Subject):
    """`weir run` with the shipped rules; changes are laid over its configuration."""

    def __init__(self, label="weir", program=None, **changes):
        super().__init__(label)
        self.program, self.changes = program or binary(), changes

    def config(self, bootstrap, topics, group):
        base = {
            "pipeline": group,
            "kafka": {"bootstrap.servers": bootstrap},
            "registry": {"dir": str(ROOT / "schemas")},
            "input": {"topic": topics["input"], "schema": {"subject": "user-login-value"}},
            "output": {"topic": topics["output"], "schema": {"subject": "processed-user-login-value"}},
            "dead_letter": {"topic": topics["dead"]},
            "check": [{"field": "ip", "format": "ip"}],
            "set": {
                "timestamp": {"epoch_seconds": "timestamp"},
                "processed": True,
                "processed_timestamp": {"now": "millis"},
                "source_partition": {"source": "partition"},
                "source_offset": {"source": "offset"},
            },
        }
        return merged(base, self.changes)

    def argv(self, bootstrap, folder, topics, group):
        path = folder / f"{group}.yaml"
        path.write_text(json.dumps(self.config(bootstrap, topics, group), indent=2) + "\n")
        return [self.program, "run", "-c", path, "--instance", "bench"]


# --- one run ---
def cpu_seconds(pid):
    """User and system time of a live process with all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def peak_mib(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"no VmHWM of process {pid}")


class Lab:
    """A broker, and what is done on it. Every run gets a group and an output topic of its own."""

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
        """Makes a topic of so many good logins."""
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
        return names, f"group-{self.serial}"

    def start(self, subject, topics, group):
        return self.spawn(subject.argv(self.cluster.bootstrap, self.folder, topics, group), group)

    def end(self, process, topics):
        process.terminate()
        status = process.wait(STOP_SECONDS)
        self.live.remove(process)
        self.hands.delete(topics["output"], topics["dead"])
        return status

    def drain(self, subject, source, records, partitions=PARTITIONS):
        """Runs a subject over a filled topic. CPU: all of the process up to the last commit. Rate: from the first
        commit that is seen to the last, without the start."""
        topics, group = self.topics_for(source, partitions)
        process = self.start(subject, topics, group)
        first = done = None
        end = time.monotonic() + RUN_SECONDS
        while done != records:
            time.sleep(SAMPLE_SECONDS)
            done, now = sum(self.hands.committed(group, source).values()), time.monotonic()
            if first is None and done:
                first = (now, done)
            if process.poll() is not None or now > end:
                raise RuntimeError(f"{subject.label} stopped at {done} of {records} records:\n{self.log(group)}")
        seen = {"cpu": cpu_seconds(process.pid) * 1e6 / records, "rss": peak_mib(process.pid)}
        span = now - first[0]
        seen["rate"] = (records - first[1]) / span / 1000 if span > 0 else float("nan")
        status = self.end(process, topics)
        if status != 0:
            raise RuntimeError(f"{subject.label} ended with {status}:\n{self.log(group)}")
        return seen

    def latency(self, subject, rate):
        """Milliseconds from a record's being appended to the input until a read_committed reader has its output."""
        source = self.topic(f"timed-{self.serial}", PARTITIONS, message_timestamp_type="LogAppendTime")
        topics, group = self.topics_for(source, PARTITIONS)
        count, skip = rate * LATENCY_SECONDS, rate * LATENCY_SKIP_SECONDS
        process = self.start(subject, topics, group)
        until(lambda: group in self.hands.groups(), READY_SECONDS, f"{subject.label} to join its group")
        at = ("--bootstrap-server", self.cluster.bootstrap, "--topic", topics["output"])
        reader = self.spawn(
            [BUILD / "bench" / "latency", *at, "--count", count, "--skip", skip], "latency", stdout=subprocess.PIPE
        )
        load = self.load(source, "--count", str(count), "--rate", str(rate), "-X", "linger.ms=1")
        out = reader.communicate(timeout=LATENCY_SECONDS + RUN_SECONDS)[0]
        cpu = cpu_seconds(process.pid) * 1e6 / count
        load.wait(STOP_SECONDS)
        self.end(process, topics)
        self.hands.delete(source)
        if reader.returncode != 0:
            raise RuntimeError(f"the reader failed:\n{self.log('latency')}")
        return {**json.loads(out), "cpu": cpu}

    def close(self):
        for process in self.live:
            if process.poll() is None:
                process.kill()
                process.wait()
        self.hands.close()
        self.cluster.kill()


# --- tables ---
def spread(values, digits=2):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def table(head, rows):
    say("| " + " | ".join(head) + " |")
    say("|" + "---|" * len(head))
    for row in rows:
        say("| " + " | ".join(row) + " |")


def compare(lab, title, subjects, source, records, runs, partitions=PARTITIONS):
    """Runs the subjects in turns and prints them beside the first one. A ratio is taken between runs that followed
    one another, so that what else the machine does meets both."""
    say(f"\n### {title}")
    seen = {subject.label: [] for subject in subjects}
    for _ in range(runs):
        for subject in subjects:
            seen[subject.label].append(lab.drain(subject, source, records, partitions))
    base = seen[subjects[0].label]
    rows = []
    for label, found in seen.items():
        ratios = [(run["cpu"] / other["cpu"], run["rate"] / other["rate"]) for run, other in zip(found, base)]
        rows.append(
            (
                label,
                spread([run["cpu"] for run in found], 3),
                spread([ratio[0] for ratio in ratios]),
                spread([run["rate"] for run in found], 0),
                spread([ratio[1] for ratio in ratios]),
                spread([run["rss"] for run in found], 0),
            )
        )
    table(("", "CPU µs/record", "CPU ×", "k records/s", "rate ×", "peak RSS MiB"), rows)


# --- what can be run ---
class Bench:
    def __init__(self, lab, args):
        self.lab, self.args = lab, args
        self._filled = {}

    def weirs(self, **changes):
        """weir as it is, and the variants that the command line asks for."""
        given = nested(self.args.set)
        found = [Weir(**merged(given, changes))]
        found += [Weir(f"weir, {word}", **merged(merged(given, changes), nested(word.split(",")))) for word in self.args.vary]
        found += [Weir(f"weir of {path}", path, **merged(given, changes)) for path in self.args.beside]
        return found

    def source(self, form="avro", partitions=PARTITIONS):
        key = (form, partitions)
        if key not in self._filled:
            name = f"logins-{form}-{partitions}"
            self._filled[key] = self.lab.fill(name, self.args.records, "--format", form, partitions=partitions)
        return self._filled[key]

    def run(self, title, subjects, source, partitions=PARTITIONS):
        compare(self.lab, title, subjects, source, self.args.records, self.args.runs, partitions)

    def avro(self):
        beside = Passthrough("--produce-batch", label="pass-through, produce_batch (no headers, no timestamps)")
        self.run("Avro, transactions of 100 ms", [Passthrough(), *self.weirs(), beside], self.source())

    def json(self):
        self.run("JSON in, Avro out, transactions of 100 ms", [Passthrough(), *self.weirs()], self.source("json"))

    def intervals(self):
        for interval in self.args.intervals:
            weirs = self.weirs(transaction={"interval": f"{interval}ms"})
            self.run(f"Avro, transactions of {interval} ms", [Passthrough(interval_ms=interval), *weirs], self.source())

    def partitions(self):
        for n in self.args.partitions:
            self.run(f"Avro, {n} partitions", [Passthrough(), *self.weirs()], self.source("avro", n), n)

    def latency(self):
        rate = self.args.rate
        say(f"\n### From input to output, {rate:,} records/s, ms")
        rows = []
        for interval in self.args.intervals:
            weirs = self.weirs(transaction={"interval": f"{interval}ms"})
            for subject in (Passthrough(interval_ms=interval), *weirs):
                found = [self.lab.latency(subject, rate) for _ in range(min(self.args.runs, 3))]
                cells = [spread([each[name] for each in found], 0) for name in ("p50_ms", "p99_ms", "max_ms")]
                rows.append((f"{interval} ms", subject.label, *cells, spread([each["cpu"] for each in found], 1)))
        table(("interval", "", "p50", "p99", "longest", "CPU µs/record"), rows)

    def warm_up(self):
        """Lets the broker's code be compiled and its caches fill before anything counts."""
        source = self.lab.fill("warm-up", WARM_UP_RECORDS)
        for subject in (Passthrough(), Weir()):
            self.lab.drain(subject, source, WARM_UP_RECORDS)
        self.lab.hands.delete(source)


PARTS = ("avro", "json", "intervals", "latency", "partitions")


def arguments():
    parser = argparse.ArgumentParser(
        prog="script/bench", description="What weir costs beside a bare pass-through on librdkafka, in alternating runs."
    )
    parser.add_argument("what", nargs="*", metavar="WHAT", help=f"of {', '.join(PARTS)} (default: avro json latency)")
    parser.add_argument("--quick", action="store_true", help="fewer records and runs: whether it works, not how fast")
    parser.add_argument("--records", type=int, default=3000000, help="in a topic (default 3000000)")
    parser.add_argument("--runs", type=int, default=5, help="of each (default 5)")
    numbers = {"type": lambda text: [int(word) for word in text.split(",")], "metavar": "N,..."}
    parser.add_argument("--intervals", default=[10, 50, 100, 500], help="ms, for intervals and latency", **numbers)
    parser.add_argument("--partitions", default=[1, 10, 100, 1000], help="for partitions", **numbers)
    parser.add_argument("--rate", type=int, default=10000, help="records per second for latency (default 10000)")
    parser.add_argument("--set", action="append", default=[], metavar="OPTION=VALUE", help="in every weir's configuration")
    parser.add_argument("--vary", action="append", default=[], metavar="OPTION=VALUE[,...]", help="one more weir with this")
    parser.add_argument("--beside", action="append", default=[], metavar="PROGRAM", help="one more weir: another build")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the logs and Kafka's data")
    args = parser.parse_args()
    args.what = args.what or ["avro", "json", "latency"]
    for what in args.what:
        if what not in PARTS:
            parser.error(f"there is no {what}; there are {', '.join(PARTS)}")
    if args.quick:
        args.records, args.runs = min(args.records, 500000), min(args.runs, 2)
    return args


def main():
    args = arguments()
    folder = Path(tempfile.mkdtemp(prefix="weir-bench-"))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    lab, status = None, 1
    try:
        lab = Lab(folder)
        bench = Bench(lab, args)
        bench.warm_up()
        say(f"{args.records:,} records a run, {args.runs} runs of each in turns; median (lowest–highest); "
            f"{os.cpu_count()} cores, shared with the broker, load before: {os.getloadavg()[0]:.1f}")
        for what in args.what:
            getattr(bench, what)()
        status = 0
    except KeyboardInterrupt:
        say("\nstopped")
        status = 130
    except (RuntimeError, AssertionError, KafkaError, subprocess.TimeoutExpired) as error:
        say(f"\n{error}")
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # A second Ctrl+C must not interrupt the cleaning up.
        if lab is not None:
            lab.close()
        if args.keep:
            say(f"kept {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
