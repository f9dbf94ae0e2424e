"""Apache Kafka (KRaft) on 127.0.0.1: one folder a cluster, combined broker and controller nodes, ports of its own.

Uses the standard library only, since script/kafka runs it with the system's Python."""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from .processes import spawn, started_at, until

START_SECONDS = 60  # A cold start on two busy cores takes under 10 s.
START_TRIES = 3  # A port seen free may be taken before the broker binds it.
CLUSTER_ID = "d2VpciBpbnRlZ3JhdGlvbg"  # Any 16 bytes in base64.
READY = "Kafka Server started"
TAKEN = ("Address already in use", "Socket server failed to bind")
JVM = (
    "-Xms64m -Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData -Xss512k -Djava.awt.headless=true "
    "-Djava.net.preferIPv4Stack=true -Dlog4j2.disable.jmx=true"
).split()

# Small and quick rather than durable: replication is 1 on one node, and a broker that was killed is missed after 3 s
# instead of 9 s, which is what a restart on the same folder waits for.
PROPERTIES = {
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,PROXY:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "num.network.threads": 2,
    "num.io.threads": 4,
    "num.partitions": 1,
    "auto.create.topics.enable": "false",
    "offsets.topic.num.partitions": 3,
    "transaction.state.log.num.partitions": 3,
    "share.coordinator.state.topic.num.partitions": 1,
    "group.initial.rebalance.delay.ms": 0,
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": 500,
    "log.cleaner.dedupe.buffer.size": 4194304,
    "log.cleaner.io.buffer.size": 65536,
    "controlled.shutdown.retry.backoff.ms": 100,
    "broker.session.timeout.ms": 3000,
    "broker.heartbeat.interval.ms": 500,
    "controller.quorum.election.timeout.ms": 400,
    "controller.quorum.fetch.timeout.ms": 800,
    "controller.quorum.election.backoff.max.ms": 400,
}


class ClusterError(RuntimeError):
    """A broker that did not start; the message ends with the tail of its log."""


def kafka_home():
    """The folder script/setup filled: libs/, log4j2.properties and perhaps kafka.jsa."""
    home = os.environ.get("WEIR_KAFKA_HOME")
    if not home or not (Path(home) / "libs").is_dir():
        raise ClusterError("no Kafka here: run script/setup, then start this through script/kafka or script/test")
    return Path(home)


def classpath(home):
    # The class-data archive is tied to the exact class path, so its order must not be the file system's.
    return ":".join(str(jar) for jar in sorted((home / "libs").glob("*.jar")))


def java(home, logs, main, *args, archive=True, jvm=()):
    """The command line of one of Kafka's programs."""
    shared = [f"-XX:SharedArchiveFile={home / 'kafka.jsa'}", "-Xshare:auto", "-Xlog:cds=off", "-Xlog:cds+dynamic=off"]
    return [
        "java",
        *JVM,
        *(shared if archive and (home / "kafka.jsa").is_file() else []),
        *jvm,
        f"-Dlog4j2.configurationFile=file:{home / 'log4j2.properties'}",
        f"-Dkafka.logs.dir={logs}",
        "-cp",
        classpath(home),
        main,
        *map(str, args),
    ]


