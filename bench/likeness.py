"""Whether the programs that are compared do the same job: what each makes of one topic of good and malformed logins."""

import io
import json

import fastavro

from lab.reader import Reader
from lab.weir import ROOT

RECORDS = 20000
MIX = ("--malformed", "0.05", "--headers", "0.1")
PREFIX_BYTES = 5
SCHEMA = ROOT / "schemas/processed-user-login-value/v1.avsc"
OWN = "__weir.errors."
SHOWN = 3  # Differences told of each kind.


def outputs(records):
    """What stands in an output topic, by the input record that it came from. When it was processed is left out."""
    schema, found = fastavro.parse_schema(json.loads(SCHEMA.read_text())), {}
    for record in records:
        fields = fastavro.schemaless_reader(io.BytesIO(record.value[PREFIX_BYTES:]), schema)
        fields.pop("processed_timestamp")
        place = fields["source_partition"], fields["source_offset"]
        if place in found:
            raise RuntimeError(f"input {place} was written twice")
        kept = (record.partition, record.timestamp, record.key, record.headers)
        found[place] = (*kept, record.value[:PREFIX_BYTES], fields)
    return found


def letters(records):
    """What stands in a dead-letter topic, likewise. Each program has words of its own for the reason."""
    found = {}
    for record in records:
        place = tuple(int(record.header(OWN + name)) for name in ("partition", "offset"))
        if place in found:
            raise RuntimeError(f"input {place} was rejected twice")
        theirs = tuple(header for header in record.headers if not header[0].startswith(OWN))
        found[place] = (record.timestamp, record.key, record.value, theirs)
    return found


def differences(wanted, found):
    return [
        f"{place}: {found.get(place, 'nothing')} instead of {wanted.get(place, 'nothing')}"
        for place in sorted(wanted.keys() | found.keys())
        if wanted.get(place) != found.get(place)
    ]


def check(course, subjects):
    """Raises RuntimeError when one does something else than the first. Returns how many records became what."""
    source = course.fill("mixed", RECORDS, *MIX)
    reader, wanted = Reader(), None
    try:
        for subject in subjects:
            topics = course.move(subject, source, RECORDS)
            found = [reader.read(course.cluster.bootstrap, topics[kind])[0] for kind in ("output", "dead")]
            found = outputs(found[0]), letters(found[1])
            wanted = wanted or found
            for wants, has in zip(wanted, found):
                wrong = differences(wants, has)
                if wrong:
                    shown = "\n".join(wrong[:SHOWN])
                    raise RuntimeError(f"{subject.label} differs from {subjects[0].label} {len(wrong)} times:\n{shown}")
            course.hands.delete(topics["output"], topics["dead"], topics["journal"])
    finally:
        reader.close()
    course.hands.delete(source)
    return {"processed": len(wanted[0]), "rejected": len(wanted[1])}
