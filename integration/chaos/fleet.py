"""Instances of weir, each with a name that outlives its processes, and a supervisor that starts them again."""

import os
import signal
import threading

from lab.weir import Weir

AGAIN_SECONDS = 0.5  # Between an end that nobody ordered and the next start, as a supervisor waits.
STOP_SECONDS = 30  # weir promises 10 s while the brokers answer.
# The memory that a limited instance may have: what it allocates, and the stacks of its threads, which are small then. A limit
# of the process and no control group, since those need root; an allocation beyond it fails, and no killer comes.
LIMIT_BYTES = 256 << 20
STACK_BYTES = 1 << 20
LIMITED = ("prlimit", f"--data={LIMIT_BYTES}", f"--stack={STACK_BYTES}", "--")
# 75: start me again. With too little memory it may also say so (71), or its libraries end it, which check no allocation.
ENDINGS = (75,)
LIMITED_ENDINGS = (*ENDINGS, 71, -signal.SIGABRT, -signal.SIGSEGV)


class Slot:
    """One identity. What is done to it is done under its lock, so that the supervisor does not come between."""

    def __init__(self, bench, name, builds, history):
        self.bench, self.name, self.history = bench, name, history
        self.builds, self.build = builds, 0
        self.lock = threading.RLock()
        self.wanted = self.limited = False
        self.workers = 1
        self.weir = None
        self.ended = []  # How its processes ended that nobody told to.

    def _made(self, folder):
        config = self.bench.config(workers=self.workers)
        weir = Weir(self.bench.folder / folder, config, self.name)
        weir.program = self.builds[0 if self.limited else self.build]  # A sanitizer takes more room than the limit is.
        weir.prefix = LIMITED if self.limited else ()
        return weir

    def start(self):
        with self.lock:
            assert not (self.weir and self.weir.alive)
            self.wanted = True
            self.weir = self._made(f"weir-{self.name}").start()
            self.history.note("started", instance=self.name, pid=self.weir.process.pid, workers=self.workers,
                              build=self.build, limited=self.limited)

    def start_successor(self):
        """A second process under the same identity; the first one is returned."""
        with self.lock:
            first = self.weir
            self.weir = self._made(f"weir-{self.name}-successor").start()
            self.history.note("started", instance=self.name, pid=self.weir.process.pid, successor=True)
            return first

    def kill(self):
        with self.lock:
            self.wanted = False
            self.weir.kill()

    def stop(self):
        """SIGTERM; it must end well, if nothing ended it before."""
        with self.lock:
            self.wanted = False
            if not self.weir.alive:
                return self.judge(self.weir, self.weir.process.returncode)
            self.weir.process.send_signal(signal.SIGTERM)
        try:
            self.weir.wait(STOP_SECONDS)
        except AssertionError:
            self.history.blame(f"{self.name} has not stopped {STOP_SECONDS} s after SIGTERM")
            os.kill(self.weir.process.pid, signal.SIGABRT)  # Its core, if there is one, says where it was.
            self.weir.wait(STOP_SECONDS)
            return None
        status = self.weir.process.returncode
        early = status == -signal.SIGTERM and not self.weir.log()  # Before it could say what it wants of signals.
        if status != 0 and not early:
            self.judge(self.weir, status)
        return status

    def judge(self, weir, status):
        """A process ended that nobody had killed: it may do so in one way only."""
        self.ended.append(status)
        last = weir.log().splitlines()[-1:]
        self.history.note("ended", instance=self.name, status=status, last=last)
        if status not in (LIMITED_ENDINGS if weir.prefix else ENDINGS):
            self.history.blame(f"{self.name} ended with status {status}: {last}")
        return status

    def look(self):
        """Starts it again when it has ended by itself."""
        if not self.lock.acquire(blocking=False):
            return
        try:
            if self.wanted and not self.weir.alive:
                self.judge(self.weir, self.weir.process.returncode)
                threading.Event().wait(AGAIN_SECONDS)
                self.start()
        finally:
            self.lock.release()


class Fleet(threading.Thread):
    """All of them, and the supervisor. A child dies with the thread that made it, so it runs until all is over."""

    def __init__(self, bench, names, builds, history):
        super().__init__(daemon=True)
        self.slots = {name: Slot(bench, name, builds, history) for name in names}
        self._over = threading.Event()

    def run(self):
        while not self._over.wait(0.2):
            for slot in self.slots.values():
                slot.look()

    def living(self):
        return [slot for slot in self.slots.values() if slot.wanted]

    def stop(self):
        """Stops all of them at once, in good order."""
        stopping = [threading.Thread(target=slot.stop) for slot in self.living()]
        for each in stopping:
            each.start()
        for each in stopping:
            each.join()

    def close(self):
        self._over.set()
        if self.is_alive():
            self.join()
        for slot in self.slots.values():
            slot.wanted = False
            if slot.weir is not None:
                slot.weir.close()
