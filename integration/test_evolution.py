"""Schemas that change while the pipeline runs under load: exactly once throughout, and the right fields in every record."""

import io
import json
import os
import random
import shutil
import signal
import threading
import time

import fastavro
from kafka import KafkaProducer

from lab.judge import EXPECT, WIRE_HEADER, WireCoordinates
from lab.logins import LOGIN
from lab.registry import Moody
from lab.weir import ROOT

SEEN_SECONDS = 30  # It takes one to two; the rest is for busy cores.
LEAST = "least"  # The header that names the oldest version that a record may be read with.
SUBJECTS = ("user-login-value", "processed-user-login-value")
TEXTS = {subject: (ROOT / "schemas" / subject / "v1.avsc").read_text() for subject in SUBJECTS}
SOURCE = {"source_partition": {"source": "partition"}, "source_offset": {"source": "offset"}}


def record(*fields, name="login"):
    return {"type": "record", "name": name, "fields": [dict(field) for field in fields]}


def field(name, kind, **more):
    return {"name": name, "type": kind, **more}


def device(*symbols):
    return field("device", {"type": "enum", "name": "device", "symbols": list(symbols)})


USER = field("user_id", "string")
LOGIN_ID = field("login_id", "string", aliases=["user_id"])
COUNTRY = field("country", "string", default="unknown")
PHONES, WATCHES = device("ANDROID", "IOS"), device("ANDROID", "IOS", "WATCH")
# What producers write and weir reads, version by version: a field appears, one goes, one is renamed, an int becomes a long,
# an enum grows.
READ = [
    record(USER, field("age", "int"), field("locale", "string", default="x"), PHONES),
    record(USER, field("age", "int"), field("locale", "string", default="x"), PHONES, COUNTRY),
    record(USER, field("age", "int"), PHONES, COUNTRY),
    record(LOGIN_ID, field("age", "int"), PHONES, COUNTRY),
    record(LOGIN_ID, field("age", "long"), PHONES, COUNTRY),
    record(LOGIN_ID, field("age", "long"), WATCHES, COUNTRY),
]
REST = (field("age", "long"), field("locale", "string", default="gone"), WATCHES)
AT = (field("source_partition", "int"), field("source_offset", "long"))
AGAIN = (field("source_partition", "int", default=-1), AT[1])
# What weir writes: a field appears; one goes that the configuration sets, so that version cannot be used; one is renamed.
WRITTEN = [
    record(USER, *REST, *AT, name="out"),
    record(USER, *REST, *AT, field("country", "string", default="none"), name="out"),
    record(USER, *REST, AT[1], field("country", "string", default="none"), name="out"),
    record(LOGIN_ID, *REST, *AGAIN, field("country", "string", default="none"), name="out"),
]


def encode(number, schema, fields):
    body = io.BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(schema), fields)
    return b"\0" + number.to_bytes(4, "big") + body.getvalue()


def login(version, chance):
    """A login as a producer on that version writes it."""
    fields = {
        "user_id": f"user-{chance.randrange(1000)}",
        "login_id": f"user-{chance.randrange(1000)}",
        "age": chance.randrange(1 << 40) if version >= 5 else chance.randrange(100),
        "locale": chance.choice(["DE", "FR"]),
        "device": chance.choice(["ANDROID", "IOS", "WATCH"] if version >= 6 else ["ANDROID", "IOS"]),
        "country": chance.choice(["Chile", "Peru"]),
    }
    names = {each["name"] for each in READ[version - 1]["fields"]}
    return {name: value for name, value in fields.items() if name in names}


class Producers(threading.Thread):
    """Producers on several versions at once, until told to stop. Each record says the oldest version to read it with."""

    def __init__(self, bootstrap, topic):
        super().__init__(daemon=True)
        self._producer = KafkaProducer(bootstrap_servers=bootstrap, linger_ms=5)
        self.topic, self.ids, self.least = topic, {}, 1
        self._stopping = threading.Event()
        self._chance = random.Random(1)
        self.count = 0

    def run(self):
        while not self._stopping.wait(0.01):
            for version, number in list(self.ids.items()):
                value = encode(number, READ[version - 1], login(version, self._chance))
                headers = [(EXPECT, b"PASS"), (LEAST, str(max(version, self.least)).encode())]
                self._producer.send(self.topic, value=value, headers=headers)
                self.count += 1

    def stop(self):
        self._stopping.set()
        self.join()
        self._producer.flush(timeout=30)
        self._producer.close()


