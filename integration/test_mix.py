"""What becomes of records: passed, rejected with the right code, dropped; letters byte for byte."""

import json

from lab.judge import EXPECT, AvroCoordinates, json_coordinates
from lab.logins import LOGIN, UNKNOWN, difference, expected_fields, incomplete, plain


def content(bench):
    """Compares each that passed with the model. Avro is decoded by fastavro on both sides."""
    assert len(list((bench.schemas / "user-login-value").glob("v*.avsc"))) == 1, "which version wrote an input?"
    before = AvroCoordinates(bench.schemas, "user-login-value")
    after = AvroCoordinates(bench.schemas, "processed-user-login-value")

    def compare(source, output):
        login = json.loads(source.value) if source.value.startswith(b"{") else before.fields(source.value)
        return difference(login, source, after.fields(output.value))

    return compare


def test_a_mix_of_avro_json_and_malformed(bench):
    bench.topics()
    bench.generate(count=40000, rate=0, format="mixed", malformed=0.1, missing=0.2)
    weir = bench.weir()
    bench.drained()
    assert weir.stop() == 0
    report = bench.judge(content=content(bench))
    report.assert_clean()
    assert report.inputs == 40000
    assert len(report.rejected) >= 8, f"too few kinds of malformed records were tried: {report.rejected}"
    assert report.passed > 30000


def test_keys_choose_the_partition_where_the_counts_differ(bench):
    """As Java clients place keys: the Python client that writes the probe uses the same murmur2."""
    bench.hands.create(bench.input, 3)
    bench.hands.create(bench.output, 5)
    bench.hands.create(bench.dead, 3)
    bench.hands.create(f"{bench.name}-probe", 5)
    keys = [b"user-%d" % i for i in range(200)]
    bench.hands.write(bench.input, [{"key": key, "value": plain()} for key in keys])
    bench.hands.write(f"{bench.name}-probe", [{"key": key, "value": b""} for key in keys])
    weir = bench.weir()
    bench.drained()
    assert weir.stop() == 0
    bench.judge(same_partition=False, expected=lambda record: "PASS").assert_clean()
    wanted = {record.key: record.partition for record in bench.records(f"{bench.name}-probe")}
    assert {record.key: record.partition for record in bench.records(bench.output)} == wanted


def test_the_users_message_and_each_copy_lacking_a_field_pass(bench):
    bench.topics(partitions=1)
    messages = incomplete()
    bench.hands.write(bench.input, [{"value": message} for message in messages])
    weir = bench.weir()
    bench.drained()
    assert weir.stop() == 0
    bench.judge(expected=lambda record: "PASS", content=content(bench)).assert_clean()
    outputs = bench.outputs()
    assert len(outputs) == len(messages) == len(LOGIN) + 1
    for offset, name in enumerate(LOGIN, start=1):
        if name != "timestamp":
            assert outputs[0, offset][name] == UNKNOWN


def test_the_users_message_as_json_output(bench):
    bench.topics(partitions=1)
    bench.hands.write(bench.input, [{"value": plain(), "key": b"k", "headers": [("trace", b"1")]}])
    weir = bench.weir(output={"format": "json"})
    bench.drained()
    assert weir.stop() == 0
    bench.judge(json_coordinates, expected=lambda record: "PASS").assert_clean()
    source, output = bench.records(bench.input)[0], bench.records(bench.output)[0]
    fields = json.loads(output.value)
    assert difference(LOGIN, source, fields) is None
    assert set(expected_fields(LOGIN, source)) <= set(fields)


def test_a_filter_drops(bench):
    bench.topics()
    locales = ["RU", "US", "DE", "RU", "FR"] * 200
    bench.hands.write(bench.input, [{"value": plain(locale=each), "partition": i % 4} for i, each in enumerate(locales)])
    weir = bench.weir(drop_when=[{"field": "locale", "in": ["RU"]}])
    bench.drained()
    assert weir.stop() == 0

    def expected(record):
        return "DROP" if json.loads(record.value)["locale"] == "RU" else "PASS"

    report = bench.judge(expected=expected)
    report.assert_clean()
    assert (report.passed, report.dropped) == (600, 400)


def test_null_values_follow_the_configuration(bench_on, cluster):
    expected = {"reject": "REJECT empty_value", "drop": "DROP", "pass": "PASS"}
    for choice, verdict in expected.items():
        bench = bench_on(cluster).topics(partitions=1)
        bench.hands.write(bench.input, [{"key": b"%d" % i, "value": None} for i in range(10)])
        weir = bench.weir(instance=choice, input={"tombstone": choice})
        bench.drained()
        assert weir.stop() == 0
        # A null value has no fields to tell where it came from: here its key does.
        report = bench.judge(lambda record: (0, int(record.key)), expected=lambda record: verdict)
        report.assert_clean()
        assert report.inputs == 10
        assert all(record.value is None for record in bench.records(bench.output))


def test_an_output_too_large_for_its_topic_is_rejected(bench):
    bench.hands.create(bench.input, 1)
    bench.hands.create(bench.output, 1, max_message_bytes=4000)
    bench.hands.create(bench.dead, 1)
    large = {"value": plain(device_id="x" * 10000), "headers": [(EXPECT, b"REJECT too_large")]}
    small = {"value": plain(), "headers": [(EXPECT, b"PASS")]}
    bench.hands.write(bench.input, [small, large, small, large, small])
    weir = bench.weir()
    bench.drained()
    assert weir.stop() == 0
    report = bench.judge()
    report.assert_clean()
    assert report.rejected == {"too_large": 2}


def test_the_first_record_of_a_pipeline_is_not_the_newest(bench):
    """start: earliest is the default where no offset is committed."""
    bench.topics()
    bench.generate(count=100, rate=0, format="json")
    weir = bench.weir()
    bench.drained()
    assert weir.stop() == 0
    assert bench.judge().inputs == 100
