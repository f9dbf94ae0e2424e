"""The pure rooms call nothing that touches a socket, a file, a clock or a thread: proven of their archives."""

import re
import subprocess
from fnmatch import fnmatchcase
from pathlib import Path

from layers import Layers
from source import Finding

TABLE = "tests/tidy/symbols.txt"
FORTIFIED = re.compile(r"^__(\w+)_chk$")
# "archive:object:name type …" is a row of nm -A -P; an archive's members stand in brackets.
ROW = re.compile(r"^.*\[(?P<object>[^]]+)\]: (?P<name>\S+) (?P<type>\S)")


def check(tree, options):
    allowed, forbidden = read_table(tree)
    archives = dict(pair.split("=", 1) for pair in options.library)
    findings = missing_archives(tree, archives)
    present = {room: path for room, path in archives.items() if Path(path).is_file()}
    rows = [(room, *row) for room, path in present.items() for row in read_symbols(options.nm, path)]
    defined = {name for _, _, name, kind in rows if kind in "TDBRCVW"}
    undefined = {(room, member, name) for room, member, name, kind in rows if kind in "Uwv" and name not in defined}
    for room, member, name in undefined:
        plain = FORTIFIED.sub(r"\1", name)
        if not matches(allowed, plain) or matches(forbidden, plain):
            text = (f"calls {name}, which {TABLE} does not allow in a pure room: "
                    "pass the value in, or move the code to a room that may")
            findings.append(Finding(f"src/{room}/{member.removesuffix('.o')}", 0, text))
    return findings, f"{len({name for _, _, name in undefined})} foreign symbols in {len(present)} archives"


def read_table(tree):
    allowed, forbidden = [], []
    for _, left, _ in tree.table("symbols.txt"):
        for name in left.split():
            (forbidden if name.startswith("!") else allowed).append(name.lstrip("!"))
    return allowed, forbidden


def matches(patterns, name):
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def missing_archives(tree, archives):
    """A pure room with sources whose archive was not given, or given and not built, is a hole in the proof."""
    findings = []
    for room in Layers(tree).words["pure"]:
        if room not in archives:
            if tree.files(f"src/{room}", suffixes={".c"}):
                findings.append(Finding(f"src/{room}", 0, f"has sources but no CMake target weir_{room} to look at"))
        elif not Path(archives[room]).is_file():
            findings.append(Finding(archives[room], 0, f"the archive of room '{room}' is missing: build it first"))
    return findings


def read_symbols(nm, archive):
    """(object, symbol, type) of every symbol in an archive."""
    done = subprocess.run([nm, "-A", "-P", archive], capture_output=True, text=True, check=True)
    found = (ROW.match(line) for line in done.stdout.splitlines())
    return [(row["object"], row["name"], row["type"]) for row in found if row]
