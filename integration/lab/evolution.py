"""Random Avro schemas, what becomes of them over time, and values of theirs: all of it decided by a seed."""

import json
import struct

PRIMITIVES = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")
PROMOTIONS = {
    "int": ("long", "float", "double"),
    "long": ("float", "double"),
    "float": ("double",),
    "string": ("bytes",),
    "bytes": ("string",),
}
LOGICAL = {
    "int": ("date", "time-millis"),
    "long": ("timestamp-millis", "timestamp-micros", "local-timestamp-millis", "time-micros"),
    "string": ("uuid",),
}
SPACES = ("a", "b.c")
DEPTH = 3
VALUE_DEPTH = 6


class Endless(Exception):
    """A value that would contain itself, or be of a type that went with a branch of a union."""


def branch_key(schema):
    """By what a union tells its branches apart: two with the same may not stand in one."""
    if isinstance(schema, str):
        return schema
    return schema["type"] if "name" not in schema else schema["name"]


class Schemas:
    """Makes a writer's schema, and readers that evolved from it."""

    def __init__(self, random):
        self.random = random
        self.serial = 0
        self.named = {}  # of the schema that is being made: definitions by their full name

    def writer(self):
        self.named = {}
        return self._record(DEPTH)

    def reader(self, writer):
        """The named types of the writer's schema keep their names, as those of a team's schema do."""
        named = self.named
        self.named = {}
        self._known = named
        return self._evolve(writer, union=False)

    # --- what is new ---

    def _name(self, prefix="n"):
        self.serial += 1
        return f"{self.random.choice(SPACES)}.{prefix}{self.serial}"

    def _define(self, schema):
        self.named[schema["name"]] = schema
        return schema

    def _type(self, depth, union=True):
        random, k = self.random, self.random.random()
        if depth <= 0 or k < 0.4:
            return self._primitive()
        if k < 0.5:
            return {"type": "array", "items": self._type(depth - 1)}
        if k < 0.58:
            return {"type": "map", "values": self._type(depth - 1)}
        if k < 0.64:
            symbols = random.sample("ABCDEF", random.randint(1, 4))
            return self._define({"type": "enum", "name": self._name(), "symbols": symbols})
        if k < 0.69:
            return self._define({"type": "fixed", "name": self._name(), "size": random.randint(0, 4)})
        if k < 0.85 and union:
            return self._union([self._type(depth - 1, False) for _ in range(random.randint(1, 4))])
        if k < 0.9 and self.named:
            name = random.choice(sorted(self.named))
            return ["null", name] if union else {"type": "array", "items": name}
        return self._record(depth - 1)

    def _primitive(self):
        name = self.random.choice(PRIMITIVES)
        if name in LOGICAL and self.random.random() < 0.1:
            return {"type": name, "logicalType": self.random.choice(LOGICAL[name])}
        return name

    def _union(self, branches):
        kept = {}
        for branch in branches:
            kept.setdefault(branch_key(branch), branch)
        return list(kept.values())

    def _record(self, depth):
        record = self._define({"type": "record", "name": self._name("r"), "fields": []})
        for i in range(self.random.randint(0, 4)):
            record["fields"].append({"name": f"f{i}", "type": self._type(depth)})
        return record

    # --- what has changed ---

    def _evolve(self, schema, union=True):
        random, k = self.random, self.random.random()
        if isinstance(schema, list):
            return self._evolve_union(schema)
        if union and k < 0.1:
            evolved, other = self._evolve(schema, union=False), random.choice(("null", "string", "bytes"))
            return self._union(random.sample([other, evolved], 2))
        if isinstance(schema, str):
            if schema in PROMOTIONS and k < 0.3:
                return random.choice(PROMOTIONS[schema])
            return random.choice(PRIMITIVES) if k > 0.985 and schema in PRIMITIVES else schema
        return self._evolve_complex(dict(schema))

    def _evolve_union(self, branches):
        random = self.random
        evolved = [self._evolve(branch, union=False) for branch in branches if random.random() > 0.07]
        if random.random() < 0.25:
            random.shuffle(evolved)
        if random.random() < 0.2:
            evolved.insert(0, random.choice(PRIMITIVES))
        evolved = self._union(evolved)
        return evolved[0] if len(evolved) == 1 and random.random() < 0.5 else evolved or ["null"]

    def _evolve_complex(self, schema):
        kind = schema["type"]
        if kind == "array":
            schema["items"] = self._evolve(schema["items"])
        elif kind == "map":
            schema["values"] = self._evolve(schema["values"])
        elif kind == "enum":
            self._evolve_enum(schema)
        elif kind == "record":
            self._evolve_record(schema)
        if "name" in schema:
            self._define(schema)
        return schema

    def _evolve_enum(self, schema):
        random, symbols = self.random, list(schema["symbols"])
        if random.random() < 0.3:
            random.shuffle(symbols)
        if random.random() < 0.2 and len(symbols) > 1:
            symbols.pop()
        if random.random() < 0.2:
            symbols.append("Z")
        schema["symbols"] = symbols
        if random.random() < 0.3:
            schema["default"] = random.choice(symbols)

    def _evolve_record(self, schema):
        random, fields = self.random, []
        self._define(schema)
        for field in schema["fields"]:
            if random.random() < 0.1:
                continue
            field = dict(field, type=self._evolve(field["type"]))
            if random.random() < 0.1:
                field["aliases"], field["name"] = [field["name"]], "re" + field["name"]
            fields.append(field)
        if random.random() < 0.3:
            random.shuffle(fields)
        if random.random() < 0.3:
            self._add_field(fields)
        schema["fields"] = fields

    def _add_field(self, fields):
        added = {"name": f"new{self.random.randint(0, 99)}", "type": self._type(1)}
        try:
            added["default"] = self._default(added["type"])
        except (Endless, KeyError):
            return  # Its type is one of which the default cannot be written down here.
        fields.insert(self.random.randint(0, len(fields)), added)

    def _default(self, schema, depth=0):
        if isinstance(schema, list):
            return self._default(schema[0], depth)
        if isinstance(schema, str) and schema not in PRIMITIVES:
            if depth == 5:
                raise Endless
            return self._default(self.named[schema], depth + 1)
        kind = schema if isinstance(schema, str) else schema["type"]
        if kind == "array":
            return [self._default(schema["items"], depth + 1)] if depth < 3 and self.random.random() < 0.5 else []
        if kind == "map":
            return {"k": self._default(schema["values"], depth + 1)} if depth < 3 and self.random.random() < 0.5 else {}
        if kind == "enum":
            return schema["symbols"][0]
        if kind == "fixed":
            return "z" * schema["size"]
        if kind == "record":
            return {field["name"]: self._default(field["type"], depth + 1) for field in schema["fields"]}
        values = {"null": None, "boolean": True, "int": 7, "long": -9, "float": 1.5, "double": 2.5}
        return {**values, "bytes": "a\u00ff", "string": "d\u00e9"}[kind]


