"""script/demo: a load of user logins, a pipeline that is killed under it, and a balance that nobody of weir draws up."""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .cluster import Cluster
from .hands import Hands
from .judge import ERRORS, AvroCoordinates, Judge
from .processes import spawn
from .reader import Reader
from .weir import ROOT, binary, generate

CONFIG = ROOT / "config" / "user-login.yaml"
INPUT, OUTPUT, DEAD, GROUP = "user-login", "processed-user-login", "user-login-dlq", "user-login"
JOURNAL = "user-login-journal"
PARTITIONS = 4
TICK_SECONDS = 0.1
RATE_WINDOW_SECONDS = 2.0
DOWN_SECONDS = 0.5  # Between a SIGKILL and the restart, so that the gap can be seen.
DRAIN_SECONDS = 60
STOP_SECONDS = 20


def show(value):
    """A payload for a person's eyes: text as it is, other bytes in hexadecimal digits."""
    if value is None:
        return "null"
    return value.decode() if value.isascii() and value.decode().isprintable() else value.hex()


class DemoError(RuntimeError):
    """Something did not go as promised; the message is for the person who watches."""


def say(text):
    print(text, flush=True)


class Pipeline:
    """`weir run` with the shipped configuration."""

    def __init__(self, folder, bootstrap):
        self.log = Path(folder, "weir.log")
        self.env = {**os.environ, "WEIR_BOOTSTRAP_SERVERS": bootstrap, "WEIR_WORKERS": "1"}
        self.process = None
        self.kills = 0

    def start(self):
        with open(self.log, "ab") as log:
            argv = [binary(), "run", "-c", CONFIG, "--instance", "demo"]
            self.process = spawn(argv, stdout=log, stderr=subprocess.STDOUT, cwd=ROOT, env=self.env)
        self.started = time.monotonic()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.kills += 1

    def ended(self):
        """Its exit status, when it has ended without being told to."""
        return self.process.poll()

    def stop(self):
        self.process.terminate()
        return self.process.wait(STOP_SECONDS)


class Screen:
    """One line that changes on a terminal; a line every few seconds where it is none."""

    EVERY = 5.0

    def __init__(self):
        self._live = sys.stdout.isatty()
        self._last = 0.0

    def show(self, text):
        now = time.monotonic()
        if self._live:
            print(f"\r\033[K{text}", end="", flush=True)
        elif now - self._last >= self.EVERY:
            self._last = now
            say(text)

    def event(self, text):
        say(f"\r\033[K{text}" if self._live else text)


class Gauge:
    """Records per second over the last moments, from a number that only grows."""

    def __init__(self):
        self._seen = []

    def rate(self, total):
        now = time.monotonic()
        self._seen.append((now, total))
        while now - self._seen[0][0] > RATE_WINDOW_SECONDS:
            self._seen.pop(0)
        (then, before), span = self._seen[0], now - self._seen[0][0]
        return (total - before) / span if span > 0 else 0.0


