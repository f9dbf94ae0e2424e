"""Logins as an application writes them whose schema is newer than the load's."""

import io

import fastavro

from lab.judge import EXPECT
from lab.logins import LOGIN


def logins(schema, number, count):
    fields = {field["name"]: field.get("default", "") for field in schema["fields"]}
    parsed = fastavro.parse_schema(schema)
    made = []
    for i in range(count):
        body = io.BytesIO()
        fastavro.schemaless_writer(body, parsed, {**fields, **LOGIN, "user_id": f"new-{number}-{i}"})
        value = b"\0" + number.to_bytes(4, "big") + body.getvalue()
        made.append({"value": value, "key": b"new-%d" % i, "headers": [(EXPECT, b"PASS")]})
    return made
