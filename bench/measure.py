"""script/bench: weir beside a bare pass-through and its peers, on the same broker and topic, in alternating runs."""

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from kafka.errors import KafkaError

import likeness
from course import PARTITIONS, Course
from lab.weir import merged
from subjects import Passthrough, Python, Weir, streams_as_it_comes, streams_tuned

WARM_UP_RECORDS = 300000  # Before anything is measured: the broker's code is compiled as it runs.
LATENCY_RUNS = 3  # At most; each takes a fixed time.


def say(text=""):
    print(text, flush=True)


def progress(text):
    """For whoever waits; the tables on standard output do without it."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def nested(words):
    """["kafka.linger.ms=5", "transaction.interval=10ms"] as a configuration; below kafka, dots belong to the name.
    ["journal=off"] is a value in the place of a block."""
    config = {}
    for word in words:
        path, _, value = word.partition("=")
        block, _, name = path.partition(".")
        if name:
            config.setdefault(block, {})[name] = value
        else:
            config[block] = value
    return config


# --- tables ---
def spread(values, digits=2):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def table(head, rows):
    say("| " + " | ".join(head) + " |")
    say("|" + "---|" * len(head))
    for row in rows:
        say("| " + " | ".join(row) + " |")


def in_turns(course, title, subjects, source, records, runs, partitions=PARTITIONS, warm=False):
    """Runs the subjects one after the other, again and again: what was seen of each."""
    say(f"\n### {title}")
    seen = {subject.label: [] for subject in subjects}
    for run in range(runs):
        for subject in subjects:
            found = course.drain(subject, source, records, partitions, warm)
            told = f"{found['cpu']:.2f} µs/record, {found['rate']:.0f} k records/s, {found['rss']:.0f} MiB"
            progress(f"{title}: run {run + 1} of {runs}, {subject.label}: {told}")
            seen[subject.label].append(found)
    return seen


def compare(course, title, subjects, source, records, runs, partitions=PARTITIONS):
    """Runs the subjects in turns and prints them beside the first one. A ratio is taken between runs that followed
    one another, so that what else the machine does meets both."""
    seen = in_turns(course, title, subjects, source, records, runs, partitions)
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


def contest(course, title, weir, peers, source, records, runs):
    """Runs weir and its peers in turns, warmed up, and prints weir's ratio to each: between runs that followed one
    another."""
    seen = in_turns(course, title, [weir, *peers], source, records, runs, warm=True)
    names, digits = ("rate", "cpu", "rss"), {"rate": 0, "cpu": 3, "rss": 0}
    rows = []
    for label, found in seen.items():
        cells = [label]
        for name in names:
            cells.append(spread([run[name] for run in found], digits[name]))
            ratios = [run[name] / other[name] for run, other in zip(seen[weir.label], found)]
            cells.append("" if label == weir.label else spread(ratios))
        rows.append(cells)
    head = ("", "k records/s", "weir's ×", "CPU µs/record", "weir's ×", "peak RSS MiB", "weir's ×")
    table(head, rows)


# --- what can be run ---
class Bench:
    def __init__(self, course, args):
        self.course, self.args = course, args
        self._filled = {}

    def weirs(self, prefix="", **changes):
        """weir as it is, and the variants that the command line asks for."""
        given = merged(nested(self.args.set), changes)
        found = [Weir(f"{prefix}weir", **given)]
        found += [Weir(f"{prefix}weir, {word}", **merged(given, nested(word.split(",")))) for word in self.args.vary]
        found += [Weir(f"{prefix}weir of {path}", path, **given) for path in self.args.beside]
        return found

    def source(self, form="avro", partitions=PARTITIONS):
        key = (form, partitions)
        if key not in self._filled:
            name = f"logins-{form}-{partitions}"
            self._filled[key] = self.course.fill(name, self.args.records, "--format", form, partitions=partitions)
        return self._filled[key]

    def run(self, title, subjects, source, partitions=PARTITIONS):
        compare(self.course, title, subjects, source, self.args.records, self.args.runs, partitions)

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

    def workers(self):
        weirs = [weir for n in self.args.workers for weir in self.weirs(f"{n} workers, ", workers=n)]
        self.run("Avro, several workers", [Passthrough(), *weirs], self.source())

    def peers(self):
        peers = [streams_tuned(), streams_tuned("direct"), streams_as_it_comes(), Python()]
        weir = self.weirs()[0]
        found = likeness.check(self.course, [weir, *peers])
        say(f"\nAll peers make the same of a mixed topic as weir: {found['processed']:,} processed, "
            f"{found['rejected']:,} rejected.")
        title = "Beside peers: Avro, transactions of 100 ms, second half of the records"
        contest(self.course, title, weir, peers, self.source(), self.args.records, self.args.runs)

    def latency(self):
        rate = self.args.rate
        say(f"\n### From input to output, {rate:,} records/s, ms")
        rows = []
        for interval in self.args.intervals:
            weirs = self.weirs(transaction={"interval": f"{interval}ms"})
            for subject in (Passthrough(interval_ms=interval), *weirs):
                found = []
                for _ in range(min(self.args.runs, LATENCY_RUNS)):
                    found.append(self.course.latency(subject, rate))
                    progress(f"latency, {interval} ms, {subject.label}: p99 {found[-1]['p99_ms']} ms")
                cells = [spread([each[name] for each in found], 0) for name in ("p50_ms", "p99_ms", "max_ms")]
                rows.append((f"{interval} ms", subject.label, *cells, spread([each["cpu"] for each in found], 1)))
        table(("interval", "", "p50", "p99", "longest", "CPU µs/record"), rows)

    def warm_up(self):
        """Lets the broker's code be compiled and its caches fill before anything counts."""
        source = self.course.fill("warm-up", WARM_UP_RECORDS)
        for subject in (Passthrough(), Weir()):
            self.course.drain(subject, source, WARM_UP_RECORDS)
        self.course.hands.delete(source)


