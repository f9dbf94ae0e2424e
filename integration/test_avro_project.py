"""The Avro project's own cases, as data: what the tests of its Python library say of schemas, values and pairs of schemas.

They come with the package `avro` itself (`avro.test`), so they are of the version that script/requirements.in names.
"""

import io
import itertools
import json
import random
import subprocess
import unittest
from importlib import resources
from unittest import mock

import avro.compatibility
import avro.io
import avro.schema
import pytest
from avro.test import gen_interop_data, test_compatibility, test_io, test_schema

from lab.evolution import Values
from lab.weir import binary

pytestmark = pytest.mark.filterwarnings("ignore::avro.errors.IgnoredLogicalType")

BAD_DATA = 65
VALUES_OF_A_PAIR = 40
NUMBERS = ("int", "long", "float", "double")
# What the library takes and weir refuses, and where the specification says so.
REFUSED = {
    '"ns.int"': "primitive type names may not be defined in any namespace (Names)",
    '"ns.long"': "likewise",
    '"namespace": "ns", "name": "int"': "likewise",
    '"type": "error"': "an error is part of a protocol's messages, not of a schema (Protocol Declaration)",
}


class Weir:
    """`weir try` on schemas of a test, in files of its folder."""

    def __init__(self, folder):
        self.folder = folder

    def read(self, lines=(), **schemas):
        """What becomes of values in hexadecimal digits; None when the schemas are refused."""
        words = []
        for name, schema in schemas.items():
            path = self.folder / f"{name}.avsc"
            path.write_text(schema, encoding="utf-8")
            words += [f"--{name}", path]
        given = "".join(f"{line}\n" for line in lines)
        done = subprocess.run([binary(), "try", "--hex", *words], input=given, capture_output=True, text=True, check=False)
        if done.returncode == BAD_DATA:
            assert done.stderr.startswith("weir try: "), done.stderr
            return None
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.split("\n")[:-1]]


@pytest.fixture
def weir(tmp_path):
    return Weir(tmp_path)


def encoded(schema, datum):
    out = io.BytesIO()
    avro.io.DatumWriter(avro.schema.parse(schema)).write(datum, avro.io.BinaryEncoder(out))
    return out.getvalue().hex()


def outputs(outcomes):
    assert outcomes is not None, "the schemas are refused"
    assert all(outcome["verdict"] == "PASS" for outcome in outcomes), outcomes
    return [outcome["output_hex"] for outcome in outcomes]


def is_refused(schema):
    return any(part in schema for part in REFUSED)


def test_schemas_good_and_bad(weir):
    good = [case.data for case in test_schema.VALID_EXAMPLES]
    bad = [case.data for case in test_schema.INVALID_EXAMPLES]
    assert len(good) > 70 and len(bad) > 20
    assert [schema for schema in good if weir.read(reader=schema) is None] == [schema for schema in good if is_refused(schema)]
    assert [schema for schema in bad if weir.read(reader=schema) is not None] == []


def test_values_of_each_type(weir):
    cases = [*test_io.SCHEMAS_TO_VALIDATE, (resources.read_text("avro", "interop.avsc"), gen_interop_data.DATUM)]
    cases = [(schema, datum) for schema, datum in cases if not is_refused(schema)]
    assert len(cases) > 35
    for schema, datum in cases:
        value = encoded(schema, datum)
        assert outputs(weir.read([value], reader=schema)) == [value], schema


def test_numbers_as_bytes(weir):
    assert len(test_io.BINARY_ENCODINGS) > 8
    for number, digits in test_io.BINARY_ENCODINGS:
        for kind in ("int", "long"):
            (outcome,) = weir.read([digits.decode().replace(" ", "")], reader=f'"{kind}"')
            assert (outcome["verdict"], outcome["output"]) == ("PASS", number)


def test_defaults(weir):
    writer = json.dumps({"type": "record", "name": "Test", "fields": []})
    assert len(test_io.DEFAULT_VALUE_EXAMPLES) > 12
    for kind, default in test_io.DEFAULT_VALUE_EXAMPLES:
        reader = json.dumps({"type": "record", "name": "Test", "fields": [{"name": "H", "type": kind, "default": default}]})
        (outcome,) = weir.read([""], reader=reader, writer=writer)
        assert outcome["verdict"] == "PASS", outcome
        # In JSON a float is as long as it needs to be.
        assert outcome["output"] == {"H": pytest.approx(default) if isinstance(default, float) else default}


def test_promotions(weir):
    for wrote, reads in itertools.combinations(NUMBERS, 2):
        value = encoded(f'"{wrote}"', 219)
        assert outputs(weir.read([value], writer=f'"{wrote}"', reader=f'"{reads}"')) == [encoded(f'"{reads}"', 219)]
        if (reads, wrote) != ("double", "float"):
            assert weir.read(writer=f'"{reads}"', reader=f'"{wrote}"') is None


def judged_pairs():
    """(reader, writer, whether they fit) of all pairs that the project's tests of compatibility judge."""
    found = []
    judge = avro.compatibility.ReaderWriterCompatibilityChecker.get_compatibility

    def noted(self, reader, writer, *within):
        result = judge(self, reader, writer, *within)
        if not within:
            fits = result.compatibility is avro.compatibility.SchemaCompatibilityType.compatible
            found.append((str(reader), str(writer), fits))
        return result

    with mock.patch.object(avro.compatibility.ReaderWriterCompatibilityChecker, "get_compatibility", noted):
        outcome = unittest.TestResult()
        unittest.defaultTestLoader.loadTestsFromTestCase(test_compatibility.TestCompatibility).run(outcome)
    assert outcome.wasSuccessful(), outcome.failures + outcome.errors
    return sorted(set(found))


def test_pairs_of_schemas(weir):
    """What does not fit in all cases is refused, or the values are that it does not fit."""
    pairs = judged_pairs()
    assert len(pairs) > 100 and 40 < sum(fits for *_, fits in pairs) < len(pairs) - 40
    for reader, writer, fits in pairs:
        values = Values(random.Random(1), json.loads(writer))
        lines = sorted({values.encoded().hex() for _ in range(VALUES_OF_A_PAIR)}) if json.loads(writer) else []
        outcomes = weir.read(lines, reader=reader, writer=writer)
        # Bytes that are read as a string must be UTF-8.
        taken = outcomes is not None and all(each["code"] in (None, "bad_utf8") for each in outcomes)
        assert taken == fits, (reader, writer, outcomes)
