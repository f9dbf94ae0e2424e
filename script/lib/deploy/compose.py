"""Runs what docker-compose.yml says, without Docker: compose.py MODEL IMAGE FOLDER.

MODEL is the file as compose-go understands it, in JSON. Services of weir's own image run as containers of IMAGE, with
the file's commands, mounts and restrictions, in the host's network; those of other images, which cannot be had without
a registry, run as the same programs on this machine, with the file's settings. Only addresses are rewritten. At the end
the judge of the integration tests decides whether each record had exactly one outcome."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from lab.cluster import free_ports, java, kafka_home
from lab.hands import Hands
from lab.judge import AvroCoordinates, Judge
from lab.processes import spawn, until
from lab.reader import Reader
from lab.registry import JVM, home as registry_home

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
POD = HERE / "pod"
GROUP, INPUT, OUTPUT, DEAD = "user-login", "user-login", "processed-user-login", "user-login-dlq"
START_SECONDS = 180
RATE = 500
# What Kafka's scripts run.
PROGRAMS = {
    "kafka-consumer-groups.sh": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "kafka-console-consumer.sh": "org.apache.kafka.tools.consumer.ConsoleConsumer",
}
# A container keeps the registry's address and Kafka's; here they are other ports of one host.
CONFINED = ["--network=host", "--cgroups=disabled"]


def say(text):
    print(f"    {text}", flush=True)


def told(beginning):
    """The words of each command in README.md that begins so, without its beginning."""
    text = re.sub(r"\s*\\\n\s*", " ", (ROOT / "README.md").read_text())
    lines = re.findall(rf"^{re.escape(beginning)} (.*)$", text, re.MULTILINE)
    assert lines, f"README.md does not say {beginning}"
    return [re.sub(r"\s+#.*", "", line).split() for line in lines]


class Stack:
    def __init__(self, model, image, folder):
        self.services, self.image, self.folder = model["services"], image, Path(folder)
        self.ports = dict(zip(("kafka", "controller", "registry", "management"), free_ports(4)))
        self.bootstrap = f"127.0.0.1:{self.ports['kafka']}"
        self.registry_url = f"http://127.0.0.1:{self.ports['registry']}"
        self.processes = {}

    # --- what the file says, with the addresses of this machine

    def local(self, text):
        text = text.replace("http://registry:8080", self.registry_url)
        return re.sub(r"\b(kafka|localhost):9092\b", self.bootstrap, text)

    def environment(self, name):
        return {key: self.local(str(value)) for key, value in (self.services[name].get("environment") or {}).items()}

    def command(self, name):
        return [self.local(word) for word in self.services[name].get("command") or []]

    def grace(self, name):
        return float(self.services[name].get("stop_grace_period", "10s").rstrip("s"))

    def log(self, name):
        return open(self.folder / f"{name}.log", "ab")

    def tail(self, name):
        return "\n".join((self.folder / f"{name}.log").read_text(errors="replace").splitlines()[-15:])

    # --- services of weir's image

    def argv(self, name, container, *words):
        service = self.services[name]
        assert service["read_only"] and service["cap_drop"] == ["ALL"], name
        argv = [POD, "run", "--rm", f"--name={container}", "--read-only", "--read-only-tmpfs=false", "--cap-drop=ALL", *CONFINED]
        argv += [f"--security-opt={option.replace(':true', '')}" for option in service["security_opt"]]
        argv += [f"--env={key}={value}" for key, value in self.environment(name).items()]
        argv += [f"--volume={each['source']}:{each['target']}:ro" for each in service.get("volumes", [])]
        return [*argv, self.image, *words]

    def container(self, name, *more, wait=None):
        argv = self.argv(name, name, *self.command(name), *more)
        with self.log(name) as log:
            process = self.processes[name] = spawn(argv, stdout=log, stderr=subprocess.STDOUT)
        if wait:
            status = process.wait(wait)
            assert status == 0, f"{name} ended with {status}\n{self.tail(name)}"
        return process

    def once(self, name, *words):
        """As docker compose run --rm: what the service prints with another command."""
        argv = self.argv(name, f"{name}-once", *words)
        run = subprocess.run(argv, capture_output=True, text=True, errors="replace", timeout=120)
        assert run.returncode == 0, f"{' '.join(words)}: {run.returncode}\n{run.stdout}{run.stderr}"
        return run.stdout

    def signal_container(self, name, word):
        subprocess.run([POD, "kill", f"--signal={word}", name], check=True, capture_output=True, timeout=60)

    def stop(self, name):
        """As docker compose stop: SIGTERM to process 1, which has its grace period."""
        began = time.monotonic()
        self.signal_container(name, "TERM")
        status = self.processes[name].wait(self.grace(name))
        assert status == 0, f"{name} ended with {status} on SIGTERM\n{self.tail(name)}"
        say(f"{name}: SIGTERM to process 1, status 0 after {time.monotonic() - began:.1f} s of {self.grace(name):.0f} s")

    # --- the others

    def kafka(self):
        settings = self.environment("kafka")
        cluster = settings.pop("CLUSTER_ID")
        settings.pop("KAFKA_HEAP_OPTS")
        properties = {key.removeprefix("KAFKA_").lower().replace("_", "."): value for key, value in settings.items()}
        wanted = {"listeners", "advertised.listeners", "listener.security.protocol.map", "controller.quorum.voters", "log.dirs"}
        assert wanted <= set(properties)
        host, controller = free_ports(1)[0], self.ports["controller"]
        properties["listeners"] = f"PLAINTEXT://{self.bootstrap},HOST://127.0.0.1:{host},CONTROLLER://127.0.0.1:{controller}"
        properties["advertised.listeners"] = f"PLAINTEXT://{self.bootstrap},HOST://127.0.0.1:{host}"
        properties["controller.quorum.voters"] = f"1@127.0.0.1:{controller}"
        properties["log.dirs"] = str(self.folder / "kafka-data")
        path = self.folder / "server.properties"
        path.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))
        home, logs = kafka_home(), self.folder / "kafka-logs"
        logs.mkdir()
        run = java(home, logs, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(path))
        subprocess.run(list(map(str, run)), check=True, capture_output=True, timeout=60)
        with self.log("kafka") as log:
            argv = list(map(str, java(home, logs, "kafka.Kafka", str(path))))
            self.processes["kafka"] = spawn(argv, stdout=log, stderr=subprocess.STDOUT)
        assert self.services["kafka"]["healthcheck"]["test"][1].endswith("/kafka-broker-api-versions.sh")
        until(self._kafka_is_healthy, START_SECONDS, lambda: f"Kafka to be healthy\n{self.tail('kafka')}", every=0.5)
        say(f"kafka: runs on {len(properties)} settings of the file, its health check passes")

    def _kafka_is_healthy(self):
        words = [self.local(word) for word in self.services["kafka"]["healthcheck"]["test"][2:]]
        return self.tool("org.apache.kafka.tools.BrokerApiVersionsCommand", *words, check=False).returncode == 0

    def tool(self, main, *words, check=True):
        argv = [str(ROOT / "script/kafka"), "tool", main, *words]
        return subprocess.run(argv, check=check, capture_output=True, text=True, errors="replace", timeout=120)

    def topics(self):
        service = self.services["topics"]
        mount = service["volumes"][0]
        script = [word.replace(mount["target"], mount["source"]) for word in service["entrypoint"]]
        call = f"{ROOT / 'script/kafka'} tool org.apache.kafka.tools.TopicCommand"
        for _ in range(2):  # It runs at each `up`.
            environment = {**os.environ, **self.environment("topics"), "KAFKA_TOPICS": call}
            subprocess.run(script, env=environment, check=True, capture_output=True, timeout=240)
        described = self.tool("org.apache.kafka.tools.TopicCommand", "--bootstrap-server", self.bootstrap, "--describe")
        policies = dict(re.findall(r"Topic: (\S+)\s.*?cleanup\.policy=(\w+)", described.stdout))
        policies = {topic: policy for topic, policy in policies.items() if "user-login" in topic}
        assert policies == {INPUT: "delete", OUTPUT: "delete", DEAD: "delete", f"{GROUP}-journal": "delete",
                            f"{GROUP}-dlq-ledger": "compact", f"{GROUP}-dlq-audit": "delete",
                            f"{GROUP}-dlq-parking": "delete"}, policies
        say(f"topics: made, and again without effect: {', '.join(f'{t} {p}' for t, p in sorted(policies.items()))}")

    def registry(self):
        settings = {**self.environment("registry"), "QUARKUS_HTTP_HOST": "127.0.0.1", "QUARKUS_MANAGEMENT_HOST": "127.0.0.1",
                    "QUARKUS_HTTP_PORT": str(self.ports["registry"]), "QUARKUS_MANAGEMENT_PORT": str(self.ports["management"])}
        folder = self.folder / "registry"
        folder.mkdir(exist_ok=True)
        program = registry_home() / "jre/bin/java"
        argv = [program if program.is_file() else "java", *JVM, f"-Djava.io.tmpdir={folder}", "-jar",
                registry_home() / "quarkus-run.jar"]
        with self.log("registry") as log:
            self.processes["registry"] = spawn(list(map(str, argv)), stdout=log, stderr=subprocess.STDOUT, cwd=folder,
                                               env={**os.environ, **settings})

    def ids(self):
        url = f"{self.registry_url}/apis/ccompat/v7/subjects/user-login-value/versions/latest"
        with urllib.request.urlopen(url, timeout=30) as answer:
            return json.load(answer)["id"]

    def reader(self):
        words = self.command("reader")
        found = self.tool("org.apache.kafka.tools.consumer.ConsoleConsumer", *words, "--max-messages", "3")
        lines = found.stdout.splitlines()
        assert len(lines) == 3 and all(line.startswith("Partition:") for line in lines), found
        say(f"reader: {lines[0][:110]} …")

    def readme(self, program):
        """Runs a command of README.md, and returns what it prints."""
        (words,) = told(f"docker compose exec kafka /opt/kafka/bin/{program}")
        return self.tool(PROGRAMS[program], *map(self.local, words)).stdout

    def close(self):
        for name in reversed(list(self.processes)):
            process = self.processes[name]
            if process.poll() is not None:
                continue
            if self.services[name]["image"].startswith("weir"):
                subprocess.run([POD, "kill", "--signal=KILL", name], capture_output=True, timeout=60)
            else:
                process.kill()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def assigned(stack, name):
    return re.findall(r"event=assigned .*msg=\"(\d+) partitions", (stack.folder / f"{name}.log").read_text())[-1:]


def play(stack):
    stack.kafka()
    stack.topics()
    stack.registry()
    stack.container("schemas", wait=240)
    first = stack.ids()
    stack.processes["registry"].send_signal(signal.SIGKILL)
    stack.processes["registry"].wait(20)
    stack.registry()
    stack.container("schemas", wait=240)
    assert stack.ids() == first
    say("schemas: pushed, and after the registry was killed and started with nothing on disk they are there under their ids")
    hands = Hands(stack.bootstrap)
    done = lambda: sum(hands.committed(GROUP, INPUT).values())
    for name in ("weir-1", "weir-2"):
        stack.container(name)
    # The load of the file, faster, and with what the judge wants to know of each record.
    stack.container("generator", f"--rate={RATE}", "--expect")
    until(lambda: assigned(stack, "weir-1") == ["2"] and assigned(stack, "weir-2") == ["2"], 90,
          lambda: f"two partitions each\n{stack.tail('weir-1')}\n{stack.tail('weir-2')}", every=0.2)
    until(lambda: done() > 2 * RATE, 60, lambda: "records to flow", every=0.2)
    say("weir-1, weir-2: two partitions each, records flow")
    members = [line.split()[6:7] for line in stack.readme("kafka-consumer-groups.sh").splitlines() if f" {INPUT} " in line]
    assert len(members) == 4 and len({member for (member,) in members}) == 2, members
    say("README: the group has four partitions, and two members that have them")
    stack.signal_container("weir-1", "KILL")
    began = time.monotonic()
    until(lambda: assigned(stack, "weir-2") == ["4"], 60, lambda: f"weir-2 to take over\n{stack.tail('weir-2')}", every=0.2)
    say(f"weir-1 killed: weir-2 has all four partitions after {time.monotonic() - began:.0f} s")
    stack.processes["weir-1"].wait(20)
    (stack.folder / "weir-1.log").unlink()
    stack.container("weir-1")
    until(lambda: assigned(stack, "weir-1") == ["2"], 60, lambda: f"weir-1 to come back\n{stack.tail('weir-1')}", every=0.2)
    stack.stop("generator")
    hands.wait_drained(GROUP, INPUT, 60)
    stack.reader()
    letters = stack.readme("kafka-console-consumer.sh")
    assert letters.count("__weir.errors.code:") == 5, letters
    say("README: five dead letters with their reasons")
    for words in told("docker compose run --rm weir-1"):
        lines = stack.once("weir-1", *words).splitlines()
        assert lines
        say(f"README: weir {' '.join(words)}: {lines[0][:80]}")
    for name in ("weir-1", "weir-2"):
        stack.stop(name)
    hands.close()
    judge(stack)


def judge(stack):
    reader = Reader()
    topics = []
    for topic in (INPUT, OUTPUT, DEAD):
        records, still_open = reader.read(stack.bootstrap, topic)
        assert not still_open, f"a transaction is still open in {topic}"
        topics.append(records)
    reader.close()
    report = Judge(INPUT, AvroCoordinates(ROOT / "schemas", "processed-user-login-value")).judge(*topics)
    report.assert_clean()
    say(f"judged: {report.inputs} records in, {report.passed} processed, {sum(report.rejected.values())} dead letters, "
        "0 lost, 0 duplicated")


def main():
    stack = Stack(json.loads(Path(sys.argv[1]).read_text()), sys.argv[2], sys.argv[3])
    try:
        play(stack)
    finally:
        stack.close()


if __name__ == "__main__":
    main()
