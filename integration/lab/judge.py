"""Decides from the topics alone whether each input record had exactly one outcome, and the right one.

Knows nothing of weir but its promise (docs/ARCHITECTURE.md): output records carry their source's coordinates in fields,
letters carry them in headers, a record may carry the verdict that is expected of it in the header weir-expect."""

import gc
import io
import json
from collections import Counter, defaultdict
from contextlib import contextmanager
from pathlib import Path

import fastavro

from . import journal

OWN = "__weir."
ERRORS = "__weir.errors."
ALWAYS = ("code", "message", "stage", "topic", "partition", "offset", "timestamp", "first.failed", "pipeline", "version")
EXPECT = "weir-expect"
WIRE_HEADER = "__value_schema_id"
KEPT = 20  # Examples kept of each kind of damage; all are counted.
_NONE, _PASS, _REJECT = range(3)


class Report:
    """What was found. `damage` counts by kind, `examples` names coordinates."""

    def __init__(self):
        self.inputs = 0
        self.passed = 0
        self.rejected = Counter()
        self.dropped = 0
        self.replayed = 0  # Of those that were rejected.
        self.damage = Counter()
        self.examples = {}

    def blame(self, kind, text):
        self.damage[kind] += 1
        if self.damage[kind] <= KEPT:
            self.examples.setdefault(kind, []).append(text)

    @property
    def lost(self):
        return self.damage["lost"]

    @property
    def duplicated(self):
        return self.damage["duplicated"]

    @property
    def clean(self):
        return not self.damage

    def __str__(self):
        lines = [f"{self.inputs} inputs: {self.passed} passed, {dict(self.rejected)} rejected, {self.dropped} dropped"]
        for kind, count in sorted(self.damage.items()):
            lines += [f"{kind}: {count}", *(f"    {text}" for text in self.examples[kind])]
        return "\n".join(lines)

    def assert_clean(self):
        assert self.clean, f"the promise is broken\n{self}"

    def table(self):
        """The balance, for people: every input record is in exactly one line."""
        rows = [("records in", self.inputs), ("processed", self.passed)]
        rows += [(f"dead-lettered  {code}", count) for code, count in sorted(self.rejected.items())]
        rows += [("dropped by a filter", self.dropped), ("lost", self.lost), ("duplicated", self.duplicated)]
        others = sorted((kind, count) for kind, count in self.damage.items() if kind not in ("lost", "duplicated"))
        rows += others
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"  {name:<{width}}  {count:>12,}" for name, count in rows)


class AvroCoordinates:
    """Finds (partition, offset) of the source in an output record of the wire format V0."""

    def __init__(self, schemas, subject):
        newest = max(Path(schemas, subject).glob("v*.avsc"), key=lambda path: int(path.stem[1:]))
        self._schema = fastavro.parse_schema(_without_logical_types(json.loads(newest.read_text())))

    def fields(self, value):
        """The whole record, decoded by fastavro."""
        if value[:1] != b"\0":
            raise ValueError("no magic byte")
        rest = io.BytesIO(value)
        rest.seek(5)
        fields = fastavro.schemaless_reader(rest, self._schema)
        if rest.read(1):
            raise ValueError("bytes after the last field")
        return fields

    def __call__(self, record):
        fields = self.fields(record.value)
        return fields["source_partition"], fields["source_offset"]


class WireCoordinates(AvroCoordinates):
    """Likewise where outputs are of several versions: schema_of gives the text of a schema's id."""

    def __init__(self, schema_of):
        self._schema_of, self._schemas = schema_of, {}

    def schema(self, value):
        """The schema that a value is written with."""
        number = int.from_bytes(value[1:5], "big")
        if number not in self._schemas:
            text = json.loads(self._schema_of(number))
            self._schemas[number] = fastavro.parse_schema(_without_logical_types(text))
        return self._schemas[number]

    def fields(self, value):
        self._schema = self.schema(value)
        return super().fields(value)


