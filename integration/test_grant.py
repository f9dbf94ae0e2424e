"""What config/containers/topics/grant gives a Kafka user is enough for `weir run`, and without it nothing goes."""

import os
import subprocess

from lab.cluster import free_ports, java
from lab.weir import ROOT

DENIED = 77
PASSWORD = "flows-downhill"


def guarded(own_cluster):
    """A broker that asks who may do what. Weir comes in by a door of its own, as the user weir; the others are trusted."""
    port = free_ports(1)[0]
    module = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    cluster = own_cluster(
        listeners=[f"SASL://127.0.0.1:{port}"],
        properties={
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT",
            "listener.name.sasl.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.sasl.plain.sasl.jaas.config": f'{module} user_weir="{PASSWORD}";',
        },
    )
    client = {
        "bootstrap.servers": f"127.0.0.1:{port}",
        "security.protocol": "sasl_plaintext",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "weir",
        "sasl.password": PASSWORD,
    }
    return cluster, client


def grant(cluster):
    call = " ".join(map(str, java(cluster.home, cluster.folder, "org.apache.kafka.tools.AclCommand")))
    environment = {**os.environ, "BOOTSTRAP_SERVERS": cluster.bootstrap, "KAFKA_ACLS": call}
    script = ROOT / "config/containers/topics/grant"
    run = subprocess.run([script], env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_what_is_granted_is_enough(own_cluster, bench_on):
    cluster, client = guarded(own_cluster)
    bench = bench_on(cluster)
    bench.name = bench.input = "user-login"
    bench.output, bench.dead = "processed-user-login", "user-login-dlq"
    bench.topics(dead=False)
    bench.hands.create(bench.dead, 4, max_message_bytes=2097152)
    bench.generate(count=2000, rate=0, format="mixed", malformed=0.1)

    weir = bench.weir(kafka=client)
    assert weir.wait(60) == DENIED, weir.tail()

    grant(cluster)
    weir.start()
    bench.drained()
    # The limit of the dead-letter topic could be read: else there would be a word about it.
    assert not weir.lines("event=dead_letter_limit"), weir.tail()
    assert weir.stop() == 0
    report = bench.judge()
    report.assert_clean()
    assert report.inputs == 2000 and sum(report.rejected.values()) > 0
