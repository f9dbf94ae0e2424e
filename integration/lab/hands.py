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

    def _described(self, topics):
        """(partition, what the brokers say of it) of each partition of the topics, or of all topics."""
        described = self._ask(lambda admin: admin.describe_topics(topics))
        return [(TopicPartition(topic["name"], each["partition_index"]), each) for topic in described
                for each in topic["partitions"]]

    def behind(self):
        """The partitions of all topics of which a replica is not in sync."""
        return [place for place, each in self._described(None) if len(each["isr_nodes"]) < len(each["replica_nodes"])]

    def leaders(self, *topics):
        return {place: each["leader_id"] for place, each in self._described(list(topics))}

    def controller(self):
        """The number of the active controller."""
        return self._ask(lambda admin: admin.describe_metadata_quorum())["topics"][0]["partitions"][0]["leader_id"]

    def assign(self, replicas):
        """Gives partitions these replicas; the first of them is who should lead."""
        refused = self._ask(lambda admin: admin.alter_partition_reassignments(replicas))
        return {place: error.__name__ for place, error in refused.items() if error is not None}

    def being_moved(self):
        """The partitions that are on their way to other brokers."""
        return list(self._ask(lambda admin: admin.list_partition_reassignments()))

    def elect(self, places):
        """Lets the first of each partition's replicas lead. Those that cannot are left as they are."""
        wanted = {}
        for place in places:
            wanted.setdefault(place.topic, []).append(place.partition)
        self._ask(lambda admin: admin.elect_leaders(0, wanted, raise_errors=False))

    def transactions(self, states):
        """The transactional ids whose transaction is in one of these states."""
        found = self._ask(lambda admin: admin.list_transactions(state_filters=states))
        return {each.transactional_id: str(each.state) for broker in found.values() for each in broker}

    def producers_at_work(self, *topics):
        """(partition, producer's id) of each transaction that is open in these topics by what their leaders know."""
        places = [place for place, _ in self._described(list(topics))]
        found = self._ask(lambda admin: admin.describe_producers(places))
        return [(place, each.producer_id) for place, state in found.items() for each in state.active_producers
                if each.current_transaction_start_offset >= 0]

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

    def coordinator(self, name, topic="__consumer_offsets"):
        """The broker that coordinates a group, or with __transaction_state a transactional id: it leads the partition
        that the name falls on, by Java's hash of it."""
        leaders = {place.partition: leader for place, leader in self.leaders(topic).items()}
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

    def commit(self, group, topic, offsets):
        """Commits offsets by partition, once the group has no members: static ones stay for a session after their end."""
        places = {TopicPartition(topic, partition): OffsetAndMetadata(at, "", -1) for partition, at in offsets.items()}

        def taken():
            answers = self._ask(lambda admin: admin.alter_group_offsets(group, places)).values()
            return all(error.errno == 0 for error in answers)

        until(taken, ASK_SECONDS, f"{group} to be without members", every=0.2)

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
