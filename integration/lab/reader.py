"""Reads topics as a read_committed consumer sees them, through Kafka's own Java client (Reader.java)."""

import struct
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple, Optional

from .cluster import java, kafka_home
from .processes import spawn

OPEN_SECONDS = 20  # How long a transaction may stay open before the reader says so.
_BLOCK = struct.Struct(">ci")
_RECORD = struct.Struct(">iqqiii")
_HEADER = struct.Struct(">ii")


class Record(NamedTuple):
    partition: int
    offset: int
    timestamp: int
    key: Optional[bytes]
    value: Optional[bytes]
    headers: tuple = ()  # of (name, value)

    def header(self, name):
        """The last header of that name, as Kafka's clients choose, or None."""
        for key, value in reversed(self.headers):
            if key == name:
                return value
        return None


class ReaderError(RuntimeError):
    """The topic could not be read."""


class Reader:
    """One Java process for all the reading of a session, started by the first call."""

    def __init__(self):
        self._process = None
        self._scratch = None

    def _start(self):
        if self._process is not None and self._process.poll() is None:
            return
        self._scratch = tempfile.TemporaryDirectory(prefix="weir-reader-")
        argv = java(kafka_home(), self._scratch.name, Path(__file__).with_name("Reader.java"), archive=False)
        self._process = spawn(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def read(self, bootstrap, topic, wait=OPEN_SECONDS):
        """Every committed record of a topic, partition by partition as fetched, and the set of partitions in which a
        transaction was still open after `wait` seconds: what lies behind it cannot be seen."""
        self._start()
        self._process.stdin.write(f"read {bootstrap} {topic} {int(wait * 1000)}\n".encode())
        self._process.stdin.flush()
        records = []
        while True:
            kind, payload = self._block()
            if kind == b"R":
                _parse(payload, records)
            elif kind == b"E":
                return records, {int(line.split()[1]) for line in payload.decode().splitlines()}
            else:
                raise ReaderError(f"reading {topic}: {payload.decode(errors='replace')}")

    def _block(self):
        head = self._exactly(_BLOCK.size)
        kind, length = _BLOCK.unpack(head)
        return kind, self._exactly(length)

    def _exactly(self, count):
        got = self._process.stdout.read(count)
        if len(got) != count:
            raise ReaderError(f"the Java reader ended with status {self._process.wait()}")
        return got

    def close(self):
        if self._process is not None:
            self._process.stdin.close()
            self._process.kill()
            self._process.wait()
            self._process.stdout.close()
            self._scratch.cleanup()
            self._process = None


def _parse(block, records):
    at, end = 0, len(block)
    while at < end:
        partition, offset, timestamp, key_length, value_length, n_headers = _RECORD.unpack_from(block, at)
        at += _RECORD.size
        key, at = _take(block, at, key_length)
        value, at = _take(block, at, value_length)
        headers = ()
        if n_headers:
            headers, at = _headers(block, at, n_headers)
        records.append(Record(partition, offset, timestamp, key, value, headers))


def _headers(block, at, count):
    headers = []
    for _ in range(count):
        name_length, value_length = _HEADER.unpack_from(block, at)
        name, at = _take(block, at + _HEADER.size, name_length)
        value, at = _take(block, at, value_length)
        headers.append((name.decode(), value))
    return tuple(headers), at


def _take(block, at, length):
    if length < 0:
        return None, at
    return block[at : at + length], at + length
