"""weir's job in Python, exactly once: logins in, processed logins out, malformed ones to the dead-letter topic, in one
transaction with the offsets. confluent-kafka (librdkafka) and fastavro, both in C. script/bench runs it beside weir.

It ends on any error, where weir would look what is to be done, and the next start goes on from the committed offsets."""

import argparse
import gc
import io
import json
import signal
import socket
import time
from pathlib import Path

import fastavro
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from fastavro.schema import fingerprint, to_parsing_canonical_form

POLL_MAX, POLL_SECONDS = 4096, 0.02
CALL_SECONDS = 30
PREFIX_BYTES = 5
SECONDS_MAX = (1 << 63) // 1000

# As bench/passthrough.c has them.
CONSUMER = {
    "isolation.level": "read_committed",
    "enable.auto.commit": False,
    "auto.offset.reset": "earliest",
    "partition.assignment.strategy": "range",
    "queued.min.messages": 20000,
    "queued.max.messages.kbytes": 16384,
    "fetch.queue.backoff.ms": 1,
}
PRODUCER = {
    "transaction.timeout.ms": 30000,
    "linger.ms": 50,
    "retry.backoff.ms": 5,
    "queue.buffering.max.messages": 200000,
}


class Rejected(Exception):
    """A record that goes to the dead-letter topic: code and message."""


class Schemas:
    """The folder that weir reads as registry.dir; ids as src/registry/directory.h says."""

    def __init__(self, folder):
        self.by_id = {}
        self.login, _ = self._read(Path(folder) / "user-login-value")
        self.processed, self.processed_id = self._read(Path(folder) / "processed-user-login-value")

    def _read(self, folder):
        latest = None
        for version in range(1, 1 + len(list(folder.glob("v*.avsc")))):
            schema = json.loads((folder / f"v{version}.avsc").read_text())
            crc = bytes.fromhex(fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO"))
            latest = fastavro.parse_schema(schema), int.from_bytes(crc, "little") & 0x7FFFFFFF
            self.by_id[latest[1]] = latest[0]
        return latest


class Codec:
    """A processed login of a login, both in Confluent's wire format."""

    def __init__(self, schemas):
        self.schemas = schemas
        self.prefix = b"\0" + schemas.processed_id.to_bytes(4, "big")

    def process(self, message):
        login = self._read(message.value())
        if not is_ip(login["ip"]):
            raise Rejected("rule_failed", "ip is not an IP address")
        login["timestamp"] = millis(login["timestamp"])
        login["processed"] = True
        login["processed_timestamp"] = time.time_ns() // 1000000
        login["source_partition"] = message.partition()
        login["source_offset"] = message.offset()
        out = io.BytesIO(self.prefix)
        out.seek(PREFIX_BYTES)
        fastavro.schemaless_writer(out, self.schemas.processed, login)
        return out.getvalue()

    def _read(self, value):
        if not value:
            raise Rejected("empty_value", "a value without bytes")
        if value[0] != 0 or len(value) < PREFIX_BYTES:
            raise Rejected("bad_magic", "neither Avro in wire format nor JSON")
        schema = self.schemas.by_id.get(int.from_bytes(value[1:PREFIX_BYTES], "big"))
        if schema is None:
            raise Rejected("unknown_schema", "no schema has this id")
        source = io.BytesIO(value)
        source.seek(PREFIX_BYTES)
        try:
            login = fastavro.schemaless_reader(source, schema, None if schema is self.schemas.login else self.schemas.login)
        except UnicodeDecodeError as error:
            raise Rejected("bad_utf8", "a text is not UTF-8") from error
        except (EOFError, ValueError, OverflowError, MemoryError, IndexError, StopIteration) as error:
            raise Rejected("truncated", str(error)) from error
        if source.tell() != len(value):
            raise Rejected("trailing_bytes", "bytes behind the last field")
        return login


def is_ip(text):
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, text)
            return True
        except (OSError, ValueError):
            pass
    return False


