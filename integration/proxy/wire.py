"""What the proxy understands of Kafka's protocol: frames, the header of a request, who produces, what was answered."""

import struct
from typing import NamedTuple, Optional

FRAME_MAX = 1 << 28  # What a broker would send or take at most; a greater length is not Kafka's protocol.

# By key: the name, and the first version with a flexible header and body ("tagged fields", KIP-482).
NEVER = 1 << 15
APIS = {
    0: ("Produce", 9),
    1: ("Fetch", 12),
    2: ("ListOffsets", 6),
    3: ("Metadata", 9),
    8: ("OffsetCommit", 8),
    9: ("OffsetFetch", 6),
    10: ("FindCoordinator", 3),
    11: ("JoinGroup", 6),
    12: ("Heartbeat", 4),
    13: ("LeaveGroup", 4),
    14: ("SyncGroup", 4),
    15: ("DescribeGroups", 5),
    16: ("ListGroups", 3),
    17: ("SaslHandshake", NEVER),
    18: ("ApiVersions", 3),
    19: ("CreateTopics", 5),
    20: ("DeleteTopics", 4),
    21: ("DeleteRecords", 2),
    22: ("InitProducerId", 2),
    23: ("OffsetForLeaderEpoch", 4),
    24: ("AddPartitionsToTxn", 3),
    25: ("AddOffsetsToTxn", 3),
    26: ("EndTxn", 3),
    28: ("TxnOffsetCommit", 3),
    32: ("DescribeConfigs", 4),
    36: ("SaslAuthenticate", 2),
    37: ("CreatePartitions", 2),
    42: ("DeleteGroups", 2),
    47: ("OffsetDelete", NEVER),
    60: ("DescribeCluster", 0),
    61: ("DescribeProducers", 0),
    65: ("DescribeTransactions", 0),
    66: ("ListTransactions", 0),
    68: ("ConsumerGroupHeartbeat", 0),
    71: ("GetTelemetrySubscriptions", 0),
    72: ("PushTelemetry", 0),
    75: ("DescribeTopicPartitions", 0),
}
NAMES = frozenset(name for name, _ in APIS.values())

# Requests that begin with the transactional id, and the versions in which they do.
PRODUCERS = {
    "Produce": range(3, 100),
    "InitProducerId": range(0, 100),
    "AddPartitionsToTxn": range(0, 4),
    "AddOffsetsToTxn": range(0, 100),
    "EndTxn": range(0, 100),
    "TxnOffsetCommit": range(0, 100),
}

# Answers whose error code can be told: straight behind the throttle time, or with the first partition of the first topic.
PLAIN_ERRORS = {"EndTxn": 0, "AddOffsetsToTxn": 0, "InitProducerId": 0, "Heartbeat": 1, "SyncGroup": 1, "JoinGroup": 2}
PARTITION_ERRORS = {"TxnOffsetCommit": range(0, 100), "AddPartitionsToTxn": range(0, 4)}


class WireError(ValueError):
    """These bytes are not Kafka's protocol."""


class Request(NamedTuple):
    api: str
    version: int
    flexible: bool
    id: int  # Kafka's correlation id: the answer begins with it.
    client: Optional[str]
    producer: Optional[str]  # The transactional id, where the request names one.
    frame: bytes  # All of it, without its length.

    def same_sender(self, other):
        """Whether another request is of the same producer; of the same client where this one names no producer."""
        return self.client == other.client if self.producer is None else self.producer == other.producer


class Cursor:
    """Reads Kafka's types from bytes, from front to back."""

    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def _take(self, form):
        value = form.unpack_from(self.data, self.at)[0]
        self.at += form.size
        return value

    def int16(self):
        return self._take(_INT16)

    def int32(self):
        return self._take(_INT32)

    def uvarint(self):
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value
            if shift > 28:
                raise WireError("a number of more than five bytes")

    def length(self, flexible):
        """That of an array; -1 is null."""
        return self.uvarint() - 1 if flexible else self.int32()

    def string(self, flexible):
        length = self.uvarint() - 1 if flexible else self.int16()
        if length < 0:
            return None
        if self.at + length > len(self.data):
            raise WireError("a string that is longer than its frame")
        self.at += length
        return self.data[self.at - length : self.at].decode(errors="replace")

    def tags(self):
        for _ in range(self.uvarint()):
            self.uvarint()
            length = self.uvarint()
            self.at += length


_INT16, _INT32 = struct.Struct(">h"), struct.Struct(">i")


def parse_request(frame):
    """The header of a request; WireError says what is wrong with it."""
    try:
        cursor = Cursor(frame)
        key, version, number = cursor.int16(), cursor.int16(), cursor.int32()
        api, flexible_from = APIS.get(key, (f"Api{key}", NEVER))
        client = cursor.string(flexible=False)
        flexible = version >= flexible_from
        producer = None
        if version in PRODUCERS.get(api, ()):
            if flexible:
                cursor.tags()
            producer = cursor.string(flexible)
        return Request(api, version, flexible, number, client, producer, frame)
    except (struct.error, IndexError) as error:
        raise WireError(f"a request of {len(frame)} bytes ends in its header") from error


def answer_id(frame):
    """The correlation id of an answer."""
    if len(frame) < _INT32.size:
        raise WireError(f"an answer of {len(frame)} bytes")
    return _INT32.unpack_from(frame)[0]


def answer_error(request, frame):
    """The error code in an answer, 0 when there is none; None where it is not known how to read it."""
    try:
        cursor = Cursor(frame, _INT32.size)
        if request.flexible and request.api != "ApiVersions":
            cursor.tags()
        if request.api in PLAIN_ERRORS:
            if request.version >= PLAIN_ERRORS[request.api]:
                cursor.int32()
            return cursor.int16()
        if request.version in PARTITION_ERRORS.get(request.api, ()):
            cursor.int32()
            return _first_partition(cursor, request.flexible)
        if request.api == "Produce" and request.version >= 3:
            return _first_partition(cursor, request.flexible)
        return None
    except (struct.error, IndexError, WireError):
        return None


def _first_partition(cursor, flexible):
    if cursor.length(flexible) < 1:
        return 0
    cursor.string(flexible)
    if cursor.length(flexible) < 1:
        return 0
    cursor.int32()
    return cursor.int16()
