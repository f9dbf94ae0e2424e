"""What the proxy did: counted, and a JSON line each in a file."""

import json
import time
from collections import Counter


class History:
    """at is time.monotonic(), which is the same clock in every process of the machine."""

    def __init__(self, path):
        # Line by line, so that the file is whole up to the moment at which somebody kills the proxy.
        self._file = open(path, "a", buffering=1, encoding="utf-8") if path else None
        self.counts = Counter()

    def write(self, event, **details):
        if self._file is not None:
            self._file.write(json.dumps({"at": round(time.monotonic(), 6), "event": event, **details}) + "\n")

    def fault(self, rule, on, request, broker, **details):
        self.counts[f"{rule.action} {request.api} {on}"] += 1
        self.write("fault", rule=rule.number, action=rule.action, on=on, **about(request, broker), **details)

    def outcome(self, what, request, broker, **details):
        """What became of a held request: delivered, or lost."""
        self.counts[f"{what} {request.api}"] += 1
        self.write(what, **about(request, broker), **details)

    def close(self):
        if self._file is not None:
            self._file.close()


def read_history(path):
    """What is written so far: a writer's line can be seen torn while it grows, and is left for the next time."""
    whole, _, _ = path.read_text(encoding="utf-8").rpartition("\n")
    return [json.loads(line) for line in whole.splitlines()]


def about(request, broker):
    return {
        "api": request.api,
        "version": request.version,
        "id": request.id,
        "broker": broker,
        "client": request.client,
        "producer": request.producer,
    }