PARTS = ("avro", "json", "peers", "latency", "intervals", "partitions", "workers")
USUAL = PARTS[:4]
NOTE = """WHAT is of these; without it the first four are run, in about 25 minutes:
  avro        weir and the pass-through, Avro in; produce_batch beside
  json        the same with JSON in
  peers       weir beside Kafka Streams and Python
  latency     from input to output at a fixed rate, at several transaction intervals
  intervals   speed and CPU at several transaction intervals
  partitions  the same by the number of partitions
  workers     the same by the number of workers"""


def arguments():
    parser = argparse.ArgumentParser(
        prog="script/bench",
        description="What weir costs beside a bare pass-through on librdkafka, Kafka Streams and Python, in turns.",
        epilog=NOTE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", nargs="*", metavar="WHAT", help="which parts to run, see below")
    parser.add_argument("--quick", action="store_true", help="fewer records and runs: whether it works, not how fast")
    parser.add_argument("--records", type=int, default=3000000, help="in a topic (default 3000000)")
    parser.add_argument("--runs", type=int, default=5, help="of each (default 5)")
    numbers = {"type": lambda text: [int(word) for word in text.split(",")], "metavar": "N,..."}
    parser.add_argument("--intervals", default=[10, 50, 100, 500], help="ms, for intervals and latency", **numbers)
    parser.add_argument("--partitions", default=[1, 10, 100, 1000], help="for partitions", **numbers)
    parser.add_argument("--workers", default=[1, 2, 4], help="for workers", **numbers)
    parser.add_argument("--rate", type=int, default=10000, help="records per second for latency (default 10000)")
    parser.add_argument("--set", action="append", default=[], metavar="OPTION=VALUE", help="in every weir's configuration")
    parser.add_argument("--vary", action="append", default=[], metavar="OPTION=VALUE[,...]", help="one more weir with this")
    parser.add_argument("--beside", action="append", default=[], metavar="PROGRAM", help="one more weir: another build")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the logs and Kafka's data")
    args = parser.parse_args()
    args.what = args.what or USUAL
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
    course, status = None, 1
    try:
        course = Course(folder)
        bench = Bench(course, args)
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
        if course is not None:
            course.close()
        if args.keep:
            say(f"kept {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
