"""What the faults are done to: a cluster of three brokers, the network before it, a registry, the load, the pipeline and the
replay of its letters."""

import json
import signal
import threading
from contextlib import suppress

from lab.bench import Bench
from lab.cluster import Cluster
from lab.hands import Hands
from lab.processes import until
from lab.reader import Reader
from lab.registry import Registry
from lab.weir import ROOT, binary
from proxy import Proxy

from . import plan
from .fleet import Fleet
from .replayer import Replayer

SUBJECTS = ("user-login-value", "processed-user-login-value")
BEGIN_SECONDS = 120  # From the first start to the first commit.
MALFORMED, MISSING = 0.06, 0.1
PROPERTIES = {  # Short, so that a few minutes see much; nothing else differs from what weir is delivered with.
    "session.timeout.ms": plan.SESSION_SECONDS * 1000,
    "heartbeat.interval.ms": 1500,
    "transaction.timeout.ms": plan.TRANSACTION_SECONDS * 1000,
    "socket.timeout.ms": 5000,
}


class ChaosBench(Bench):
    """A bench whose pipelines follow the registry and reach the brokers as they are told, and whose records stay in their
    partition when the input grows."""

    def __init__(self, cluster, folder, reader, registry, bootstrap):
        super().__init__(cluster, folder, reader)
        self.registry, self.bootstrap = registry, bootstrap
        self.ledger = f"{self.name}-dlq-ledger"

    def topics(self, partitions=plan.PARTITIONS):
        self.hands.create(self.input, partitions)
        for topic in (self.output, self.dead):
            self.hands.create(topic, plan.PARTITIONS_MAX)
        self.journal = f"{self.name}-journal"
        self.hands.create(self.journal, 1)
        self.hands.create(self.ledger, 2, cleanup_policy="compact")
        for name in ("audit", "parking"):
            self.hands.create(f"{self.name}-dlq-{name}")
        return self

    def transactional(self):
        """The topics that are written in transactions."""
        others = (self.ledger, f"{self.name}-dlq-audit", f"{self.name}-dlq-parking")
        return (self.output, self.dead, self.journal, *others)

    def config(self, **changes):
        given = {
            "registry": {"dir": None, "url": self.registry.url, "poll": "1s"},
            "output": {"partition": "source"},
            "kafka": {**PROPERTIES, "bootstrap.servers": self.bootstrap},
        }
        return super().config(**{**given, **changes})


class Stage:
    """Sets everything up in a folder, and takes it down."""

    def __init__(self, folder, history, other=None, rate=1500):
        self.folder, self.history, self.rate = folder, history, rate
        self.builds = (binary(), other or binary())
        self.reader = Reader()
        self.cluster = Cluster(folder / "kafka", nodes=len(plan.BROKERS), proxied=True)
        self.registry = Registry(folder / "registry")
        self.bench = self.fleet = self.replayer = self.load = self.proxy = None
        self.versions = dict.fromkeys(SUBJECTS, 1)
        self.over = threading.Event()

    def open(self, workers, seed):
        """Starts it all; workers by instance. Returns when all instances that are to start with have work to do."""
        self.cluster.start()
        self.registry.start().register_folder(ROOT / "schemas")
        (self.folder / "weir").mkdir()
        self.proxy = Proxy.start(self.cluster, self.folder, seed=seed)
        bench = ChaosBench(self.cluster, self.folder / "weir", self.reader, self.registry, self.proxy.bootstrap)
        self.bench = bench.topics()
        self.fleet = Fleet(self.bench, plan.SLOTS, self.builds, self.history)
        self.replayer = Replayer(self.bench, self.history)
        words = ("--registry", self.registry.url)
        options = {"format": "mixed", "malformed": MALFORMED, "missing": MISSING, "duration": "24h"}
        self.load = self.bench.load(*words, rate=self.rate, seed=seed, **options)
        for slot, count in workers.items():
            self.fleet.slots[slot].workers = count
            self.fleet.slots[slot].start()
        self.fleet.start()
        self.replayer.start()
        until(lambda: self.bench.hands.committed(self.bench.name, self.bench.input), BEGIN_SECONDS, "the first commit")

    def hands(self):
        """Hands of the caller's own: they are not made for several threads."""
        return Hands(self.cluster.bootstrap)

    def evolve(self, subject, field):
        """The next version of a subject has one field more."""
        self.versions[subject] += 1
        schema = json.loads((ROOT / "schemas" / subject / "v1.avsc").read_text())
        added = [{"name": f"{field}_{n}", "type": "string", "default": f"of {n}"} for n in range(2, self.versions[subject] + 1)]
        schema["fields"] += added
        return schema, self.registry.register(subject, schema)

    def schema_of(self, number):
        """The text of the schema with an id."""
        return self.registry.ask(f"/schemas/ids/{number}")["schema"]

    def end_load(self):
        """The load ends in good order: all that it was to send is in the input."""
        self.load.send_signal(signal.SIGTERM)
        status = self.load.wait(plan.TRANSACTION_SECONDS * 12)
        if status != 0:
            self.history.note("load", status=status)

    def rest(self, seconds):
        """Waits; False when everything is over meanwhile."""
        return not self.over.wait(seconds)

    def close(self):
        # The supervisor first: with the lanes end the processes that they started.
        if self.fleet is not None:
            self.fleet.close()
        if self.replayer is not None:
            self.replayer.stop()
        self.over.set()
        if self.bench is not None:
            self.bench.close()
        if self.proxy is not None:
            self.proxy.stop()
        self.registry.kill()
        with suppress(AssertionError):
            self.cluster.kill()
        self.reader.close()
