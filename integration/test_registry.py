"""Schemas from a registry: a real one that stops and starts, one that answers badly, one behind credentials and TLS.
A registry that does not answer costs time only: nothing is dead-lettered, and what is known goes on."""

import io
import json
import subprocess
import time

import fastavro
import pytest

from lab.judge import EXPECT
from lab.logins import LOGIN, plain
from lab.processes import cpu_seconds
from lab.registry import Certificates, Moody, basic
from lab.weir import ROOT, binary

QUIET_SECONDS = 3  # Long enough for several tries.
SUBJECTS = ("user-login-value", "processed-user-login-value")
TEXTS = {subject: (ROOT / "schemas" / subject / "v1.avsc").read_text() for subject in SUBJECTS}


@pytest.fixture
def registry(registry):
    """The real registry with the shipped schemas."""
    registry.ids = registry.register_folder(ROOT / "schemas")
    return registry


@pytest.fixture
def moody():
    """Makes registries that answer as they are told: moody(credentials=...)."""
    made = []

    def make(**options):
        made.append(Moody(TEXTS, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


def avro(number, schema, fields):
    """A value in the wire format, under the id of its schema."""
    body = io.BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(schema), fields)
    return b"\0" + number.to_bytes(4, "big") + body.getvalue()


def writer(name="extra", default="x"):
    """A login as another application writes it: with a field that the reader does not know."""
    schema = json.loads(TEXTS["user-login-value"])
    schema["fields"].append({"name": name, "type": "string", "default": default})
    return schema


def logins(number, schema, count, partition=None, **more):
    fields = {**LOGIN, **more}
    value = avro(number, schema, fields)
    where = {} if partition is None else {"partition": partition}
    return [{"value": value, "headers": [(EXPECT, b"PASS")], **where} for _ in range(count)]


def on(url, **more):
    return {"dir": None, "url": url, **more}


def output_ids(bench):
    return {int.from_bytes(record.value[1:5], "big") for record in bench.records(bench.output)}


def test_a_pipeline_on_a_registry_that_goes_and_comes(bench, registry):
    ids, reader = registry.ids, json.loads(TEXTS["user-login-value"])
    extra, later = (registry.register("other-value", writer(name)) for name in ("extra", "later"))
    bench.topics()
    bench.hands.write(bench.input, logins(ids["user-login-value"], reader, 500))
    bench.hands.write(bench.input, logins(extra, writer(), 500, extra="y"))
    bench.hands.write(bench.input, [{"value": plain(), "headers": [(EXPECT, b"PASS")]}] * 100)
    cut = {"value": avro(ids["user-login-value"], "null", None) + b"\xff", "headers": [(EXPECT, b"REJECT truncated")]}
    bench.hands.write(bench.input, [cut] * 10)
    weir = bench.weir(registry=on(registry.url))
    bench.drained()

    registry.kill()
    bench.hands.write(bench.input, logins(later, writer("later"), 1, partition=0, later="z"))
    bench.hands.write(bench.input, logins(extra, writer(), 300, partition=1, extra="y"))
    weir.wait_for_log(r"level=warn event=registry_down", 30)
    time.sleep(QUIET_SECONDS)
    assert len(weir.lines(r"event=registry_down")) == 1, weir.tail()
    assert bench.hands.lag(bench.name, bench.input) == 1, "what is known goes on"
    assert len(bench.records(bench.dead)) == 10, "nothing is rejected for want of its schema"

    registry.start()
    bench.drained()
    assert weir.alive
    assert weir.stop() == 0
    report = bench.judge()
    report.assert_clean()
    assert output_ids(bench) == {ids["processed-user-login-value"]}
    assert report.inputs == 1411 and sum(report.rejected.values()) == 10


def test_a_registry_that_is_down_at_the_start_is_waited_for(bench, registry):
    registry.kill()
    bench.topics()
    bench.generate(count=1000, rate=0, format="json", malformed=0.05)
    weir = bench.weir(registry=on(registry.url))
    stopped = bench.weir(instance="stopped", registry=on(registry.url))
    weir.wait_for_log(r"level=warn event=registry_down", 20)
    stopped.wait_for_log(r"level=warn event=registry_down", 20)
    assert stopped.stop() == 0
    time.sleep(QUIET_SECONDS)
    assert len(weir.lines(r"level=(warn|error)")) == 1, weir.tail()
    registry.start()
    bench.drained()
    assert len(weir.lines(r"event=recovered")) == 1, weir.tail()
    assert weir.stop() == 0
    bench.judge().assert_clean()


def test_an_unknown_id_waits_and_is_rejected_only_after_its_deadline(bench, registry):
    unknown, never = registry.register("scratch-value", '"string"') + 1, 4242
    bench.topics()
    bench.hands.write(bench.input, logins(unknown, writer("newest"), 5, partition=0, newest="y"))
    reader = json.loads(TEXTS["user-login-value"])
    bench.hands.write(bench.input, logins(registry.ids["user-login-value"], reader, 5, partition=1))
    weir = bench.weir(registry=on(registry.url, unknown_id_deadline="60s"))
    weir.wait_for_log(rf"schema_pending.*{unknown}", 20)
    time.sleep(QUIET_SECONDS)
    assert bench.hands.committed(bench.name, bench.input) == {1: 5}
    assert registry.register("newest-value", writer("newest")) == unknown
    bench.drained(20)

    # Of an hour ago, it has had its time.
    old = int(time.time() * 1000) - 3600 * 1000
    record = {"value": avro(never, writer(), {**LOGIN, "extra": "y"}), "headers": [(EXPECT, b"REJECT unknown_schema")]}
    bench.hands.write(bench.input, [{**record, "timestamp_ms": old, "partition": 2}])
    bench.drained(20)
    assert weir.stop() == 0
    bench.judge().assert_clean()


def test_ids_that_are_answered_badly_keep_only_their_partition(bench, moody):
    registry = moody()
    moods = [401, 404, 500, "garbage", "never"]
    for partition, mood in enumerate(moods):
        registry.schemas[10 + partition] = json.dumps(writer())
        registry.moods[10 + partition] = mood
    bench.topics(partitions=len(moods) + 1)
    for partition in range(len(moods)):
        # Old enough to be rejected, were the registry believed.
        records = logins(10 + partition, writer(), 3, partition=partition, extra="y")
        bench.hands.write(bench.input, [{**record, "timestamp_ms": 1700000000000} for record in records])
    weir = bench.weir(registry=on(registry.url, timeout="1s"))
    good = logins(1, json.loads(TEXTS["user-login-value"]), 50, partition=len(moods))
    bench.hands.write(bench.input, good)
    weir.wait_for_log(r"level=warn event=registry_down", 30)
    busy = cpu_seconds(weir.process.pid)
    time.sleep(QUIET_SECONDS)
    assert cpu_seconds(weir.process.pid) - busy < QUIET_SECONDS / 4, "it spins"
    assert bench.hands.committed(bench.name, bench.input) == {len(moods): 50}
    assert bench.records(bench.dead) == []
    registry.moods = {}
    registry.closing.set()  # What never came comes now.
    bench.drained()
    assert weir.stop() == 0
    bench.judge().assert_clean()


def test_an_id_that_stands_for_another_schema_ends_the_pipeline(bench, moody):
    registry = moody()
    bench.topics()
    bench.hands.write(bench.input, logins(1, json.loads(TEXTS["user-login-value"]), 10))
    weir = bench.weir(registry=on(registry.url, poll="1s"))
    bench.drained()
    registry.schemas[1] = json.dumps(writer())
    assert weir.wait(30) == 65
    assert len(weir.lines(r"level=error event=schema_changed.*schema id 1 ")) == 1, weir.tail()
    bench.judge().assert_clean()


def checked(bench, **registry):
    """What `weir config check` says of a registry: its exit status and its text."""
    path = bench.folder / "checked.yaml"
    path.write_text(json.dumps(bench.config(registry=registry)))
    argv = [binary(), "config", "check", "-c", path]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def test_credentials_and_certificates(bench, moody, tmp_path):
    certificates = Certificates(tmp_path / "certificates")
    wants_user = moody(credentials=basic("weir", "s:cret"))
    assert checked(bench, **on(wants_user.url, username="weir", password="s:cret"))[0] == 0
    status, text = checked(bench, **on(wants_user.url, username="weir", password="hunter2"))
    assert status == 75 and "401" in text and "hunter2" not in text
    wants_token = moody(credentials="Bearer t0ken")
    assert checked(bench, **on(wants_token.url, token="t0ken"))[0] == 0

    secure = moody(tls=(certificates.server_chain,))
    assert checked(bench, **on(secure.url, ca=str(certificates.ca)))[0] == 0
    status, text = checked(bench, **on(secure.url))
    assert status == 75 and "certificate" in text
    # The second server of a list is asked when the first cannot be trusted.
    assert checked(bench, **on([secure.url, wants_token.url], token="t0ken"))[0] == 0

    mutual = moody(tls=(certificates.server_chain, certificates.ca))
    own = {"certificate": str(certificates.client), "key": str(certificates.client_key)}
    assert checked(bench, **on(mutual.url, ca=str(certificates.ca), **own))[0] == 0
    assert checked(bench, **on(mutual.url, ca=str(certificates.ca)))[0] == 75
