"""One pipeline on a cluster: what a test, or a chaos run, works at."""

import itertools
import subprocess
from pathlib import Path

from .hands import Hands
from .judge import AvroCoordinates, Judge
from .processes import spawn, until
from .weir import ROOT, Weir, generate, merged, shipped

_serial = itertools.count(1)


class Bench:
    """One pipeline on one cluster: fresh topics, weir processes, a load, and the judge's verdict."""

    def __init__(self, cluster, folder, reader):
        self.cluster, self.folder, self.reader = cluster, Path(folder), reader
        self.hands = Hands(cluster.bootstrap)
        self.name = f"logins-{next(_serial)}"
        self.input, self.output, self.dead = self.name, f"processed-{self.name}", f"{self.name}-dlq"
        self.journal = None  # The topic, once a weir that writes it is made.
        self.schemas = ROOT / "schemas"
        self.weirs, self._loads = [], []

    def topics(self, partitions=4, dead=True):
        for topic in (self.input, self.output, *([self.dead] if dead else [])):
            self.hands.create(topic, partitions)
        return self

    def config(self, **changes):
        """The shipped configuration on this bench's topics."""
        topics = {"input": self.input, "output": self.output, "dead": self.dead, "journal": f"{self.name}-journal"}
        return merged(shipped(self.name, self.cluster.bootstrap, topics, self.schemas), changes)

    def weir(self, instance="test", start=True, without=None, **changes):
        config = self.config(**changes)
        if self.journal is None and config["journal"] != "off":
            self.journal = config["journal"]["topic"]
            self.hands.create(self.journal, 1)
        weir = Weir(self.folder / instance, config, instance, without)
        self.weirs.append(weir)
        return weir.start() if start else weir

    def generate(self, *words, **options):
        """Runs `weir generate` to its end."""
        argv = generate(self.cluster.bootstrap, self.input, "--expect", *words, **options)
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
        assert done.returncode == 0, f"weir generate ended with {done.returncode}:\n{done.stdout}"
        return done.stdout

    def load(self, *words, **options):
        """Starts `weir generate` beside the test; finished(load) waits for it."""
        argv = generate(self.cluster.bootstrap, self.input, "--expect", *words, **options)
        log = open(self.folder / f"generate-{len(self._loads)}.log", "wb")
        self._loads.append(spawn(argv, stdout=log, stderr=subprocess.STDOUT))
        log.close()
        return self._loads[-1]

    def finished(self, load, seconds=90):
        assert load.wait(seconds) == 0, f"weir generate ended with {load.returncode}"

    def drained(self, seconds=60):
        """Waits until weir has committed everything in the input topic."""
        self.hands.wait_drained(self.name, self.input, seconds)

    def passed(self, ends, seconds=60):
        """Waits until weir has committed the input topic up to these offsets, whatever comes after them."""

        def passed():
            committed = self.hands.committed(self.name, self.input)
            return all(committed.get(partition, 0) >= end for partition, end in ends.items())

        until(passed, seconds, f"{ends} to be committed")

    def records(self, topic):
        """A topic as a read_committed reader sees it, once no transaction is open in it."""
        records, still_open = self.reader.read(self.cluster.bootstrap, topic)
        assert not still_open, f"a transaction is still open in {topic}, partitions {sorted(still_open)}"
        return records

    def judge(self, coordinates=None, letters=None, **options):
        """Reads the topics and judges them up to what is committed, and the journal with them."""
        coordinates = coordinates or AvroCoordinates(self.schemas, "processed-user-login-value")
        options.setdefault("until", self.hands.committed(self.name, self.input))
        judge = Judge(self.input, coordinates, **options)
        letters = self.records(self.dead) if letters is None else letters
        report = judge.judge(self.records(self.input), self.records(self.output), letters)
        if self.journal is not None:
            judge.journal(self.records(self.journal))
        return report

    def outputs(self):
        """The output records decoded, by their source's (partition, offset)."""
        decode = AvroCoordinates(self.schemas, "processed-user-login-value")
        decoded = [decode.fields(record.value) for record in self.records(self.output)]
        return {(fields["source_partition"], fields["source_offset"]): fields for fields in decoded}

    def close(self):
        for process in self._loads:
            if process.poll() is None:
                process.kill()
                process.wait()
        for weir in self.weirs:
            weir.close()
        self.hands.close()
