"""docs/ARCHITECTURE.md says what the lists in the source say: errors, verdict codes and the layer law."""

import re

from layers import Layers
from source import Finding

PAGE = "docs/ARCHITECTURE.md"
ERROR = re.compile(r'^WEIR_ERROR\(\w+, (\w+), (\w+), (\d+), "(.*)"\)', re.MULTILINE)
REMEDIES = "src/sys/remedies.def"
REMEDY = re.compile(r'^WEIR_REMEDY\(\w+, (\w+),\s*"(.*)"\)', re.MULTILINE)
VERDICT = re.compile(r"^WEIR_VERDICT\(\w+, (\w+), (\w+),", re.MULTILINE)


def check(tree, options):
    if not tree.exists(PAGE):
        return [Finding(PAGE, 0, "is missing")], "no page"
    rows = read_rows(tree.text(PAGE))
    findings = check_errors(tree, rows) + check_verdicts(tree, rows) + check_rooms(tree, rows)
    findings += check_remedies(tree, rows)
    return findings, f"{len(rows)} rows of {PAGE}"


def read_rows(text):
    """(line, cells) of every row of every table, without the marks of code."""
    return [
        (number, [cell.strip() for cell in line.replace("`", "").strip("|").split("|")])
        for number, line in enumerate(text.splitlines(), 1)
        if line.startswith("|")
    ]


def check_errors(tree, rows):
    """Each error has its row: class (or an empty cell below it), code, exit status, …, meaning."""
    findings, found, group = [], {}, ""
    for line, cells in rows:
        if len(cells) == 5:
            group = cells[0] or group
            found[cells[1]] = (line, group, cells[2], cells[4])
    for name, group, status, meaning in ERROR.findall(tree.text("include/weir/errors.def")):
        line, *said = found.get(name, (0,))
        if said != [group, status, meaning]:
            what = f"'{group}', '{status}' and '{meaning}'"
            findings.append(Finding(PAGE, line, f"needs a row for the error {name} with {what}, as in errors.def"))
    return findings


def check_verdicts(tree, rows):
    """Each code stands behind its stage."""
    stages = {cells[0]: cells[1].split() for _, cells in rows if len(cells) == 2}
    return [
        Finding(PAGE, 0, f"does not list the code {name} in the row of stage {stage.lower()}")
        for name, stage in VERDICT.findall(tree.text("include/weir/verdicts.def"))
        if name not in stages.get(stage.lower(), [])
    ]


def check_remedies(tree, rows):
    """Each remedy has its row, with what happens without it as the list has it."""
    found = {cells[0]: (line, cells[1]) for line, cells in rows if len(cells) == 4}
    findings = []
    for name, without in REMEDY.findall(tree.text(REMEDIES)) if tree.exists(REMEDIES) else []:
        line, said = found.get(name, (0, None))
        if said != without:
            findings.append(Finding(PAGE, line, f"needs a row for the remedy {name} with '{without}', as in remedies.def"))
    return findings


def check_rooms(tree, rows):
    """Each room that exists has its row, and each row has the arrows of layers.txt."""
    layers = Layers(tree)
    found = {cells[0]: (line, cells[2]) for line, cells in rows if len(cells) == 3 and cells[0] in layers.arrows}
    findings = []
    for room, (line, text) in found.items():
        said = set(layers.arrows) - {room} if text == "everything" else set(text.split(", "))
        if said != set(layers.arrows[room]):
            wanted = ", ".join(layers.arrows[room])
            findings.append(Finding(PAGE, line, f"says that {room} may include {text}; layers.txt says {wanted}"))
    for path in tree.files("src", suffixes={".txt"}):
        room = path.split("/")[1]
        if path.count("/") == 2 and room not in found:
            findings.append(Finding(PAGE, 0, f"has no row for the room {room}"))
    return findings
