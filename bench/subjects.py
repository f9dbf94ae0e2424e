"""Who is measured: programs that move a topic's records to another one, as a process of their own for each run."""

import json
import os
from pathlib import Path

from lab.weir import ROOT, binary, merged, shipped

BUILD = Path(os.environ["WEIR_BENCH_BUILD"])
PEERS = Path(os.environ["WEIR_PEERS"])


class Subject:
    statuses = (0,)  # with which it may end after SIGTERM

    def __init__(self, label):
        self.label = label

    def argv(self, bootstrap, folder, topics, group):
        raise NotImplementedError

    def environment(self):
        return {}


class Passthrough(Subject):
    """bench/passthrough.c; words are further arguments."""

    def __init__(self, *words, label="pass-through", interval_ms=100):
        super().__init__(label)
        self.words, self.interval_ms = words, interval_ms

    def argv(self, bootstrap, folder, topics, group):
        return [
            *(BUILD / "bench" / "passthrough", "--bootstrap-server", bootstrap, "--group", group),
            *("--input", topics["input"], "--output", topics["output"], "--interval-ms", self.interval_ms, *self.words),
        ]


class Weir(Subject):
    """`weir run` with the shipped rules; changes are laid over its configuration."""

    def __init__(self, label="weir", program=None, **changes):
        super().__init__(label)
        self.program, self.changes = program or binary(), changes

    def config(self, bootstrap, topics, group):
        return merged(shipped(group, bootstrap, topics), self.changes)

    def argv(self, bootstrap, folder, topics, group):
        path = folder / f"{group}.yaml"
        path.write_text(json.dumps(self.config(bootstrap, topics, group), indent=2) + "\n")
        return [self.program, "run", "-c", path, "--instance", "bench"]


class Streams(Subject):
    """bench/peers/streams: Kafka Streams, exactly once. jvm are words for Java, words are properties."""

    statuses = (0, 143)  # Java ends with 128 + SIGTERM after an orderly stop.

    def __init__(self, label, codec, jvm=(), **words):
        super().__init__(label)
        self.codec, self.jvm, self.words = codec, jvm, words

    def argv(self, bootstrap, folder, topics, group):
        words = {"bootstrap": bootstrap, "group": group, "codec": self.codec, "schemas": ROOT / "schemas", **topics}
        words["state.dir"] = folder / "state"
        words.update({name.replace("_", "."): value for name, value in self.words.items()})
        place = ["-cp", f"{BUILD / 'peers'}:{PEERS / 'streams'}/*", "Peer"]
        return ["java", *self.jvm, *place, *(f"{name}={value}" for name, value in words.items())]


class Python(Subject):
    """bench/peers/python: confluent-kafka and fastavro."""

    def __init__(self, label="Python", interval_ms=100):
        super().__init__(label)
        self.interval_ms = interval_ms

    def argv(self, bootstrap, folder, topics, group):
        return [
            *(os.environ["WEIR_PYTHON"], ROOT / "bench/peers/python/peer.py", "--bootstrap-server", bootstrap),
            *("--group", group, "--input", topics["input"], "--output", topics["output"], "--dead-letter", topics["dead"]),
            *("--schemas", ROOT / "schemas", "--interval-ms", self.interval_ms),
        ]

    def environment(self):
        return {"PYTHONPATH": str(PEERS / "python")}


# Avro makes room for a text before it looks whether there is so much; a malformed length would end a JVM of this size.
AVRO_LIMIT = ("-Dorg.apache.avro.limits.string.maxLength=1048576",)


def streams_as_it_comes():
    """Kafka Streams with Avro's generic records and nothing set but exactly_once_v2."""
    return Streams("Kafka Streams, as it comes", "avro")


def streams_tuned(codec="avro", jvm=(), **words):
    """With the best settings that were found; docs/performance.md says what was tried. direct: with a codec written by
    hand for these very schemas."""
    label = "Kafka Streams, tuned" + (", codec by hand" if codec == "direct" else "")
    best = {
        "num_stream_threads": 1,
        "commit_interval_ms": 100,
        "buffered_records_per_partition": 20000,
        "consumer_max_poll_records": 20000,
        "consumer_max_partition_fetch_bytes": 4 << 20,
        "consumer_fetch_min_bytes": 1 << 18,
        "consumer_fetch_max_wait_ms": 50,
        "producer_linger_ms": 50,
        "producer_batch_size": 1 << 20,
        "producer_buffer_memory": 64 << 20,
    }
    java = ("-XX:+UseSerialGC", "-Xms512m", "-Xmx512m", "-Xmn320m", "-XX:-UsePerfData", *AVRO_LIMIT)
    return Streams(label, codec, (*java, *jvm), **{**best, **words})
