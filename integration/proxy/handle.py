"""The proxy as a test or a chaos run has it in hand."""

import json
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path

from lab.processes import spawn, until
from proxy.history import read_history

PACKAGE = Path(__file__).resolve().parent
ANSWER_SECONDS = 60  # Releasing what is held waits for the brokers.


class ProxyError(RuntimeError):
    """The proxy did not start, or refused what it was asked."""


class Proxy:
    """A proxy process before a cluster that was made with proxied=True. Not for several threads at once."""

    def __init__(self, cluster, process, control, history, log):
        self.bootstrap = cluster.proxied  # What weir is given for bootstrap.servers.
        self.history_path, self._log = history, log
        self._process, self._control = process, control
        self._answers = control.makefile("rb")

    @classmethod
    def start(cls, cluster, folder, seed=1, name="proxy"):
        """Writes NAME.jsonl, its history, and NAME.log into the folder."""
        folder = Path(folder)
        history = folder / f"{name}.jsonl"
        argv = [sys.executable, "-m", "proxy", "--seed", str(seed), "--history", history]
        for route in cluster.routes:
            argv += ["--route", ":".join(map(str, route))]
        with open(folder / f"{name}.log", "ab") as log:
            process = spawn(argv, cwd=PACKAGE.parent, stdout=subprocess.PIPE, stderr=log)
        said = process.stdout.readline()
        if not said:
            process.wait()
            raise ProxyError(f"the proxy ended while starting:\n{(folder / f'{name}.log').read_text()[-2000:]}")
        control = socket.create_connection(("127.0.0.1", json.loads(said)["control"]), timeout=ANSWER_SECONDS)
        return cls(cluster, process, control, history, folder / f"{name}.log")

    def _ask(self, do, **words):
        self._control.sendall(json.dumps({"do": do, **words}).encode() + b"\n")
        line = self._answers.readline()
        if not line:
            raise ProxyError(f"the proxy has ended: {self._process.poll()}")
        answer = json.loads(line)
        if "error" in answer:
            raise ProxyError(answer["error"])
        return answer

    def add_rule(self, **rule):
        """Adds a rule in the words of proxy/rules.py; returns its number."""
        return self._ask("add", rule=rule)["rule"]

    def remove(self, rule):
        self._ask("remove", rule=rule)

    def clear(self):
        """No rule any more. What is delayed or held still comes at its time."""
        self._ask("clear")

    def release(self):
        """Delivers what is held, now."""
        self._ask("release")

    def counts(self):
        """Faults by kind, such as "cut EndTxn response"; "delivered EndTxn" and "undelivered EndTxn" of what was held."""
        return Counter(self._ask("counts")["counts"])

    def held(self):
        """How many requests are held."""
        return self._ask("counts")["held"]

    def events(self, event=None):
        """The history: dicts with at, event, and more."""
        return [each for each in read_history(self.history_path) if event in (None, each["event"])]

    def wait_for(self, kind, seconds, count=1):
        """Waits until counts() has so many of a kind."""
        until(lambda: self.counts()[kind] >= count, seconds, lambda: f"{count} {kind} of the proxy: {self.counts()}")

    def complaints(self):
        """What the process said on stderr: nothing, while it works as it should."""
        return self._log.read_text()

    def stop(self):
        self._answers.close()
        self._control.close()
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process.stdout.close()
