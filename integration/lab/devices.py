"""Applications that know different devices: schemas in which device_type is an enum, and logins written with them."""

import io
import json

import fastavro

from .judge import EXPECT
from .letters import TRACE
from .logins import LOGIN
from .weir import ROOT


def device_schema(subject, devices):
    """A shipped schema in which device_type is one of these."""
    changed = json.loads((ROOT / "schemas" / subject / "v1.avsc").read_text())
    field = next(field for field in changed["fields"] if field["name"] == "device_type")
    field["type"] = {"type": "enum", "name": "device", "symbols": list(devices)}
    del field["default"]
    return changed


def device_logins(number, devices, count, verdict):
    """Logins as an application writes them that knows these devices and uses the last."""
    body = io.BytesIO()
    schema = device_schema("user-login-value", devices)
    fastavro.schemaless_writer(body, schema, {**LOGIN, "device_type": devices[-1]})
    value = b"\0" + number.to_bytes(4, "big") + body.getvalue()
    headers = [TRACE, (EXPECT, verdict)]
    return [{"value": value, "key": b"user-%d" % i, "headers": headers, "partition": i % 4} for i in range(count)]
