"""Random evolutions of schemas, read by weir, by Apache Avro's Java library and by fastavro: do they agree?

    python -m lab.trials --trials 1000000 --seed 1        in integration/, with script/test's environment
"""

import argparse
import collections
import concurrent.futures
import io
import json
import math
import multiprocessing
import os
import random
import re
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple, Optional

import fastavro

from .evolution import Endless, Schemas, Values, text
from .resolver import Resolver
from .weir import binary

VALUES_OF_A_PAIR = 25
TELL_SECONDS = 30
LONGEST_VALUE = 400  # Bytes: what is written to the judge must fit into a pipe.
BAD_DATA = 65
UNEXPLAINED = "unexplained"
JAVA_COUNTS_WRONG = "explained: Java takes the reader's items for the writer's"


class Trial(NamedTuple):
    """A value that was read as another schema, and what came of it: hexadecimal digits, or why not."""

    seed: int
    writer: str
    reader: str
    value: str
    weir: Optional[str]
    weir_why: Optional[str]
    java: Optional[str]
    java_says: Optional[str]  # its JSON of the value, or why not
    fastavro_why: Optional[str] = None


class Trials:
    """Makes trials and counts what came of them; what no rule explains is kept."""

    def __init__(self, resolver):
        self.resolver = resolver
        self.counts = collections.Counter()
        self.unexplained = []
        self._folder = tempfile.TemporaryDirectory(prefix="weir-trials-")

    def run(self, seed, trials, step=1, tell=lambda done: None):
        """Pairs of schemas, each with some values, of every step-th seed until there were so many trials; the next seed."""
        while trials > 0:
            done = self.pair(seed)
            tell(done)
            trials -= done
            seed += step
        return seed

    def pair(self, seed):
        """One pair; the number of its trials."""
        chance = random.Random(seed)
        schemas = Schemas(chance)
        writer = schemas.writer()
        reader = schemas.reader(writer) if chance.random() < 0.97 else writer
        values = Values(chance, writer)
        try:
            made = {values.encoded().hex() for _ in range(VALUES_OF_A_PAIR)}
        except (Endless, RecursionError):
            return 0  # A type of which there are no values, or hardly any that end.
        made = sorted(value for value in made if len(value) <= 2 * LONGEST_VALUE)
        writer, reader = text(writer), text(reader)
        files = self._files(writer=writer, reader=reader)
        weir = self._weir(["--hex", *files], made)
        java = self.resolver.read(writer, reader, made)
        trials = [Trial(seed, writer, reader, *rest) for rest in ((v, *w, *j) for v, w, j in zip(made, weir, java))]
        for trial in trials:
            self._judge(trial)
        self._json([trial for trial in trials if trial.java is not None and trial.weir is not None], files[-2:])
        return len(made)

    def _files(self, **schemas):
        words = []
        for name, schema in schemas.items():
            path = Path(self._folder.name, f"{name}.avsc")
            path.write_text(schema, encoding="utf-8")
            words += [f"--{name}", str(path)]
        return words

    def _json(self, trials, files):
        """Java's JSON of what it read is read by weir: it must come to Java's bytes."""
        outcomes = self._weir(["--unions", "tagged", *files], [trial.java_says for trial in trials])
        for trial, (ours, why) in zip(trials, outcomes):
            verdict = "same bytes" if ours == trial.java else explain_json(trial) or UNEXPLAINED
            self.counts["java's JSON: " + verdict] += 1
            if verdict == UNEXPLAINED:
                self.unexplained.append(trial._replace(weir=ours, weir_why=f"JSON: {why}"))

    def _weir(self, words, values):
        lines = "".join(f"{value}\n" for value in values)
        done = subprocess.run([binary(), "try", *words], input=lines, capture_output=True, text=True, check=False)
        if done.returncode == BAD_DATA:
            return [(None, "incompatible: " + done.stderr.strip())] * len(values)
        assert done.returncode == 0, done.stderr
        outcomes = map(json.loads, done.stdout.split("\n")[:-1])
        return [(outcome["output_hex"], outcome["code"] and f"{outcome['code']}: {outcome['message']}") for outcome in outcomes]

    def _judge(self, trial):
        java = self._java(trial)
        self.counts["java: " + java] += 1
        if java == UNEXPLAINED:
            self.unexplained.append(trial)
        verdict, why = fastavro_verdict(trial)
        agreed = java.startswith(("same", JAVA_COUNTS_WRONG))
        if verdict == UNEXPLAINED and agreed and has_promotable_twins(json.loads(trial.reader)):
            verdict = "explained: the very type goes before one that it is promoted to, as in Java"
        self.counts["fastavro: " + verdict] += 1
        if verdict == UNEXPLAINED:
            self.unexplained.append(trial._replace(fastavro_why=why))

    def _java(self, trial):
        if trial.weir == trial.java:
            return "both refuse" if trial.weir is None else "same bytes"
        if trial.weir is not None and trial.java is not None:
            # How items lie in blocks is not determined: weir keeps the writer's, Java makes one.
            (again, _), = self.resolver.read(trial.reader, trial.reader, [trial.weir])
            return "same value" if again == trial.java else UNEXPLAINED
        return explain_java(trial) or UNEXPLAINED


# --- why they may differ: each rule is one of the specification, or of what a library is known to do wrong ---

UNREADABLE_BRANCH = "bad_union_branch: the reader cannot read the writer's branch"
UNREADABLE_ITEMS = re.compile(r"writer to reader: [^:]*\[\][^:]*: writer has ")