class Evolution:
    """What an output must hold, by fastavro's resolution of the source's bytes with the versions that may have been used."""

    def __init__(self, registry, ids):
        self._versions = {number: version for version, number in ids.items()}
        self._out = WireCoordinates(lambda number: registry.ask(f"/schemas/ids/{number}")["schema"])

    def __call__(self, output):
        return self._out(output)

    def difference(self, source, output):
        version = self._versions[int.from_bytes(source.value[1:5], "big")]
        got = {k: v for k, v in self._out.fields(output.value).items() if not k.startswith("source_")}
        wanted = []
        for used in range(int(source.header(LEAST)), len(READ) + 1):
            read = fastavro.schemaless_reader(
                io.BytesIO(source.value[5:]),
                fastavro.parse_schema(READ[version - 1]),
                fastavro.parse_schema(READ[used - 1]),
            )
            wanted.append(self._written(read, self._out.schema(output.value)))
            if wanted[-1] == got:
                return None
        return f"{got} of version {version}, should be one of {wanted}"

    @staticmethod
    def _written(read, schema):
        fields = {}
        for each in schema["fields"]:
            names = [name for name in [each["name"], *each.get("aliases", [])] if name in read]
            if not each["name"].startswith("source_"):
                fields[each["name"]] = read[names[0]] if names else each.get("default")
        return fields


def following(bench, registry, **more):
    subjects = {"input": {"schema": {"subject": f"{bench.input}-value"}}, "output": {"schema": {"subject": f"{bench.output}-value"}}}
    return {"registry": {"dir": None, "url": registry.url, "poll": "1s"}, **subjects, "check": None, "set": None, **more}


def test_schemas_that_change_under_load(bench, registry):
    read, written = f"{bench.input}-value", f"{bench.output}-value"
    ids = {1: registry.register(read, READ[0])}
    registry.register(written, WRITTEN[0])
    bench.topics()
    config = following(bench, registry, workers=2)
    weir = bench.weir(start=False, **config)
    weir.configure({**weir.config, "set": SOURCE})
    weir.start()
    weir.wait_for_log("event=started", SEEN_SECONDS)  # A version registered before that would be no change.
    producers = Producers(bench.cluster.bootstrap, bench.input)
    producers.ids = dict(ids)
    producers.start()

    def in_use(what, subject, version):
        weir.wait_for_log(rf"event=schema .*{what} as {subject} version {version},", SEEN_SECONDS)

    def pass_by():
        """Batches that were begun before now may still take in what comes until they are committed."""
        for _ in range(2):
            bench.passed(bench.hands.ends(bench.input), SEEN_SECONDS)

    def read_next(version, use=True):
        """The next version is registered, and a producer uses it at once."""
        ids[version] = registry.register(read, READ[version - 1])
        if use:
            producers.ids = dict(ids)
            in_use("reading", read, version)
            pass_by()
            producers.least = version

    registry.register(written, WRITTEN[1])
    in_use("writing", written, 2)
    read_next(2)
    read_next(3)
    registry.register(written, WRITTEN[2])
    refused = weir.wait_for_log(rf"event=schema_refused .*{written} version 3 is refused", SEEN_SECONDS)
    assert "source_partition" in refused[0]
    # The output's version does not fit this one, so it has to wait for the next of those.
    read_next(4, use=False)
    weir.wait_for_log(rf"event=schema_refused .*{read} version 4 is refused", SEEN_SECONDS)
    registry.register(written, WRITTEN[3])
    in_use("reading", read, 4)
    in_use("writing", written, 4)
    pass_by()
    producers.ids, producers.least = dict(ids), 4
    read_next(5)
    read_next(6)
    time.sleep(1)
    producers.stop()
    bench.drained()
    assert weir.stop() == 0
    assert len(weir.lines("event=schema_refused")) == 2, weir.tail()
    evolution = Evolution(registry, ids)
    report = bench.judge(evolution, content=evolution.difference)
    report.assert_clean()
    assert report.inputs == producers.count and not report.rejected