def millis(text):
    digits = text[1:] if text[:1] in ("-", "+") else text
    if not (digits.isascii() and digits.isdigit()):
        raise Rejected("transform_failed", "timestamp is not a number of seconds")
    seconds = int(text)
    if not -SECONDS_MAX < seconds < SECONDS_MAX:
        raise Rejected("transform_failed", "timestamp is out of range")
    return seconds * 1000


class Pipeline:
    def __init__(self, args):
        self.args = args
        own = dict(word.split("=", 1) for word in args.property)
        self.consumer = Consumer({**CONSUMER, "bootstrap.servers": args.bootstrap_server, "group.id": args.group,
                                  **{name[9:]: value for name, value in own.items() if name.startswith("consumer.")}})
        self.producer = Producer({**PRODUCER, "bootstrap.servers": args.bootstrap_server, "transactional.id": args.group,
                                  **{name[9:]: value for name, value in own.items() if name.startswith("producer.")}})
        self.codec = Codec(Schemas(args.schemas))
        self.stopping = False

    def run(self):
        self.producer.init_transactions(CALL_SECONDS)
        self.consumer.subscribe([self.args.input])
        while not self.stopping:
            self.transact()
        self.consumer.close()

    def stop(self, *_):
        self.stopping = True

    def transact(self):
        """A transaction of the records of an interval; none while nothing comes."""
        gathered, following, end = 0, {}, None
        while not self.stopping and gathered < self.args.max_records and (end is None or time.monotonic() < end):
            messages = self.consumer.consume(min(POLL_MAX, self.args.max_records - gathered), POLL_SECONDS)
            if messages and end is None:
                self.producer.begin_transaction()
                end = time.monotonic() + self.args.interval_ms / 1000
            for message in messages:
                if message.error():
                    raise KafkaException(message.error())
                self.send(message)
                following[message.partition()] = message.offset() + 1
            self.producer.poll(0)
            gathered += len(messages)
        if following:
            offsets = [TopicPartition(self.args.input, partition, at) for partition, at in following.items()]
            self.producer.send_offsets_to_transaction(offsets, self.consumer.consumer_group_metadata(), CALL_SECONDS)
            self.producer.commit_transaction(CALL_SECONDS)

    def send(self, message):
        topic, headers = self.args.output, message.headers()
        try:
            value = self.codec.process(message)
        except Rejected as why:
            topic, value, headers = self.args.dead_letter, message.value(), letter_headers(message, why)
        while True:
            try:
                # The dead-letter topic may have fewer partitions, so the client places letters by key.
                place = {"partition": message.partition()} if topic == self.args.output else {}
                kept = {"key": message.key(), "timestamp": message.timestamp()[1], "headers": headers}
                return self.producer.produce(topic, value, on_delivery=None, **place, **kept)
            except BufferError:
                self.producer.poll(0.01)


def letter_headers(message, why):
    place = {"topic": message.topic(), "partition": message.partition(), "offset": message.offset()}
    reason = {"code": why.args[0], "message": why.args[1], **place}
    own = [(f"__weir.errors.{name}", str(value).encode()) for name, value in reason.items()]
    return (message.headers() or []) + own


def arguments():
    parser = argparse.ArgumentParser()
    for name in ("--bootstrap-server", "--group", "--input", "--output", "--dead-letter", "--schemas"):
        parser.add_argument(name, required=True)
    parser.add_argument("--interval-ms", type=int, default=100)
    parser.add_argument("--max-records", type=int, default=50000)
    parser.add_argument("property", nargs="*", help="consumer.NAME=VALUE or producer.NAME=VALUE")
    return parser.parse_args()


if __name__ == "__main__":
    # Nothing here makes a cycle of references, so looking for them is only work.
    gc.disable()
    pipeline = Pipeline(arguments())
    signal.signal(signal.SIGTERM, pipeline.stop)
    signal.signal(signal.SIGINT, pipeline.stop)
    pipeline.run()
