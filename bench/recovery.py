"""script/bench recovery: how long after a fault records flow again, weir beside Kafka Streams on a cluster of three.

Two processes share a topic's partitions under a steady load, and a read_committed reader outside of both looks at the
output. After a fault the time counts until, of each partition that was lost with it, an output is visible whose input
was sent after the fault: the last of them is the figure."""

import argparse
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from kafka.errors import KafkaError

from lab.cluster import Cluster
from lab.hands import Hands
from lab.processes import spawn, until
from lab.weir import generate
from subjects import AVRO_LIMIT, PEERS, Streams, Weir

sys.path.insert(0, str(PEERS / "python"))
from confluent_kafka import Consumer  # noqa: E402 - it is not of the environment, but of the peers' folder.

PARTITIONS = 6
RATE = 600
STEADY_SECONDS = 240  # For a group to come to rest again; Kafka Streams' session time-out is 45 s.
BACK_SECONDS = 180
IDLE = (1.0, 2.0)  # How long all is left alone before the next fault: a random moment.
OUTPUTS_SECONDS = 5.0  # A partition that had an output since flows.
# Kafka's own time-outs in the place of the short ones that tests use.
PROPERTIES = {
    "broker.session.timeout.ms": 9000,
    "broker.heartbeat.interval.ms": 2000,
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": 10000,
    "controller.quorum.election.timeout.ms": 1000,
    "controller.quorum.fetch.timeout.ms": 2000,
    "controller.quorum.election.backoff.max.ms": 1000,
    "group.initial.rebalance.delay.ms": 3000,
    "log.retention.check.interval.ms": 3600000,
}
NAMES = ("one", "two")
HEAP = ("-XX:+UseSerialGC", "-Xms128m", "-Xmx256m", "-XX:-UsePerfData", *AVRO_LIMIT)


