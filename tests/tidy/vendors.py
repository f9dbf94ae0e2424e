"""Headers of libraries and of the operating system, each only in the rooms that vendors.txt gives it."""

from fnmatch import fnmatchcase

from source import Finding, includes, resolve

TABLE = "tests/tidy/vendors.txt"


def check(tree, options):
    rows = [(left.split(), right.split()) for _, left, right in tree.table("vendors.txt")]
    findings, seen = [], set()
    for path in tree.files("include", "src", "tests", suffixes={".c", ".h", ".def"}):
        for include in includes(tree.text(path)):
            if include.angle and not resolve(tree, include):
                seen.add(include.name)
                findings += check_include(rows, path, include)
    return findings, f"{len(seen)} foreign headers in use"


def check_include(rows, path, include):
    places = next((right for left, right in rows if any(fnmatchcase(include.name, name) for name in left)), None)
    in_tests = path.startswith("tests/")
    if places is None:
        text = f"<{include.name}> stands in no line of {TABLE}: say there which rooms may include it"
        return [] if in_tests else [Finding(path, include.line, text)]
    if allowed(places, path, in_tests):
        return []
    where = ", ".join(places)
    text = f"<{include.name}> may be included only in {where} ({TABLE}): ask that room, or pass the value in"
    return [Finding(path, include.line, text)]


def allowed(places, path, in_tests):
    """True when a folder of the row holds the path. Tests may use the system; a library only where named."""
    if "*" in places or any(path.startswith(place + "/") for place in places):
        return True
    return in_tests and not is_library(places)


def is_library(places):
    """A library's row names one or two rooms, or tests; the operating system's rows name src/sys or src/cmd."""
    return not {"src/sys", "src/cmd"}.intersection(places)
