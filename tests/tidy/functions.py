"""Functions fit one screen: none longer than CAP lines, but for those that long_functions.txt lists."""

from statistics import median

from source import Finding, functions

CAP = 60
TABLE = "tests/tidy/long_functions.txt"


def check(tree, options):
    rows = {tuple(left.split()): (line, int(right)) for line, left, right in tree.table("long_functions.txt")}
    findings, lengths = [], []
    for path in tree.files("include", "src", suffixes={".c", ".h"}):
        for function in functions(tree.text(path)):
            lengths.append((function.length, f"{path}:{function.line} {function.name}"))
            findings += check_length(path, function, rows.pop((path, function.name), None))
    for key, (line, _) in rows.items():
        findings.append(Finding(TABLE, line, f"there is no function {' '.join(key)}: delete the row"))
    for length, where in sorted(lengths, reverse=True)[:5]:
        print(f"{length:4} lines  {where}")
    middle = median(length for length, _ in lengths) if lengths else 0
    return findings, f"{len(lengths)} functions, median {middle:g} lines, cap {CAP}"


def check_length(path, function, row):
    if row is None:
        if function.length <= CAP:
            return []
        text = f"{function.name} has {function.length} lines, more than {CAP}: take a part of it out"
        return [Finding(path, function.line, text)]
    line, listed = row
    if function.length > listed:
        text = f"{function.name} grew from {listed} to {function.length} lines: it may only shrink ({TABLE})"
        return [Finding(path, function.line, text)]
    if function.length < listed:
        what = "delete the row" if function.length <= CAP else f"write {function.length}"
        return [Finding(TABLE, line, f"{function.name} has only {function.length} lines now: {what}")]
    return []