def definitions(schema, found=None):
    """The named types of a schema by their names, as they are written."""
    found = {} if found is None else found
    if isinstance(schema, list):
        for branch in schema:
            definitions(branch, found)
    elif isinstance(schema, dict):
        if "name" in schema:
            found[schema["name"]] = schema
        for field in schema.get("fields", ()):
            definitions(field["type"], found)
        for part in ("items", "values"):
            if part in schema:
                definitions(schema[part], found)
    return found


class Values:
    """Makes values of a schema, already encoded (the Avro specification, "Binary Encoding")."""

    def __init__(self, random, schema):
        self.random = random
        self.schema = schema
        self.named = definitions(schema)

    def encoded(self):
        return self._value(self.schema, 0)

    def _value(self, schema, depth):
        if isinstance(schema, list):
            return self._branch(schema, depth)
        if isinstance(schema, str) and schema not in PRIMITIVES:
            if schema not in self.named:
                raise Endless
            schema = self.named[schema]
        kind = schema if isinstance(schema, str) else schema["type"]
        make = getattr(self, f"_{kind}")
        return make() if kind in PRIMITIVES else make(schema, depth + 1)

    def _branch(self, schema, depth):
        index = schema.index("null") if depth > VALUE_DEPTH and "null" in schema else self.random.randrange(len(schema))
        return zigzag(index) + self._value(schema[index], depth + 1)

    def _null(self):
        return b""

    def _boolean(self):
        return self.random.choice((b"\0", b"\1"))

    def _int(self):
        return zigzag(self._number(31))

    def _long(self):
        return zigzag(self._number(63))

    def _number(self, bits):
        random = self.random
        return random.choice((0, 1, -1, random.randint(-100, 100), random.randint(-(1 << bits), (1 << bits) - 1)))

    def _float(self):
        return struct.pack("<f", self.random.choice((0.0, -0.0, 1.5, float("inf"), float(self.random.randint(-1000, 1000)))))

    def _double(self):
        return struct.pack("<d", self.random.choice((0.0, -0.0, 1.5, float("-inf"), self.random.random())))

    def _bytes(self):
        top = 127 if self.random.random() < 0.8 else 255
        return sized(bytes(self.random.randint(0, top) for _ in range(self.random.randint(0, 5))))

    def _string(self):
        return sized("".join(self.random.choice("abc\u00e9\u20ac\U0001f600") for _ in range(self.random.randint(0, 5))).encode())

    def _fixed(self, schema, _depth):
        return self.random.randbytes(schema["size"])

    def _enum(self, schema, _depth):
        return zigzag(self.random.randrange(len(schema["symbols"])))

    def _record(self, schema, depth):
        return b"".join(self._value(field["type"], depth) for field in schema["fields"])

    def _array(self, schema, depth):
        return self._blocks([self._value(schema["items"], depth) for _ in range(self._count(depth))])

    def _map(self, schema, depth):
        keys = self.random.sample(("", "x", "yy", "\u00e9"), self._count(depth))
        return self._blocks([sized(key.encode()) + self._value(schema["values"], depth) for key in keys])

    def _count(self, depth):
        return 0 if depth > VALUE_DEPTH else self.random.randint(0, 3)

    def _blocks(self, items):
        """Mostly one block, sometimes two, and sometimes with their sizes."""
        at = self.random.randint(0, len(items)) if self.random.random() < 0.2 else len(items)
        blocks = []
        for block in filter(None, (items[:at], items[at:])):
            body = b"".join(block)
            sizes = self.random.random() < 0.2
            blocks.append((zigzag(-len(block)) + zigzag(len(body)) if sizes else zigzag(len(block))) + body)
        return b"".join(blocks) + b"\0"


def zigzag(number):
    raw, out = (number << 1) ^ (number >> 63), bytearray()
    raw &= (1 << 64) - 1
    while raw > 0x7F:
        out.append(raw & 0x7F | 0x80)
        raw >>= 7
    out.append(raw)
    return bytes(out)


def sized(data):
    return zigzag(len(data)) + data


def text(schema):
    return json.dumps(schema)