def progress(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


# --- who is measured: each makes the argv of one of its processes ---
class WeirPair:
    def __init__(self, label="weir", **changes):
        self.label, self.weir = label, Weir(label, output={"partition": "source"}, **changes)

    def argv(self, name, bootstrap, folder, topics, group):
        return [*self.weir.argv(bootstrap, folder, topics, group)[:-1], name]

    def is_of(self, member, name):
        return (member["group_instance_id"] or "").endswith(f"-{name}-0")


class StreamsPair:
    """static: with a name of its own for each process (group.instance.id), as weir's have."""

    def __init__(self, label, static=False, **words):
        self.label, self.static, self.words = label, static, words

    def argv(self, name, bootstrap, folder, topics, group):
        own = {"client_id": name, "state_dir": folder / f"{group}-{name}"}
        if self.static:
            own["group_instance_id"] = name
        return Streams(self.label, "avro", HEAP, **own, **self.words).argv(bootstrap, folder, topics, group)

    def is_of(self, member, name):
        return member["client_id"].startswith(f"{name}-")


def subjects():
    equal = {"consumer_session_timeout_ms": 10000, "consumer_heartbeat_interval_ms": 300}
    return {
        "weir": WeirPair(),
        "equal": StreamsPair("Kafka Streams, weir's time-outs", **equal),
        "static": StreamsPair("Kafka Streams, weir's time-outs and static members", static=True, **equal),
        "streams": StreamsPair("Kafka Streams, its defaults"),
    }


class Watcher(threading.Thread):
    """Reads the output as anybody would; of each partition it knows when the last output came, and of which input."""

    def __init__(self, bootstrap, topic):
        super().__init__(daemon=True)
        settings = {"bootstrap.servers": bootstrap, "group.id": "watcher", "isolation.level": "read_committed"}
        settings |= {"enable.auto.commit": False, "auto.offset.reset": "earliest", "fetch.wait.max.ms": 20}
        settings |= {"reconnect.backoff.max.ms": 500, "topic.metadata.refresh.interval.ms": 1000}
        self.consumer = Consumer(settings)
        self.consumer.subscribe([topic])
        self.seen = {}  # By partition: when it came, of an input sent when.
        self.since = None  # Of a fault: from here on first is filled.
        self.first = {}
        self.gaps = {}
        self.done = threading.Event()

    def run(self):
        while not self.done.is_set():
            for message in self.consumer.consume(500, 0.02):
                if message.error() is None:
                    self.note(message.partition(), time.time(), message.timestamp()[1] / 1000)
        self.consumer.close()

    def note(self, partition, now, sent):
        before = self.seen.get(partition, (now, 0))[0]
        self.seen[partition] = (now, sent)
        if self.since is None:
            return
        self.gaps[partition] = max(self.gaps.get(partition, 0), now - max(before, self.since))
        if sent >= self.since:
            self.first.setdefault(partition, now - self.since)

    def flows(self):
        """True when each partition has outputs of late, of inputs of late."""
        late = time.time() - OUTPUTS_SECONDS
        return len(self.seen) == PARTITIONS and all(sent > late for _, sent in self.seen.values())

    def fault(self):
        self.first, self.gaps = {}, {}
        self.since = time.time()

    def over(self):
        self.since = None


class Trial:
    """A pair at work on the cluster, and what is done to it."""

    def __init__(self, cluster, folder, pair, serial):
        self.cluster, self.folder, self.pair = cluster, folder, pair
        self.hands = Hands(cluster.bootstrap)
        self.group = f"recovery-{serial}"
        self.topics = {name: f"{name}-{serial}" for name in ("input", "output", "dead", "journal")}
        for name, topic in self.topics.items():
            self.hands.create(topic, PARTITIONS if name in ("input", "output") else 1)
        self.live = {}
        clean = {"malformed": 0, "missing": 0, "headers": 0, "format": "avro", "rate": RATE, "duration": "2h"}
        self.load = self.spawn("generate", generate(cluster.bootstrap, self.topics["input"], **clean))
        self.watcher = Watcher(cluster.bootstrap, self.topics["output"])
        self.watcher.start()
        for name in NAMES:
            self.start(name)

    def spawn(self, name, argv):
        with open(self.folder / f"{self.group}-{name}.log", "ab") as log:
            return spawn([str(word) for word in argv], stdout=log, stderr=log)

    def start(self, name):
        argv = self.pair.argv(name, self.cluster.bootstrap, self.folder, self.topics, self.group)
        self.live[name] = self.spawn(name, argv)

    def log(self):
        logs = (f"--- {p.name}\n" + "\n".join(p.read_text(errors="replace").splitlines()[-15:])
                for p in sorted(self.folder.glob(f"{self.group}-*.log")))
        return "\n".join(logs)

    def shares(self):
        """The partitions of each process, as the group's coordinator has them."""
        members = self.hands._ask(lambda admin: admin.describe_groups([self.group]))[self.group]["members"]
        found = {}
        for name in NAMES:
            own = [member for member in members if self.pair.is_of(member, name)]
            topics = [topic for member in own for topic in (member["member_assignment"] or {}).get("assigned_partitions", [])]
            found[name] = sorted(p for topic in topics if topic["topic"] == self.topics["input"] for p in topic["partitions"])
        return found

    def rest(self):
        """Waits until both share all partitions and all flow, and then a moment; what each has."""

        def resting():
            for name, process in self.live.items():
                assert process.poll() is None, f"{self.pair.label} {name} ended with {process.returncode}:\n{self.log()}"
            found = self.shares()
            whole = sorted(sum(found.values(), [])) == list(range(PARTITIONS)) and all(found.values())
            if not whole:
                self.hands.close()  # Its client goes on asking a broker that is no longer the coordinator.
            return found if whole and self.watcher.flows() else None

        until(resting, STEADY_SECONDS, lambda: f"{self.pair.label} to share the partitions: {self.shares()}\n{self.log()}", 0.3)
        time.sleep(random.uniform(*IDLE))
        return until(resting, STEADY_SECONDS, lambda: f"{self.pair.label} to stay at rest:\n{self.log()}", 0.3)

    def back(self, lost):
        """Seconds until the first and until all of these partitions flow again, and the longest gap of any other one."""

        def flowing():
            return all(partition in self.watcher.first for partition in lost)

        until(flowing, BACK_SECONDS, lambda: f"{lost} to flow again, of which do {self.watcher.first}:\n{self.log()}", 0.01)
        time.sleep(0.5)
        self.watcher.over()
        times = [self.watcher.first[partition] for partition in lost]
        others = [gap for partition, gap in self.watcher.gaps.items() if partition not in lost]
        return {"first": min(times), "all": max(times), "others": max(others, default=float("nan"))}

    # The faults: each does it and returns what was seen.
    def kill(self, returns):
        lost = self.rest()["two"]
        self.watcher.fault()
        self.live["two"].kill()
        self.live.pop("two").wait()
        if returns:
            self.start("two")
        return self.back(lost)

    def terminate(self, returns):
        lost = self.rest()["two"]
        self.watcher.fault()
        self.live["two"].terminate()
        self.live.pop("two").wait(60)
        if returns:
            self.start("two")
        return self.back(lost)

    def lose_broker(self, number):
        at = {name: self.hands.leaders(self.topics[name]) for name in ("input", "output")}
        lost = [p for p in range(PARTITIONS) if number in (at["input"][p], at["output"][p])]
        node = self.cluster.nodes[number - 1]
        self.watcher.fault()
        node.signal(signal.SIGKILL)
        node.wait_gone(10)
        return self.back(lost or list(range(PARTITIONS)))

    def broker(self):
        """The broker that leads most, but coordinates not this group."""
        self.rest()
        leaders = [n for name in ("input", "output") for n in self.hands.leaders(self.topics[name]).values()]
        others = [node.number for node in self.cluster.nodes if node.number != self.hands.coordinator(self.group)]
        return self.lose_broker(max(others, key=leaders.count))

    def group_coordinator(self):
        self.rest()
        return self.lose_broker(self.hands.coordinator(self.group))

    def mend(self):
        """Whoever is missing comes back, and the replicas are in step."""
        self.cluster.start()
        for name in NAMES:
            if name not in self.live:
                self.start(name)

        def in_step():
            topics = [*self.topics.values(), "__consumer_offsets", "__transaction_state"]
            described = self.hands._ask(lambda admin: admin.describe_topics(topics))
            return all(len(each["isr_nodes"]) == 3 for topic in described for each in topic["partitions"])

        until(in_step, STEADY_SECONDS, "all replicas to be in step", 0.3)

    def close(self):
        self.watcher.done.set()
        for process in [*self.live.values(), self.load]:
            process.kill()
            process.wait()
        self.watcher.join(10)
        self.hands.close()


FAULTS = {
    "kill-back": ("SIGKILL, started again at once", lambda trial: trial.kill(True)),
    "kill-gone": ("SIGKILL, does not come back", lambda trial: trial.kill(False)),
    "term-back": ("SIGTERM, started again when it has ended", lambda trial: trial.terminate(True)),
    "term-gone": ("SIGTERM, does not come back", lambda trial: trial.terminate(False)),
    "broker": ("a broker is killed", Trial.broker),
    "coordinator": ("the group's coordinator is killed", Trial.group_coordinator),
}


def measure(cluster, folder, pair, faults, runs, serial):
    """All faults on one pair, run after run: what was seen of each."""
    trial, seen = Trial(cluster, folder, pair, serial), {fault: [] for fault in faults}
    try:
        for run in range(runs):
            for fault in faults:
                found = FAULTS[fault][1](trial)
                seen[fault].append(found)
                told = ", ".join(f"{name} {value:.2f} s" for name, value in found.items())
                progress(f"{pair.label}, {fault}, run {run + 1} of {runs}: {told}")
                trial.mend()
    finally:
        trial.close()
    return seen


def print_table(pairs, faults, seen):
    print("| fault | | all of its partitions flow again | the first | longest gap of the others |\n|---|---|---|---|---|")
    for fault in faults:
        for pair in pairs:
            cells = []
            for name in ("all", "first", "others"):
                values = [found[name] for found in seen[pair.label][fault]]
                cells.append(f"{statistics.median(values):.1f} s ({max(values):.1f})")
            print(f"| {FAULTS[fault][0]} | {pair.label} | " + " | ".join(cells) + " |", flush=True)


def arguments():
    parser = argparse.ArgumentParser(prog="script/bench recovery", description=__doc__.split("\n\n")[1])
    parser.add_argument("what", nargs="*", metavar="FAULT", help=f"of {', '.join(FAULTS)} (default: all)")
    parser.add_argument("--of", default="weir,equal,static,streams", help="of weir,equal,static,streams (default: all)")
    parser.add_argument("--runs", type=int, default=5, help="of each (default 5)")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the logs and Kafka's data")
    args = parser.parse_args()
    args.what = args.what or list(FAULTS)
    args.of = args.of.split(",")
    if unknown := [word for word in args.what if word not in FAULTS] + [word for word in args.of if word not in subjects()]:
        parser.error(f"there is no {unknown[0]}")
    return args


def main():
    args = arguments()
    folder = Path(tempfile.mkdtemp(prefix="weir-recovery-"))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    cluster, status = Cluster(folder / "kafka", nodes=3, properties=PROPERTIES), 1
    pairs, seen = [subjects()[word] for word in args.of], {}
    try:
        cluster.start()
        load = os.getloadavg()[0]
        for serial, pair in enumerate(pairs):
            seen[pair.label] = measure(cluster, folder, pair, args.what, args.runs, serial)
        print(f"median (longest) of {args.runs}; {os.cpu_count()} cores shared with three brokers, load before: {load:.1f}\n")
        print_table(pairs, args.what, seen)
        status = 0
    except KeyboardInterrupt:
        print("\nstopped")
        status = 130
    except (RuntimeError, AssertionError, KafkaError, subprocess.TimeoutExpired) as error:
        print(f"\n{error}")
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        cluster.kill()
        if args.keep:
            print(f"kept {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