def _without_logical_types(schema):
    """A schema whose values fastavro leaves as the numbers that they are."""
    if isinstance(schema, list):
        return [_without_logical_types(each) for each in schema]
    if isinstance(schema, dict):
        return {key: _without_logical_types(each) for key, each in schema.items() if key != "logicalType"}
    return schema


def json_coordinates(record):
    """Likewise in an output record that is JSON."""
    fields = json.loads(record.value)
    return fields["source_partition"], fields["source_offset"]


def letter_coordinates(letter):
    return int(letter.header(ERRORS + "partition")), int(letter.header(ERRORS + "offset"))


def expectation(record):
    """What the header weir-expect says: "PASS", "DROP", "REJECT code"; None without it."""
    value = record.header(EXPECT)
    return None if value is None else value.decode()


@contextmanager
def _no_garbage_collection():
    # Millions of small tuples without a cycle among them: collecting would take longer than judging.
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class Judge:
    """Judges one pipeline's topics.

    topic: the input topic's name, as letters must give it. coordinates: output record → (partition, offset).
    expected: input record → verdict or None. until: committed offsets by partition; what lies behind them is not due.
    same_partition: outputs and letters stay in their source's partition. source_timestamp: outputs keep the timestamp.
    content: called with (input, output record) for each that passed, returns what is wrong or None.
    replayed: source coordinates of letters that were replayed: each of them has an output too, behind the others."""

    _verdicts = {_NONE: "DROP", _PASS: "PASS", _REJECT: None}

    def __init__(self, topic, coordinates, *, expected=expectation, until=None, same_partition=True,
                 source_timestamp=True, content=None, replayed=frozenset()):
        self.topic, self.coordinates, self.expected, self.until = topic, coordinates, expected, until
        self.same_partition, self.source_timestamp, self.content = same_partition, source_timestamp, content
        self.replayed = replayed

    def judge(self, inputs, outputs, letters):
        with _no_garbage_collection():
            self.report = Report()
            self._index(inputs)
            self._follow(outputs, "output", self.coordinates, self._output)
            self._follow(letters, "letter", letter_coordinates, self._letter)
            self._replays()
            self._settle()
            return self.report

    def journal(self, records):
        """Judges the journal by what was found in the other topics; needs until. Returns it."""
        verdicts = defaultdict(list)
        for i, record in enumerate(self._inputs):
            if record.offset < self.until.get(record.partition, 0):
                verdicts[record.partition].append((record.offset, self._verdicts[self._outcome[i]] or self._codes[i]))
        for found in verdicts.values():
            found.sort()
        return journal.judge(records, verdicts, self.until, lambda text: self.report.blame("journal", text))

    def _index(self, inputs):
        self._inputs, self._at, self._outcome = inputs, {}, bytearray(len(inputs))
        self._again = defaultdict(list)
        self._codes = {}
        for i, record in enumerate(inputs):
            self._at[record[0], record[1]] = i

    def _follow(self, records, what, coordinates, check):
        last = {}
        for record in sorted(records):
            here = f"{what} {record.partition}:{record.offset}"
            try:
                source = coordinates(record)
            except Exception as error:  # Whatever is wrong with it, it is a finding and not the judge's end.
                self.report.blame("unreadable", f"{here}: {type(error).__name__}: {error}")
                continue
            i = self._at.get(source)
            if i is None:
                self.report.blame("stray", f"{here}: no input record {source[0]}:{source[1]}")
                continue
            if what == "output" and source in self.replayed:
                self._again[source].append(record)
                continue
            self._order(last, record, source, here)
            if self._outcome[i] != _NONE:
                self.report.blame("duplicated", f"{here}: second outcome of input {source[0]}:{source[1]}")
                continue
            check(i, self._inputs[i], record, f"{here} of input {source[0]}:{source[1]}")

    def _order(self, last, record, source, here):
        lane = (record.partition, source[0])
        if last.get(lane, -1) > source[1]:
            self.report.blame("out of order", f"{here}: input {source[0]}:{source[1]} after {source[0]}:{last[lane]}")
        last[lane] = max(source[1], last.get(lane, -1))
        if self.same_partition and record.partition != source[0]:
            self.report.blame("moved", f"{here}: from input partition {source[0]}")
        if self.until is not None and source[1] >= self.until.get(source[0], 0):
            self.report.blame("uncommitted", f"{here}: input {source[0]}:{source[1]}, committed {self.until}")

    def _replays(self):
        """Whatever was replayed was a letter and is one output."""
        for place in sorted(self.replayed):
            here, found = f"replay of input {place[0]}:{place[1]}", self._again[place]
            i = self._at.get(place)
            if i is None or self._outcome[i] != _REJECT:
                self.report.blame("stray", f"{here}: no letter")
            elif not found:
                self.report.blame("lost", here)
            else:
                self.report.replayed += 1
                self._copied(self._inputs[i], found[0], here)
                if self.same_partition and found[0].partition != place[0]:
                    self.report.blame("moved", f"{here}: to partition {found[0].partition}")
            for _ in found[1:]:
                self.report.blame("duplicated", here)

    def _output(self, i, source, record, here):
        self._outcome[i] = _PASS
        self.report.passed += 1
        self._verdict(source, "PASS", here)
        self._copied(source, record, here)

    def _copied(self, source, record, here):
        if record.key != source.key or _passed_on(source.headers) != record.headers:
            self.report.blame("altered", f"{here}: key or headers differ")
        if self.source_timestamp and record.timestamp != source.timestamp:
            self.report.blame("altered", f"{here}: timestamp {record.timestamp}, source {source.timestamp}")
        wrong = self.content(source, record) if self.content else None
        if wrong:
            self.report.blame("wrong content", f"{here}: {wrong}")

    def _letter(self, i, source, letter, here):
        self._outcome[i] = _REJECT
        why = {name: value for name, value in letter.headers if name.startswith(OWN)}
        code = why.get(ERRORS + "code", b"?").decode(errors="replace")
        self.report.rejected[code] += 1
        self._codes[i] = f"REJECT {code}"
        self._verdict(source, f"REJECT {code}", here)
        if letter.key != source.key or letter.value != source.value or letter.timestamp != source.timestamp:
            self.report.blame("altered", f"{here}: key, value or timestamp differ")
        if _foreign(letter.headers) != _foreign(source.headers):
            self.report.blame("altered", f"{here}: headers differ: {letter.headers} from {source.headers}")
        if len(why) + len(_foreign(letter.headers)) != len(letter.headers):
            self.report.blame("altered", f"{here}: one of weir's headers stands twice: {letter.headers}")
        missing = [name for name in ALWAYS if ERRORS + name not in why]
        if missing:
            self.report.blame("altered", f"{here}: no {missing}")
        if why.get(ERRORS + "topic", b"").decode(errors="replace") != self.topic:
            self.report.blame("altered", f"{here}: says it is of topic {why.get(ERRORS + 'topic')}")
        if why.get(ERRORS + "timestamp") != str(source.timestamp).encode():
            self.report.blame("altered", f"{here}: says timestamp {why.get(ERRORS + 'timestamp')}")

    def _verdict(self, source, got, here):
        wanted = self.expected(source)
        if wanted is not None and wanted != got:
            self.report.blame("wrong verdict", f"{here}: {got}, expected {wanted}")

    def _settle(self):
        for record, outcome in zip(self._inputs, self._outcome):
            if self.until is not None and record.offset >= self.until.get(record.partition, 0):
                continue
            self.report.inputs += 1
            if outcome != _NONE:
                continue
            wanted = self.expected(record)
            if wanted == "DROP":
                self.report.dropped += 1
            else:
                self.report.blame("lost", f"input {record.partition}:{record.offset}, expected {wanted}")


def _passed_on(headers):
    """What an output has of its source's headers: not what names the schema of the source's value."""
    return tuple(header for header in _foreign(headers) if header[0] != WIRE_HEADER)


def _foreign(headers):
    """Headers that are not weir's own."""
    return tuple(header for header in headers if not header[0].startswith(OWN)) if headers else ()