def free_ports(count):
    """Ports nobody listens on, below the range the kernel takes for outgoing connections: a client that retries
    against a stopped broker could otherwise be given that very port and connect to itself."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as ports:
        ceiling = int(ports.read().split()[0])
    floor = max(1024, ceiling - 20000)
    held = []
    try:
        while len(held) < count:
            probe = socket.socket()
            try:
                probe.bind(("127.0.0.1", random.SystemRandom().randrange(floor, ceiling)))
            except OSError:
                probe.close()
                continue
            held.append(probe)
        return [probe.getsockname()[1] for probe in held]
    finally:
        for probe in held:
            probe.close()


class Node:
    """One broker process. Its pid file holds the kernel's start time too, so that a reused pid is never killed."""

    def __init__(self, number, folder, home):
        self.number, self.folder, self.home = number, Path(folder), home
        self.log = self.folder / "server.log"
        self._process = None

    @property
    def pid(self):
        """The live broker's pid, or None."""
        try:
            pid, started = map(int, (self.folder / "pid").read_text().split())
        except (FileNotFoundError, ValueError):
            return None
        if self._process is not None and self._process.pid == pid:
            self._process.poll()
        return pid if started_at(pid) == started else None

    def format(self):
        """Makes the data folder. Returns the process, so that several nodes can be formatted at once."""
        argv = java(self.home, self.folder, "kafka.tools.StorageTool", "format", "--cluster-id", CLUSTER_ID)
        argv += ["--config", str(self.folder / "server.properties"), "--ignore-formatted"]
        return spawn(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def launch(self, tied, jvm=(), archive=True):
        argv = java(self.home, self.folder, "kafka.Kafka", self.folder / "server.properties", jvm=jvm, archive=archive)
        self._mark = self.log.stat().st_size if self.log.exists() else 0
        with open(self.folder / "stdout.log", "ab") as out:
            self._process = spawn(argv, tied=tied, stdout=out, stderr=subprocess.STDOUT)
        (self.folder / "pid").write_text(f"{self._process.pid} {started_at(self._process.pid)}\n")

    def fresh_log(self):
        """What the broker logged since it was launched."""
        try:
            with open(self.log, encoding="utf-8", errors="replace") as log:
                log.seek(self._mark)
                return log.read()
        except FileNotFoundError:
            return ""

    def wait_ready(self):
        def ready_or_dead():
            return READY in self.fresh_log() or self.pid is None

        until(ready_or_dead, START_SECONDS, lambda: f"broker {self.number} to start\n{self._tail()}")
        if self.pid is None:
            raise ClusterError(f"broker {self.number} ended while starting:\n{self._tail()}")

    def _tail(self):
        out = (self.folder / "stdout.log").read_text(errors="replace") if (self.folder / "stdout.log").exists() else ""
        return "\n".join((out + self.fresh_log()).splitlines()[-25:])

    def port_was_taken(self):
        return any(text in self._tail() for text in TAKEN)

    def signal(self, number):
        pid = self.pid
        if pid is not None:
            os.kill(pid, number)

    def wait_gone(self, seconds):
        until(lambda: self.pid is None, seconds, f"broker {self.number} to end")


class Cluster:
    """A cluster in a folder. Everything but the folder's own files may be lost and found again by Cluster(folder)."""

    def __init__(self, folder, nodes=1, properties=None, tied=True, port=None, jvm=(), listeners=(), proxied=False):
        self.folder = Path(folder).absolute()
        self.home = kafka_home()
        self.tied = tied
        self.jvm = tuple(jvm)  # Further words for Java; of two that contradict each other the later one counts.
        self.properties = dict(properties or {})
        self.listeners = list(listeners)  # Further ones of a single node: NAME://127.0.0.1:PORT.
        self.is_proxied = proxied  # Each broker has a listener more, for a proxy before it: routes, proxied.
        self._wanted_port = port
        saved = self._saved()
        self.ports = saved["ports"] if saved else []
        self.controller_ports = saved["controller_ports"] if saved else []
        self.proxy_ports = saved.get("proxy_ports", []) if saved else []
        count = len(self.ports) or nodes
        self.nodes = [Node(i, self.folder / f"n{i}", self.home) for i in range(1, count + 1)]

    def _saved(self):
        try:
            return json.loads((self.folder / "cluster.json").read_text())
        except FileNotFoundError:
            return None

    @property
    def bootstrap(self):
        return ",".join(f"127.0.0.1:{port}" for port in self.ports)

    @property
    def routes(self):
        """Of each broker: its number, the port at which a proxy for it must listen, and the port where it then finds the
        broker. Whoever bootstraps through the proxy is told the proxy's ports and no others."""
        return [(node.number, *pair) for node, pair in zip(self.nodes, self.proxy_ports)]

    @property
    def proxied(self):
        """The bootstrap servers of a proxy that stands at the ports of `routes`."""
        return ",".join(f"127.0.0.1:{outer}" for outer, _ in self.proxy_ports)

    def start(self):
        """Starts every node, making the folder on the first call. Safe to call on a cluster that runs."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for last in range(START_TRIES):
            if not self.ports:
                self._choose_ports()
            try:
                self._start_nodes()
                return self
            except ClusterError:
                taken = any(node.port_was_taken() for node in self.nodes)
                self.kill()
                if not taken or self._wanted_port or last == START_TRIES - 1:
                    raise
                self.ports = []  # Quorum voters are configuration, not data: new ports need no new format.
        return self

    def _choose_ports(self):
        count = len(self.nodes)
        chosen = free_ports(4 * count if self.is_proxied else 2 * count)
        self.ports, self.controller_ports = chosen[:count], chosen[count : 2 * count]
        self.proxy_ports = list(zip(chosen[2 * count : 3 * count], chosen[3 * count :]))
        if self._wanted_port:
            self.ports = [self._wanted_port + i for i in range(count)]
        state = {"ports": self.ports, "controller_ports": self.controller_ports, "proxy_ports": self.proxy_ports}
        (self.folder / "cluster.json").write_text(json.dumps(state))

    def _configure(self, node):
        count, i = len(self.nodes), node.number - 1
        copies, in_sync = (3, 2) if count >= 3 else (1, 1)
        voters = ",".join(f"{n.number}@127.0.0.1:{self.controller_ports[n.number - 1]}" for n in self.nodes)
        here = told = ",".join([f"PLAINTEXT://127.0.0.1:{self.ports[i]}", *self.listeners])
        if self.proxy_ports:
            outer, inner = self.proxy_ports[i]
            here, told = f"{here},PROXY://127.0.0.1:{inner}", f"{told},PROXY://127.0.0.1:{outer}"
        lines = {
            **PROPERTIES,
            "node.id": node.number,
            "controller.quorum.voters": voters,
            "listeners": f"{here},CONTROLLER://127.0.0.1:{self.controller_ports[i]}",
            "advertised.listeners": told,
            "log.dirs": node.folder / "data",
            "default.replication.factor": copies,
            "min.insync.replicas": in_sync,
            "offsets.topic.replication.factor": copies,
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": in_sync,
            "share.coordinator.state.topic.replication.factor": copies,
            "share.coordinator.state.topic.min.isr": in_sync,
            **self.properties,
        }
        node.folder.mkdir(exist_ok=True)
        (node.folder / "server.properties").write_text("".join(f"{key}={value}\n" for key, value in lines.items()))

    def _start_nodes(self):
        idle = [node for node in self.nodes if node.pid is None]
        for node in idle:
            self._configure(node)
        formats = [(n, n.format()) for n in idle if not (n.folder / "data" / "meta.properties").exists()]
        for node, process in formats:
            complaint = process.communicate(timeout=START_SECONDS)[1]
            if process.returncode != 0:
                raise ClusterError(f"cannot format {node.folder}:\n{complaint.decode(errors='replace')}")
        for node in idle:
            node.launch(self.tied, jvm=self.jvm)
        for node in idle:
            node.wait_ready()

    def stop(self, grace=4.0):
        """TERM to all nodes at once, then KILL: stopped one by one, the last ones lose the quorum and hang."""
        self._end(signal.SIGTERM, grace)

    def kill(self):
        """SIGKILL: nothing is flushed, nobody is told."""
        self._end(signal.SIGKILL, 10.0)

    def _end(self, number, seconds):
        live = [node for node in self.nodes if node.pid is not None]
        for node in live:
            node.signal(number)
        end = time.monotonic() + seconds
        for node in live:
            try:
                node.wait_gone(max(0.1, end - time.monotonic()))
            except AssertionError:
                node.signal(signal.SIGKILL)
                node.wait_gone(10.0)

    def running(self):
        return [node for node in self.nodes if node.pid is not None]

    def tool(self, main, *args, timeout=60, **kwargs):
        """Runs one of Kafka's own command-line programs by its class and returns the finished process."""
        argv = java(self.home, self.folder, main, *args)
        return subprocess.run(argv, timeout=timeout, check=False, **kwargs)


def build_archive(home):
    """Makes home/kafka.jsa, the class-data archive that halves the time to start, by starting a broker once."""
    scratch = home / "archive-run"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    os.environ["WEIR_KAFKA_HOME"] = str(home)
    cluster = Cluster(scratch)
    cluster._choose_ports()
    node = cluster.nodes[0]
    cluster._configure(node)
    if node.format().wait(START_SECONDS) != 0:
        raise ClusterError("cannot format a broker's folder")
    fresh = home / "kafka.jsa.new"
    node.launch(tied=True, archive=False, jvm=[f"-XX:ArchiveClassesAtExit={fresh}"])
    node.wait_ready()
    cluster.stop(grace=60.0)
    shutil.rmtree(scratch)
    fresh.rename(home / "kafka.jsa")


def main(argv=None):
    """script/kafka: the command line."""
    import argparse

    parser = argparse.ArgumentParser(prog="script/kafka", description="Apache Kafka on 127.0.0.1, in a folder.")
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("start", help="start it (the first time: make it) and print the bootstrap servers")
    start.add_argument("--port", type=int, help="port of the first node (default: any free one)")
    start.add_argument("--nodes", type=int, default=1, help="brokers (default 1)")
    stop = commands.add_parser("stop", help="stop it; its data stays in the folder")
    status = commands.add_parser("status", help="say what runs; exit 1 when nothing does")
    for command in (start, stop, status):
        command.add_argument("folder", metavar="DIR")
    tool = commands.add_parser("tool", help="run one of Kafka's programs: tool CLASS ARGS...")
    tool.add_argument("words", nargs=argparse.REMAINDER, metavar="CLASS ARGS")
    archive = commands.add_parser("archive", help="make the class-data archive (script/setup calls this)")
    archive.add_argument("home", metavar="HOME")
    args = parser.parse_args(argv)

    if args.command == "archive":
        build_archive(Path(args.home))
        return 0
    if args.command == "tool":
        if not args.words:
            parser.error("tool needs a class, such as org.apache.kafka.tools.TopicCommand")
        argv = java(kafka_home(), Path(tempfile.gettempdir()) / "kafka-tool-logs", *args.words)
        os.execvp(argv[0], argv)
    if args.command == "start":
        cluster = Cluster(args.folder, nodes=args.nodes, tied=False, port=args.port).start()
        print(cluster.bootstrap)
        return 0
    if not (Path(args.folder) / "cluster.json").is_file():
        parser.exit(1, f"script/kafka {args.command}: there is no broker's folder {args.folder}\n")
    cluster = Cluster(args.folder, tied=False)
    if args.command == "stop":
        cluster.stop()
        return 0
    for node in cluster.running():
        print(f"node {node.number} pid {node.pid} on 127.0.0.1:{cluster.ports[node.number - 1]}")
    return 0 if cluster.running() else 1


if __name__ == "__main__":
    raise SystemExit(main())
