"""The lab itself on real Kafka: brokers come, die and come back; the reader sees what is committed and nothing else."""

import os
import subprocess
import sys
import time

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from lab.cluster import Cluster, free_ports
from lab.hands import Hands
from lab.processes import started_at, until
from lab.reader import ReaderError


def transactions(bootstrap, topic, plan):
    """Writes 3 records a word of the plan, by Kafka's pure-Python client, and ends each transaction as the word says."""
    producer = KafkaProducer(bootstrap_servers=bootstrap, transactional_id=f"{topic}-writer")
    producer.init_transactions()
    for number, end in enumerate(plan):
        producer.begin_transaction()
        for partition in range(3):
            producer.send(topic, value=f"{end}-{number}".encode(), partition=partition)
        producer.flush()
        if end == "commit":
            producer.commit_transaction()
        elif end == "abort":
            producer.abort_transaction()
    return producer


def by_python(bootstrap, topic, partitions):
    """What another read_committed client, not Java's, sees."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed", auto_offset_reset="earliest")
    mine = [TopicPartition(topic, p) for p in range(partitions)]
    consumer.assign(mine)
    ends = consumer.end_offsets(mine)
    seen = []
    while any(consumer.position(p) < ends[p] for p in mine):
        for records in consumer.poll(timeout_ms=200).values():
            seen += [(r.partition, r.offset, r.value) for r in records]
    consumer.close()
    return sorted(seen)


def test_reader_sees_committed_records_only(bench):
    bench.hands.create(bench.input, 3)
    plan = ["commit", "abort", "commit", "abort", "abort", "commit"]
    transactions(bench.cluster.bootstrap, bench.input, plan).close()
    seen = sorted((r.partition, r.offset, r.value) for r in bench.records(bench.input))
    wanted = [(p, f"commit-{n}".encode()) for p in range(3) for n, end in enumerate(plan) if end == "commit"]
    assert [(p, value) for p, _, value in seen] == wanted
    assert seen == by_python(bench.cluster.bootstrap, bench.input, 3)


def test_reader_names_an_open_transaction(bench):
    bench.hands.create(bench.input, 3)
    producer = transactions(bench.cluster.bootstrap, bench.input, ["commit", "open"])
    records, still_open = bench.reader.read(bench.cluster.bootstrap, bench.input, wait=0.2)
    assert still_open == {0, 1, 2}
    assert {r.value for r in records} == {b"commit-0"}
    producer.abort_transaction()
    producer.close()
    assert {r.value for r in bench.records(bench.input)} == {b"commit-0"}


def test_reader_keeps_every_byte(bench):
    bench.hands.create(bench.input, 1)
    every = bytes(range(256))
    headers = [("a", b""), ("a", every), ("ü", b"x")]
    wanted = [
        {"key": None, "value": every, "timestamp_ms": 1},
        {"key": b"", "value": b"", "timestamp_ms": 2, "headers": headers},
        {"key": every, "value": None, "timestamp_ms": 3},
    ]
    bench.hands.write(bench.input, wanted)
    got = bench.records(bench.input)
    assert [(r.key, r.value, r.timestamp) for r in got] == [(w["key"], w["value"], w["timestamp_ms"]) for w in wanted]
    assert got[1].headers == tuple(headers)
    assert got[1].header("a") == every


def test_reader_says_that_a_topic_is_missing(bench):
    with pytest.raises(ReaderError, match="no such topic"):
        bench.records("nowhere")


def test_broker_restarts_after_sigkill_with_its_data(own_cluster):
    cluster = own_cluster()
    hands = Hands(cluster.bootstrap)
    hands.create("kept")
    hands.write("kept", [{"value": b"1"}])
    cluster.kill()
    assert not cluster.running()
    cluster.start()
    until(lambda: hands.ends("kept") == {0: 1}, 20, "the record to be there again")
    hands.close()


def test_ports_are_free_distinct_and_below_the_outgoing_range():
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as limits:
        lowest_outgoing = int(limits.read().split()[0])
    ports = free_ports(50)
    assert len(set(ports)) == 50
    assert max(ports) < lowest_outgoing


def test_brokers_die_with_a_killed_test_runner(tmp_path):
    code = (
        "import sys, time; from lab.cluster import Cluster; c = Cluster(sys.argv[1]).start();"
        "print(c.nodes[0].pid, flush=True); time.sleep(60)"
    )
    here = os.path.dirname(__file__)
    runner = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path / "k"], stdout=subprocess.PIPE, text=True, cwd=here, start_new_session=True
    )
    broker = int(runner.stdout.readline())
    assert started_at(broker)
    runner.kill()
    runner.wait()
    runner.stdout.close()
    until(lambda: started_at(broker) is None, 5, "the broker to be gone")


def test_a_cluster_in_a_folder_is_found_again(tmp_path):
    first = Cluster(tmp_path / "k", tied=False).start()
    again = Cluster(tmp_path / "k", tied=False)
    assert again.bootstrap == first.bootstrap
    assert [node.pid for node in again.running()] == [node.pid for node in first.running()]
    before = time.monotonic()
    again.stop()
    assert time.monotonic() - before < 5
    assert not first.running()
