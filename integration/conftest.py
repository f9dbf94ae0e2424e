"""Fixtures: one broker for the session, a cluster of its own for tests that break it, and a bench to work at."""

import itertools
import shutil
import subprocess
from pathlib import Path

import pytest

from lab.cluster import Cluster
from lab.hands import Hands
from lab.judge import AvroCoordinates, Judge
from lab.processes import spawn, until
from lab.reader import Reader
from lab.weir import ROOT, Weir, generate, merged
from proxy import Proxy

_serial = itertools.count(1)
_benches = pytest.StashKey()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what its weir processes logged last."""
    report = yield
    if report.failed and call.when == "call":
        for weir in (weir for bench in item.stash.get(_benches, []) for weir in bench.weirs):
            report.sections.append((f"log of weir {weir.instance}", weir.tail(60)))
    return report


def pytest_sessionfinish(session, exitstatus):
    """A skipped test proves nothing, so it fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:  # A worker of pytest-xdist: the one that distributes the tests counts.
        return
    skipped = len(reporter.stats.get("skipped", [])) + len(reporter.stats.get("xfailed", []))
    if skipped and exitstatus == pytest.ExitCode.OK:
        reporter.write_line(f"{skipped} tests were skipped: that counts as a failure", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def reader():
    reader = Reader()
    yield reader
    reader.close()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """The broker that most tests share. Nobody may stop it."""
    cluster = Cluster(tmp_path_factory.mktemp("kafka"), proxied=True).start()
    yield cluster
    cluster.kill()


@pytest.fixture
def own_cluster(tmp_path):
    """Makes clusters that the test may break: own_cluster(nodes=3, properties={...})."""
    made = []

    def make(**options):
        made.append(Cluster(tmp_path / f"kafka{len(made)}", **options).start())
        return made[-1]

    yield make
    for cluster in made:
        cluster.kill()


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
        base = {
            "pipeline": self.name,
            "kafka": {"bootstrap.servers": self.cluster.bootstrap},
            "registry": {"dir": str(self.schemas)},
            "input": {"topic": self.input, "schema": {"subject": "user-login-value"}},
            "output": {"topic": self.output, "schema": {"subject": "processed-user-login-value"}},
            "dead_letter": {"topic": self.dead},
            "journal": {"topic": f"{self.name}-journal"},
            "check": [{"field": "ip", "format": "ip"}],
            "set": {
                "timestamp": {"epoch_seconds": "timestamp"},
                "processed": True,
                "processed_timestamp": {"now": "millis"},
                "source_partition": {"source": "partition"},
                "source_offset": {"source": "offset"},
            },
        }
        return merged(base, changes)

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


@pytest.fixture
def bench_on(tmp_path, reader, request):
    """Makes a bench on a cluster of the test's choice."""
    made = request.node.stash[_benches] = []

    def make(cluster):
        made.append(Bench(cluster, tmp_path, reader))
        return made[-1]

    yield make
    for bench in made:
        bench.close()


@pytest.fixture
def bench(bench_on, cluster):
    return bench_on(cluster)


@pytest.fixture
def proxy(cluster, tmp_path):
    """Before the shared broker. Nobody goes through it who does not ask for proxy.bootstrap."""
    proxy = Proxy.start(cluster, tmp_path)
    yield proxy
    proxy.stop()
    assert proxy.complaints() == ""


@pytest.fixture
def schemas(bench):
    """A folder of schemas that the test may change."""
    return shutil.copytree(bench.schemas, bench.folder / "schemas")
