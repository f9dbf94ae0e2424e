"""Fixtures: one broker for the session, a cluster of its own for tests that break it, and a bench to work at."""

import shutil

import pytest

from lab.bench import Bench
from lab.cluster import Cluster
from lab.reader import Reader
from lab.registry import Registry
from proxy import Proxy

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


@pytest.fixture(scope="module")
def apicurio(tmp_path_factory):
    """A real registry, for all tests of a file; what is in it stays from one to the next."""
    registry = Registry(tmp_path_factory.mktemp("registry"))
    yield registry
    registry.kill()


@pytest.fixture
def registry(apicurio):
    """The same, up. A test may stop it."""
    apicurio.start()
    return apicurio


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