def test_a_change_while_the_registry_is_away(bench, registry):
    read, written = f"{bench.input}-value", f"{bench.output}-value"
    ids = {1: registry.register(read, READ[0])}
    registry.register(written, WRITTEN[1])
    bench.topics()
    weir = bench.weir(start=False, **following(bench, registry))
    weir.configure({**weir.config, "set": SOURCE})
    weir.start()
    weir.wait_for_log("event=started", SEEN_SECONDS)
    producers = Producers(bench.cluster.bootstrap, bench.input)
    producers.ids = dict(ids)
    producers.start()
    time.sleep(1)
    ids[2] = registry.register(read, READ[1])
    registry.kill()
    producers.ids = dict(ids)
    producers.least = 1
    weir.wait_for_log("level=warn event=registry_down", SEEN_SECONDS)
    time.sleep(2)
    registry.start()
    weir.wait_for_log(rf"event=schema .*reading as {read} version 2,", SEEN_SECONDS)
    time.sleep(1)
    producers.stop()
    bench.drained()
    assert weir.stop() == 0
    evolution = Evolution(registry, ids)
    report = bench.judge(evolution, content=evolution.difference)
    report.assert_clean()
    assert report.inputs == producers.count and not report.rejected


def test_a_folder_is_followed_at_once_on_sighup(bench):
    folder = bench.folder / "schemas"
    shutil.copytree(ROOT / "schemas", folder)
    bench.topics()
    weir = bench.weir(registry={"dir": str(folder), "poll": "1h"})
    weir.wait_for_log("event=started", SEEN_SECONDS)
    schema = json.loads(TEXTS["processed-user-login-value"])
    schema["fields"].append({"name": "region", "type": "string", "default": "EU"})
    (folder / "processed-user-login-value" / "v2.avsc").write_text(json.dumps(schema))
    os.kill(weir.process.pid, signal.SIGHUP)
    weir.wait_for_log(r"event=schema .*version 2, was 1: \+ region \(string\)", SEEN_SECONDS)
    time.sleep(1)  # What comes while a batch is open may still be written as before.
    bench.generate(count=500, rate=0, format="mixed", malformed=0.1)
    bench.drained()
    assert weir.stop() == 0
    bench.schemas = folder
    bench.judge().assert_clean()
    assert {fields["region"] for fields in bench.outputs().values()} == {"EU"}


def body_of(schema, fields):
    return encode(0, schema, fields)[5:]


def test_schemas_named_by_guids_and_in_headers(bench):
    moody = Moody(TEXTS)
    try:
        schema = json.loads(TEXTS["user-login-value"])
        body, prefix = body_of(schema, LOGIN), b"\0" + (1).to_bytes(4, "big")
        guid = bytes(range(16))
        moody.guids[guid.hex()] = 1
        named = b"\1" + guid
        bench.topics()
        bench.hands.write(
            bench.input,
            [
                {"value": value, "headers": [(EXPECT, expected.encode()), *headers]}
                for expected, value, *headers in [
                    ("PASS", prefix + body),
                    ("PASS", named + body),
                    ("PASS", body, (WIRE_HEADER, prefix)),
                    ("PASS", body, (WIRE_HEADER, b"nonsense"), ("__key_schema_id", prefix), (WIRE_HEADER, named)),
                    ("REJECT bad_magic", prefix + body, (WIRE_HEADER, b"nonsense")),
                    ("REJECT truncated", body[:-1], (WIRE_HEADER, named)),
                ]
                for _ in range(20)
            ],
        )
        weir = bench.weir(registry={"dir": None, "url": moody.url})
        bench.drained()
        assert weir.stop() == 0
        report = bench.judge()
        report.assert_clean()
        assert report.passed == 80
        ids = {letter.header("__weir.errors.schema.id") for letter in bench.records(bench.dead)}
        assert ids == {None, b"00010203-0405-0607-0809-0a0b0c0d0e0f"}
    finally:
        moody.close()


def test_subjects_that_are_answered_badly_change_nothing(bench):
    moody = Moody(TEXTS)
    try:
        schema = json.loads(TEXTS["user-login-value"])
        records = [{"value": encode(1, schema, LOGIN), "headers": [(EXPECT, b"PASS")]}] * 50
        bench.topics()
        bench.hands.write(bench.input, records)
        weir = bench.weir(registry={"dir": None, "url": moody.url, "poll": "1s", "timeout": "1s"})
        bench.drained()
        for mood in (401, 404, 500, "garbage", "never"):
            moody.moods["user-login-value"] = mood
            time.sleep(1.5)
            bench.hands.write(bench.input, records)
            bench.drained()
        assert len(weir.lines("level=warn event=registry_down")) == 1, weir.tail()
        moody.moods = {}
        moody.closing.set()
        weir.wait_for_log("event=recovered", SEEN_SECONDS)
        assert weir.stop() == 0
        bench.judge().assert_clean()
        assert bench.records(bench.dead) == []
    finally:
        moody.close()
