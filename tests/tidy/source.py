"""Reading the source tree: its files, and as much of C as the checks need."""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path


@dataclass(frozen=True, order=True)
class Finding:
    path: str
    line: int
    text: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.text}" if self.line else f"{self.path}: {self.text}"


@dataclass(frozen=True)
class Include:
    line: int
    name: str
    angle: bool


@dataclass(frozen=True)
class Function:
    name: str
    line: int
    length: int


class Tree:
    """A source tree. Paths are relative to its root, with slashes."""

    def __init__(self, root):
        self.root = Path(root)

    def files(self, *tops, suffixes):
        found = []
        for top in tops:
            found += [path for path in (self.root / top).rglob("*") if path.is_file() and path.suffix in suffixes]
        return sorted(path.relative_to(self.root).as_posix() for path in found if "__pycache__" not in path.parts)

    def exists(self, path):
        return (self.root / path).is_file()

    def text(self, path):
        return (self.root / path).read_text(encoding="utf-8")

    def table(self, name):
        """Rows (line, left, right) of a table file: "left: right words", # begins a comment."""
        rows = []
        path = f"tests/tidy/{name}"
        if not self.exists(path):
            raise SystemExit(f"{path}: is missing below {self.root}")
        for number, line in enumerate(self.text(path).splitlines(), 1):
            line = line.split("#", 1)[0].strip()
            if line:
                left, colon, right = line.partition(":")
                if not colon:
                    raise SystemExit(f"{path}:{number}: a row is 'left: right'")
                rows.append((number, left.strip(), right.strip()))
        return rows


def room_of(path):
    """"include" for include/weir, the folder's name below src, None elsewhere."""
    parts = path.split("/")
    if parts[0] == "include":
        return "include"
    return parts[1] if parts[0] == "src" and len(parts) > 2 else None


def resolve(tree, include):
    """The file of the tree that an include means, None for one of the system's or a library's."""
    for top in ("include", "src"):
        if tree.exists(f"{top}/{include.name}"):
            return f"{top}/{include.name}"
    return None


TOKEN = re.compile(r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.DOTALL)


def _blank(match):
    text = match.group()
    if text[0] == "/":
        return re.sub(r"[^\n]", " ", text)
    return text[0] + re.sub(r"[^\n]", " ", text[1:-1]) + text[-1]


@lru_cache(maxsize=None)
def blanked(text):
    """The text with comments and the insides of strings as spaces; lines and columns stay."""
    return TOKEN.sub(_blank, text)


INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">\n]+)[">]', re.MULTILINE)


def includes(text):
    """Every #include that is not inside a comment."""
    code = blanked(text)
    found = []
    for match in INCLUDE.finditer(text):
        if code[match.start() : match.start(1)].strip():
            line = text.count("\n", 0, match.start(1)) + 1
            found.append(Include(line, match.group(2), match.group(1) == "<"))
    return found


NAME = re.compile(r"(?<!\w)([A-Za-z_]\w*)\s*\(")
ATTRIBUTE = re.compile(r"__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)")


def _called_name(declaration):
    """The identifier before the first parenthesis that is not an attribute's."""
    match = NAME.search(ATTRIBUTE.sub(" ", declaration))
    return match.group(1) if match else None


def functions(text):
    """Functions in Linux style: an opening and a closing brace alone at column 0."""
    lines = blanked(text).split("\n")
    found = []
    for opening, line in enumerate(lines):
        if line.rstrip() != "{":
            continue
        closing = next((i for i in range(opening + 1, len(lines)) if lines[i].startswith("}")), len(lines))
        first = opening
        while first > 0 and lines[first - 1].strip() and not re.search(r"[;}]\s*$|^\s*#", lines[first - 1]):
            first -= 1
        name = _called_name("\n".join(lines[first:opening]))
        if name:
            found.append(Function(name, first + 1, closing - opening - 1))
    return found


def _without_braces(code):
    """Code with what stands between braces as spaces."""
    out = []
    depth = 0
    for char in code:
        depth -= char == "}"
        out.append(char if depth == 0 or char == "\n" else " ")
        depth += char == "{"
    return "".join(out)


def declared(text):
    """(line, name) of every function, object and macro that a header leaves behind; types have no prefix."""
    code = blanked(text)
    undone = set(re.findall(r"^[ \t]*#[ \t]*undef[ \t]+(\w+)", code, re.MULTILINE))
    found = []
    for match in re.finditer(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", code, re.MULTILINE):
        if match.group(1) not in undone:
            found.append((code.count("\n", 0, match.start(1)) + 1, match.group(1)))
    plain = re.sub(r"^[ \t]*#(?:\\\n|[^\n])*", lambda m: re.sub(r"[^\n]", " ", m.group()), code, flags=re.MULTILINE)
    plain = _without_braces(plain)
    position = 0
    for chunk in re.split(r"(?<=[;}])", plain):
        name = _declared_name(chunk)
        if name:
            start = position + len(chunk) - len(chunk.lstrip())
            found.append((plain.count("\n", 0, start) + 1, name))
        position += len(chunk)
    return found


def _declared_name(chunk):
    chunk = chunk.strip()
    if not chunk or chunk.startswith(("typedef", "_Static_assert", "static_assert")):
        return None
    name = _called_name(chunk)
    if name or not chunk.startswith("extern"):
        return name
    match = re.search(r"(\w+)\s*(?:\[[^]]*\]\s*)*;$", chunk)
    return match.group(1) if match else None
