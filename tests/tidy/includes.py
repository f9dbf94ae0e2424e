"""Arrows between rooms, in #include and on CMake's link lines; cycles; headers that stand on their own."""

import json
import re
import shlex
import subprocess
from pathlib import Path

from layers import TABLE, Layers
from source import Finding, includes, resolve, room_of

# What a contract may include besides itself: the headers of C17 that bring no I/O, time or threads.
CONTRACT_HEADERS = {
    "assert.h", "errno.h", "float.h", "inttypes.h", "limits.h", "math.h", "stdalign.h", "stdarg.h",
    "stdbool.h", "stddef.h", "stdint.h", "stdlib.h", "string.h",
}

# Targets of that form which are no folder of src: the compiler's flags, and the client library.
NO_ROOMS = {"weir_flags", "weir_librdkafka"}


def check(tree, options):
    layers = Layers(tree)
    files = tree.files("include", "src", suffixes={".c", ".h", ".def"})
    findings = list(layers.findings)
    graph = {}
    for path in files:
        graph[path] = []
        for include in includes(tree.text(path)):
            target = resolve(tree, include)
            findings += check_include(layers, path, include, target)
            if target:
                graph[path].append((include.line, target))
    findings += find_cycles(graph)
    findings += check_links(tree, layers, graph)
    headers = [path for path in files if path.endswith(".h")]
    findings += check_guards(tree, headers)
    findings += check_alone(tree, headers, options)
    arrows = {(room_of(a), room_of(b)) for a in graph for _, b in graph[a]}
    return findings, f"{len(files)} files, {len(headers)} headers, {sum(a != b for a, b in arrows)} arrows in use"


def check_include(layers, path, include, target):
    """The findings about one #include."""
    room = room_of(path)

    def finding(text):
        return [Finding(path, include.line, text)]

    if room not in layers.arrows:
        return finding(f"room '{room}' has no line in {TABLE}: give it one")
    if target is None:
        if not include.angle:
            return finding(f'"{include.name}" is no header of ours: write "room/file.h" or "weir/file.h", or <…>')
        if room == "include" and include.name not in CONTRACT_HEADERS:
            return finding(f"include/weir may include only itself and plain C headers, not <{include.name}>")
        return []
    other = room_of(target)
    if include.angle:
        return finding(f'<{include.name}> is ours: write "{include.name}"')
    if not layers.allows(room, other):
        return finding(f"missing arrow {room} -> {other} (includes {include.name}): move the code, pass the value "
                       f"in, or argue for the arrow in {TABLE}")
    return []


def find_cycles(graph):
    """One finding for each header that includes itself by way of others, at the include that closes the ring."""
    findings, done, on_path = [], set(), []

    def visit(path):
        on_path.append(path)
        for line, target in graph.get(path, []):
            if target in on_path:
                ring = " -> ".join(on_path[on_path.index(target) :] + [target])
                findings.append(Finding(path, line, f"include cycle {ring}: split what both need into a third header"))
            elif target not in done:
                visit(target)
        done.add(on_path.pop())

    for path in graph:
        if path not in done:
            visit(path)
    return findings


ROOM = re.compile(r"weir_room\s*\(\s*(\w+)([^)]*)\)")


def link_lines(tree):
    """room -> (path, line, rooms that it links), from each weir_room(…) below src."""
    links = {}
    for path in tree.files("src", suffixes={".txt"}):
        text = re.sub(r"#[^\n]*", "", tree.text(path))
        for match in ROOM.finditer(text):
            uses = match.group(2).split("USES", 1)[1].split() if "USES" in match.group(2) else []
            rooms = [use[len("weir_") :] for use in uses if use.startswith("weir_") and use not in NO_ROOMS]
            links[match.group(1)] = (path, text.count("\n", 0, match.start()) + 1, rooms)
    return links


def check_links(tree, layers, graph):
    """The link line of a room is its arrows: no link outside the law, no include without a link."""
    links = link_lines(tree)
    findings = []
    for room, (path, line, rooms) in links.items():
        for other in rooms:
            if not layers.allows(room, other):
                findings.append(Finding(path, line, f"links weir_{other}, but {TABLE} has no arrow {room} -> {other}"))
    for path, edges in graph.items():
        room = room_of(path)
        for line, target in edges:
            other = room_of(target)
            if room in links and other in links and other not in linked(links, room):
                where, _, _ = links[room]
                text = f"includes {target}, but {where} does not link weir_{other}: add it to USES"
                findings.append(Finding(path, line, text))
    return findings


def linked(links, room):
    """A room and every room that its link line brings."""
    seen, todo = {room}, [room]
    while todo:
        for other in links.get(todo.pop(), (None, None, []))[2]:
            if other not in seen:
                seen.add(other)
                todo.append(other)
    return seen


def guard_of(path):
    """include/weir/err.h -> WEIR_ERR_H, src/avro/slot.h -> WEIR_AVRO_SLOT_H."""
    parts = path.split("/")[1:]
    parts = parts if parts[0] == "weir" else ["weir"] + parts
    return re.sub(r"\W", "_", "_".join(parts)).upper()


def check_guards(tree, headers):
    findings = []
    for path in headers:
        guard = guard_of(path)
        if not re.search(rf"^#ifndef {guard}\n#define {guard}\n", tree.text(path), re.MULTILINE):
            findings.append(Finding(path, 1, f"is not guarded: it must have '#ifndef {guard}' and '#define {guard}'"))
    return findings


def compile_flags(build):
    """Folder of sources -> compiler and flags, from compile_commands.json; {} where there is none."""
    flags = {}
    database = build / "compile_commands.json" if build else None
    if not database or not database.exists():
        return flags
    for entry in json.loads(database.read_text(encoding="utf-8")):
        words = shlex.split(entry["command"])
        kept, skip = [], False
        for word in words:
            if word == "-o":
                skip = True
            elif skip:
                skip = False
            elif word not in ("-c", entry["file"]):
                kept.append(word)
        flags.setdefault(Path(entry["file"]).parent.resolve(), kept)
    return flags


def check_alone(tree, headers, options):
    """Each header compiles alone, and twice, with the flags of its own room."""
    flags = compile_flags(options.build)
    tops = [f"-I{tree.root}/include", f"-I{tree.root}/src"]
    contract = flags.get(tree.root / "src/base", [options.cc, "-std=c17"])
    findings = []
    for path in headers:
        command = flags.get((tree.root / path).parent, contract) + tops + ["-fsyntax-only", "-x", "c", "-"]
        name = path.split("/", 1)[1]
        unit = f'#include "{name}"\n#include "{name}"\ntypedef int tidy_unit;\n'
        done = subprocess.run(command, input=unit, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines()
            error = next((line for line in lines if "error" in line), lines[0] if lines else "no message")
            text = f"does not compile alone ({error}): let it include what it uses"
            findings.append(Finding(path, 1, text))
    return findings
