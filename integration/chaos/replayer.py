"""Replays dead letters while the pipeline runs, again and again, and may be killed at it."""

import json
import signal
import subprocess
import threading
import time

from lab.processes import spawn
from lab.weir import binary

CODE = "rule_failed"  # What the mended configuration lets pass.
AT_ONCE = 40
PAUSE_SECONDS = 1.0
RUN_SECONDS = 150  # weir's own watchdog ends what is stuck for longer than 30 s while others are answered.
# 75: try again. Letters that are not to be had as long as a topic has no leader are no other case.
ENDINGS = (0, 75)


class Replayer(threading.Thread):
    def __init__(self, bench, history):
        super().__init__(daemon=True)
        self.bench, self.history = bench, history
        self.config = bench.folder / "mended.yaml"
        self.config.write_text(json.dumps(bench.config(check=None)))
        self.log = bench.folder / "replay.log"
        self.runs = self.killed = 0
        self._run, self._kill = None, False
        self._at_work, self._over = threading.Event(), threading.Event()

    def run(self):
        while not self._over.wait(PAUSE_SECONDS):
            self.once("--limit", str(AT_ONCE))

    def once(self, *words):
        """One run to its end, and its status."""
        argv = [binary(), "dlq", "replay", "-c", self.config, "--code", CODE, "--yes", "--json", *words]
        with open(self.log, "ab") as log:
            self._kill = False
            self._run = spawn(argv, stdout=log, stderr=subprocess.STDOUT)
        self._at_work.set()
        self.runs += 1
        try:
            status = self._run.wait(RUN_SECONDS)
        except subprocess.TimeoutExpired:
            self.history.blame(f"weir dlq replay has not ended within {RUN_SECONDS} s")
            self._run.kill()
            status = self._run.wait()
        self._at_work.clear()
        if not (status in ENDINGS or (self._kill and status == -signal.SIGKILL)):
            self.history.blame(f"weir dlq replay ended with status {status}")
        self.history.note("replay", status=status)
        return status

    def kill(self, after, seconds):
        """Kills the run that is at work, or the next one, so long after it was met, or sooner where it has ended by then; says
        whether there was one."""
        end = time.monotonic() + seconds
        while self._at_work.wait(max(0.0, end - time.monotonic())):
            run = self._run
            time.sleep(after)
            if run.poll() is None:
                self._kill = True
                run.kill()
                self.killed += 1
                return True
            after /= 2
            time.sleep(PAUSE_SECONDS / 2)  # The next one begins after a pause.
        return False

    def stop(self):
        self._over.set()
        if self.is_alive():
            self.join()

    def finish(self, seconds):
        """What is left, until a run has come to its end."""
        self.stop()
        end = time.monotonic() + seconds
        while self.once() != 0:
            if time.monotonic() > end:
                self.history.blame(f"no replay has come to its end within {seconds} s")
                return
            time.sleep(PAUSE_SECONDS)