def explain_refusal_ahead(trial):
    """weir refuses a pair of schemas, or a branch of a union, where the items of an array or a map cannot be read; others
    refuse the items, and so read an array without any. It also refuses a record of which no value could end."""
    in_union = trial.weir_why.startswith(UNREADABLE_BRANCH) or "writer has union" in trial.weir_why
    may_be_empty = '"array"' in trial.writer or '"map"' in trial.writer
    if UNREADABLE_ITEMS.search(trial.weir_why) or (in_union and may_be_empty):
        return "explained: items that no value may have"
    return "explained: a record without end" if "would contain itself without end" in trial.weir_why else None


def has_promotable_twins(schema):
    """True when a union has both string and bytes: by the letter of the specification the first of them takes either."""
    kinds = ({branch if isinstance(branch, str) else branch["type"] for branch in union} for union in unions(schema))
    return any({"string", "bytes"} <= names for names in kinds)


def has_record_branch(schema):
    return any(isinstance(branch, dict) and branch["type"] == "record" for union in unions(schema) for branch in union)


def unions(schema):
    """All unions of a schema."""
    if isinstance(schema, list):
        yield schema
    parts = schema if isinstance(schema, list) else []
    if isinstance(schema, dict):
        parts = [schema[key] for key in ("items", "values") if key in schema]
        parts += [field["type"] for field in schema.get("fields", ())]
    for part in parts:
        yield from unions(part)


def explain_java(trial):
    if trial.java is None:
        # It reckons with the size of the reader's items where the writer's are in the bytes: int as double, and so on.
        return JAVA_COUNTS_WRONG if "Collection claims" in trial.java_says else None
    if trial.weir_why.startswith("bad_utf8"):
        return "explained: a string is UTF-8"
    if "unknown type" in trial.weir_why:
        return "explained: a name is defined before it is used"
    if trial.weir_why.startswith(UNREADABLE_BRANCH) and has_record_branch(json.loads(trial.writer)):
        # The specification wants the names to match.
        return "explained: Java matches a union's records of other names by their fields"
    return explain_refusal_ahead(trial)


def explain_json(trial):
    return "explained: Java writes nothing for a record without fields" if trial.java_says == "" else None


# --- fastavro ---

_parsed = {}


def _without_logical(schema):
    schema.pop("logicalType", None)
    return schema


def parsed(schema):
    """fastavro's form of a schema, of the last few. Without logical types, which it would turn into Python's own."""
    if schema not in _parsed:
        if len(_parsed) > 8:
            _parsed.clear()
        _parsed[schema] = fastavro.parse_schema(json.loads(schema, object_hook=_without_logical), _write_hint=False)
    return _parsed[schema]


def fastavro_verdict(trial):
    """What fastavro says, and why when it differs without reason."""
    try:
        writer, reader = parsed(trial.writer), parsed(trial.reader)
        theirs = fastavro.schemaless_reader(io.BytesIO(bytes.fromhex(trial.value)), writer, reader)
    except Exception as error:  # It raises whatever its code meets.
        if trial.weir is None:
            return "both refuse", None
        why = f"{type(error).__name__}: {error}"
        return UNEXPLAINED, why
    if trial.weir is None:
        return explain_refusal_ahead(trial) or UNEXPLAINED, trial.weir_why
    rest = io.BytesIO(bytes.fromhex(trial.weir))
    ours = fastavro.schemaless_reader(rest, reader, None)
    if not rest.read() and same(ours, theirs):
        return "same value", None
    return UNEXPLAINED, f"{theirs!r}, not {ours!r}"


def single(number):
    try:
        return struct.unpack("<f", struct.pack("<f", float(number)))[0]
    except OverflowError:
        return math.inf


def same(a, b):
    """Equal, where 7 and 7.0 are the same number, and a float has no more digits than a float has. fastavro takes the
    default of bytes and fixed as it stands in the schema: a text with a character per byte."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return a == b or single(a) == single(b)
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, bytes) and isinstance(b, str):
        return a == b.encode("latin-1", "replace")
    return type(a) is type(b) and a == b


_done = None  # Of the process of a job: how many trials all of them have done.


def remember(done):
    global _done
    _done = done


def tell(more):
    with _done.get_lock():
        _done.value += more


def run_share(seed, trials, step):
    """A job's share, in a process of its own: of the seeds every step-th one."""
    resolver = Resolver()
    job = Trials(resolver)
    last = job.run(seed, trials, step, tell)
    resolver.close()
    return last, job.counts, job.unexplained


def run_jobs(options):
    """All jobs, with a line on standard error now and then: the next seed, the counts, and what is unexplained."""
    done = multiprocessing.Value("q", 0)
    share = -(-options.trials // options.jobs)
    with concurrent.futures.ProcessPoolExecutor(options.jobs, initializer=remember, initargs=(done,)) as pool:
        jobs = [pool.submit(run_share, options.seed + i, share, options.jobs) for i in range(options.jobs)]
        while concurrent.futures.wait(jobs, TELL_SECONDS).not_done:
            print(f"trials: {done.value:,} of {options.trials:,}", file=sys.stderr, flush=True)
    lasts, counts, unexplained = zip(*(job.result() for job in jobs))
    return max(lasts), sum(counts, collections.Counter()), [trial for each in unexplained for trial in each]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="how many run at once")
    parser.add_argument("--show", type=int, default=5, help="how many differences are shown")
    options = parser.parse_args()
    began = time.monotonic()
    last, counts, unexplained = run_jobs(options)
    print(f"seeds {options.seed} to {last - 1}, {time.monotonic() - began:.0f} s")
    for what, count in sorted(counts.items()):
        print(f"{count:9} {what}")
    for trial in unexplained[: options.show]:
        print(json.dumps(trial._asdict(), indent=1, ensure_ascii=False))
    sys.exit(bool(unexplained))


if __name__ == "__main__":
    main()
