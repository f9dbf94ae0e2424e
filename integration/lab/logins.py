"""The user-login pipeline as a model: what the shipped configuration makes of a message. Written from the issue's text
and the schemas, not from weir's code."""

import json

LOGIN = {
    "user_id": "424cdd21-063a-43a7-b91b-7ca1a833afae",
    "app_version": "2.3.0",
    "device_type": "android",
    "ip": "199.172.111.135",
    "locale": "RU",
    "device_id": "593-47-5928",
    "timestamp": "1694479551",
}
UNKNOWN = "unknown"


def plain(**changes):
    """The users' JSON message, with changes; None leaves a field out."""
    login = {name: value for name, value in {**LOGIN, **changes}.items() if value is not None}
    return json.dumps(login).encode()


def incomplete():
    """The message, and each copy of it that lacks one field."""
    return [plain(), *(plain(**{name: None}) for name in LOGIN)]


def expected_fields(login, source):
    """What of the output is known beforehand, given a login as a dict and its record."""
    fields = {name: login.get(name, UNKNOWN) for name in LOGIN if name != "timestamp"}
    fields["timestamp"] = int(login["timestamp"]) * 1000 if "timestamp" in login else None
    return {**fields, "processed": True, "source_partition": source.partition, "source_offset": source.offset}


def difference(login, source, output):
    """Says in which field an output differs from what the login should have become, or None."""
    for name, wanted in expected_fields(login, source).items():
        if output.get(name) != wanted:
            return f"{name} is {output.get(name)!r}, should be {wanted!r}"
    return None
