"""What happened, a JSON object a line, written as it happens."""

import json
import threading
import time
from collections import Counter


class History:
    def __init__(self, path):
        self._file = open(path, "w", encoding="utf-8")
        self._lock = threading.Lock()
        self.started = time.monotonic()
        self.kinds = Counter()  # Faults that were done, by kind.
        self.failed = []  # Faults that could not be done, and why: of no harm to the verdict.
        self.violations = []

    def begin(self):
        """From now on times are counted."""
        self.started = time.monotonic()

    @property
    def now(self):
        return time.monotonic() - self.started

    def note(self, event, **more):
        line = json.dumps({"at": round(self.now, 3), "time": round(time.time(), 3), "event": event, **more}, default=str)
        with self._lock:
            self._file.write(line + "\n")
            self._file.flush()

    def did(self, kind):
        with self._lock:
            self.kinds[kind] += 1

    def blame(self, text):
        """Something that may never be."""
        self.violations.append(text)
        self.note("violation", what=text)

    def close(self):
        self._file.close()