class Demo:
    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        self.random = random.Random(args.seed)
        self.screen, self.flow_in, self.flow_out = Screen(), Gauge(), Gauge()
        self.cluster = self.pipeline = self.load = self.hands = self.reader = None
        self.back = []

    def run(self):
        self.cluster = Cluster(self.folder / "kafka").start()
        self.hands = Hands(self.cluster.bootstrap)
        for topic in (INPUT, OUTPUT, DEAD):
            # A letter is its record and some headers more.
            self.hands.create(topic, PARTITIONS, **({"max_message_bytes": 1114124} if topic == DEAD else {}))
        self.hands.create(JOURNAL, 1)
        say(f"Kafka runs on {self.cluster.bootstrap}; topics {INPUT}, {OUTPUT}, {DEAD} have {PARTITIONS} partitions each, {JOURNAL} has one")
        self.pipeline = Pipeline(self.folder, self.cluster.bootstrap)
        self.pipeline.start()
        self._start_load()
        say(f"weir runs {CONFIG.relative_to(ROOT)}; weir generate writes {self.args.rate:,} logins/s for "
            f"{self.args.seconds} s: Avro and JSON, 5 % malformed, 10 % with a field missing")
        self._watch()
        status = self.pipeline.stop()
        self.screen.event(f"everything is processed; weir stopped on SIGTERM with status {status}")
        return status == 0 and self._balance()

    def _start_load(self):
        options = {"rate": self.args.rate, "duration": f"{self.args.seconds}s", "format": "mixed", "malformed": 0.05}
        argv = generate(self.cluster.bootstrap, INPUT, "--expect", missing=0.1, seed=self.args.seed, **options)
        with open(self.folder / "generate.log", "wb") as log:
            self.load = spawn(argv, stdout=log, stderr=subprocess.STDOUT)

    def _kill_times(self):
        """One moment in each of as many equal parts of the load's time, none in the first two seconds."""
        span = (self.args.seconds - 2) / max(1, self.args.kills)
        start = time.monotonic() + 2
        return [start + span * (i + self.random.uniform(0.1, 0.9)) for i in range(self.args.kills)]

    def _watch(self):
        kills, restart, done_at_restart = self._kill_times(), None, None
        deadline = time.monotonic() + self.args.seconds + DRAIN_SECONDS
        while True:
            now = time.monotonic()
            total, done = self._progress()
            if restart is None and self.pipeline.ended() is not None:
                raise DemoError(f"weir ended by itself with status {self.pipeline.ended()}")
            if kills and now >= kills[0] and restart is None and done_at_restart is None:
                kills.pop(0)
                self.pipeline.kill()
                restart = now + DOWN_SECONDS
                self.screen.event(f"killed weir with SIGKILL at {done:,} records")
            if restart is not None and now >= restart:
                self.pipeline.start()
                restart, done_at_restart = None, done
            if done_at_restart is not None and done > done_at_restart:
                self.back.append(now - self.pipeline.started)
                self.screen.event(f"restarted it: records flow again after {self.back[-1]:.1f} s")
                done_at_restart = None
            state = "killed" if restart else "recovering" if done_at_restart is not None else "running"
            self.screen.show(self._line(total, done, state))
            if self.load.poll() is not None and not kills and done == total and state == "running":
                break
            if now > deadline:
                raise DemoError(f"{total - done:,} records are still waiting")
            time.sleep(TICK_SECONDS)
        if self.load.returncode != 0:
            raise DemoError(f"weir generate ended with status {self.load.returncode}")

    def _progress(self):
        return sum(self.hands.ends(INPUT).values()), sum(self.hands.committed(GROUP, INPUT).values())

    def _line(self, total, done, state):
        return (f"in {total:>9,} ({self.flow_in.rate(total):>7,.0f}/s)   done {done:>9,} "
                f"({self.flow_out.rate(done):>7,.0f}/s)   waiting {total - done:>7,}   {state}, kills {self.pipeline.kills}")

    def _balance(self):
        say("an independent read_committed reader (Kafka's Java client) now counts every record ...")
        self.reader = Reader()
        topics = []
        for topic in (INPUT, OUTPUT, DEAD, JOURNAL):
            records, still_open = self.reader.read(self.cluster.bootstrap, topic)
            if still_open:
                say(f"a transaction is still open in {topic}")
                return False
            topics.append(records)
        coordinates = AvroCoordinates(ROOT / "schemas", "processed-user-login-value")
        judge = Judge(INPUT, coordinates, until=self.hands.committed(GROUP, INPUT))
        report = judge.judge(*topics[:3])
        journal = judge.journal(topics[3])
        self._examples(coordinates, topics)
        say(report.table())
        say(f"the journal says the same: {sum(map(len, journal.batches.values())):,} records in {len(journal.batches)} chains"
            if not report.damage["journal"] else "the journal says otherwise")
        say(f"SIGKILLs: {self.pipeline.kills}; after a restart records flowed again in "
            f"{', '.join(f'{seconds:.1f} s' for seconds in self.back) or '-'}")
        if not report.clean:
            say(f"the promise is broken\n{report}")
        return self._audit() and report.clean

    def _audit(self):
        """weir's own proof, which needs the journal and no header that says what was expected."""
        argv = [binary(), "audit", "-c", CONFIG]
        done = subprocess.run(argv, env=self.pipeline.env, cwd=ROOT, capture_output=True, text=True, check=False)
        lines = done.stdout.strip().splitlines() or done.stderr.strip().splitlines() or ["it said nothing"]
        say(f"weir audit: {lines[-1] if done.returncode == 0 else done.stdout + done.stderr}")
        return done.returncode == 0

    def _examples(self, coordinates, topics):
        outputs, letters = topics[1:3]
        if outputs:
            say(f"a processed login:  {json.dumps(coordinates.fields(outputs[len(outputs) // 2].value))}")
        if letters:
            # One that a person can read without a schema, where there is one.
            letter = next((one for one in letters if (one.value or b"").startswith(b"{")), letters[0])
            say(f"a dead letter:      {show(letter.value)}\n    with the headers")
            for name in ("code", "message", "field", "partition", "offset"):
                say(f"        {ERRORS}{name}: {(letter.header(ERRORS + name) or b'-').decode()}")

    def close(self):
        """Ends whatever runs, in any state that run() was left in."""
        for process in (self.load, self.pipeline and self.pipeline.process):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()
        for part in (self.reader, self.hands):
            if part is not None:
                part.close()
        if self.cluster is not None:
            self.cluster.kill()

    def last_words(self):
        """The ends of the logs, for when something went wrong."""
        for name in ("weir.log", "generate.log"):
            path = self.folder / name
            if path.exists():
                say(f"--- the end of {name}")
                say("\n".join(path.read_text(errors="replace").splitlines()[-20:]))


def main():
    parser = argparse.ArgumentParser(prog="script/demo", description="User logins through a real Kafka, exactly once.")
    parser.add_argument("--seconds", type=int, default=40, help="how long the load lasts (default 40)")
    parser.add_argument("--rate", type=int, default=10000, help="logins per second (default 10000)")
    parser.add_argument("--kills", type=int, default=3, help="how often weir is killed with SIGKILL (default 3)")
    parser.add_argument("--seed", type=int, default=1, help="of the load and of the moments of the kills (default 1)")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the logs and Kafka's data")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="weir-demo-"))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    demo, status = Demo(args, folder), 1
    try:
        status = 0 if demo.run() else 1
    except KeyboardInterrupt:
        say("\nstopped")
        status = 130
    except DemoError as error:
        say(f"\n{error}")
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # A second Ctrl+C must not interrupt the cleaning up.
        demo.close()
        if status == 1:
            demo.last_words()
        if args.keep:
            say(f"kept {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
