"""What a test does to a cluster: topics, records written by a client that is not librdkafka, committed offsets."""

import logging
import time

from kafka import KafkaAdminClient, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, OffsetSpec
from kafka.errors import GroupIdNotFoundError, KafkaError, TopicAlreadyExistsError, UnknownBrokerIdError

from .processes import until

WRITE_SECONDS = 30
ASK_SECONDS = 30  # A broker that a test has killed is back sooner.

# It reports every failed connection to a broker that a test has just killed.
logging.getLogger("kafka").setLevel(logging.CRITICAL)


class Hands:
    """Pure-Python clients on one cluster; connects when first used."""

    def __init__(self, bootstrap):
        self.bootstrap = bootstrap
        self._admin = None

    def _ask(self, question):
        """question(admin)'s answer, asked again while the cluster is on its way up."""
        end = time.monotonic() + ASK_SECONDS
        while True:
            try:
                if self._admin is None:
                    self._admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
                return question(self._admin)
            except KafkaError as error:
                # A partition without leader is what a cluster has on its way up.
                passing = error.retriable or isinstance(error, UnknownBrokerIdError)
                if not passing or time.monotonic() > end:
                    raise
                self.close()
                time.sleep(0.1)

    def close(self):
        if self._admin is not None:
            self._admin.close()
            self._admin = None

    def create(self, topic, partitions=1, replicas=-1, **configs):
        """Makes a topic; configs are written with _ for the dots: max_message_bytes=1000."""
        settings = {name.replace("_", "."): str(value) for name, value in configs.items()}
        spec = {"num_partitions": partitions, "replication_factor": replicas, "configs": settings}
        try:
            self._ask(lambda admin: admin.create_topics({topic: spec}, wait_for_metadata=True))
        except TopicAlreadyExistsError:  # Asked again by the client itself, since a slow broker had not answered in time.
            until(lambda: len(self.partitions(topic)) == partitions, ASK_SECONDS, f"{topic} to have {partitions} partitions")

    def grow(self, topic, partitions):
        """Gives a topic more partitions, so many in all."""
        self._ask(lambda admin: admin.create_partitions({topic: partitions}))
        until(lambda: len(self.partitions(topic)) == partitions, ASK_SECONDS, f"{topic} to have {partitions} partitions")

    def delete_records(self, topic, before):
        """Deletes what lies before an offset, by partition."""
        places = {TopicPartition(topic, partition): offset for partition, offset in before.items()}
        self._ask(lambda admin: admin.delete_records(places))

    def delete(self, *topics):
        self._ask(lambda admin: admin.delete_topics(list(topics)))

    def groups(self):
        """The groups that have a member or an offset."""
        return [group["group_id"] for group in self._ask(lambda admin: admin.list_groups())]

    def configure(self, topic, **configs):
        settings = {name.replace("_", "."): str(value) for name, value in configs.items()}
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, configs=settings)
        self._ask(lambda admin: admin.alter_configs([resource]))

    def write(self, topic, records, compression=None):
        """Writes records and returns how many. A record is a dict: value, and perhaps key, partition, headers,
        timestamp_ms. Megabytes go better compressed: a checksum of them takes this client seconds."""
        producer = KafkaProducer(
            bootstrap_servers=self.bootstrap, acks="all", linger_ms=5, max_request_size=1 << 24, compression_type=compression
        )
        try:
            futures = [producer.send(topic, **record) for record in records]
            producer.flush(timeout=WRITE_SECONDS)
            for future in futures:
                future.get(timeout=WRITE_SECONDS)
            return len(futures)
        finally:
            producer.close()

    def promise(self, group, topic, offsets, transactional_id, seconds=60):
        """A producer whose transaction holds these offsets, by partition, and stays open: what a process leaves behind
        that is killed in mid-commit. The caller commits or aborts it, and closes it."""
        producer = KafkaProducer(
            bootstrap_servers=self.bootstrap, transactional_id=transactional_id, transaction_timeout_ms=seconds * 1000
        )
        producer.init_transactions()
        producer.begin_transaction()
        places = {TopicPartition(topic, partition): offset for partition, offset in offsets.items()}
        producer.send_offsets_to_transaction({at: OffsetAndMetadata(n, "", -1) for at, n in places.items()}, group)
        return producer

    def partitions(self, topic):
        described = self._ask(lambda admin: admin.describe_topics([topic]))[0]
        return [TopicPartition(topic, each["partition_index"]) for each in described["partitions"]]

    def leaders(self, topic):
        """The broker that leads each partition, by partition."""
        described = self._ask(lambda admin: admin.describe_topics([topic]))[0]
        return {each["partition_index"]: each["leader_id"] for each in described["partitions"]}

    def coordinator(self, name, topic="__consumer_offsets"):
        """The broker that coordinates a group, or with __transaction_state a transactional id: it leads the partition
        that the name falls on, by Java's hash of it."""
        leaders = self.leaders(topic)
        number = 0
        for character in name.encode():
            number = (31 * number + character) & 0xFFFFFFFF
        return leaders[(number & 0x7FFFFFFF) % len(leaders)]

    def ends(self, topic):
        """The next offset of each partition, of records committed or not."""
        latest = {partition: OffsetSpec.LATEST for partition in self.partitions(topic)}
        found = self._ask(lambda admin: admin.list_partition_offsets(latest))
        return {partition.partition: at.offset for partition, at in found.items()}

    def committed(self, group, topic):
        """What a group has committed of a topic, by partition; a partition without offset is left out."""
        try:
            found = self._ask(lambda admin: admin.list_group_offsets(group)).get(group, {})
        except GroupIdNotFoundError:  # Before its first commit a group does not exist.
            return {}
        return {p.partition: at.offset for p, at in found.items() if p.topic == topic and at.offset >= 0}

    def lag(self, group, topic):
        done = self.committed(group, topic)
        return sum(end - done.get(partition, 0) for partition, end in self.ends(topic).items())

    def wait_drained(self, group, topic, seconds):
        """Waits until a group has committed all that a topic, written without transactions, holds."""
        until(
            lambda: self.lag(group, topic) == 0,
            seconds,
            lambda: f"{group} to finish {topic}: {self.committed(group, topic)} of {self.ends(topic)}",
            every=0.05,
        )
