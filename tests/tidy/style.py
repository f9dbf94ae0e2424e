"""What all files look like, and what they are called."""

import os
import re
import shutil
import subprocess
from collections import Counter
from pathlib import PurePosixPath

from source import Finding, declared

UNTESTED = "tests/tidy/untested.txt"
TOPS = ("include", "src", "tests", "bench", "script", "integration", "cmake", "docs", "config", "schemas")
TEXT = {".c", ".h", ".def", ".py", ".cmake", ".md", ".yaml", ".yml", ".json", ".avsc", ".sh"}
CLANG_FORMATS = ("clang-format", *(f"clang-format-{version}" for version in range(14, 20)))
OLDEST_CLANG_FORMAT = 14


def check(tree, options):
    code = tree.files("include", "src", "tests", "bench", suffixes={".c", ".h"})
    findings, formatter = check_format(tree, code)
    for path in text_files(tree):
        findings += check_text(path, tree.text(path))
    for path in tree.files("include", "src", suffixes={".c", ".h", ".def"}):
        findings += check_promises(path, tree.text(path))
    findings += check_tested(tree)
    for path in tree.files("include", "src", suffixes={".h"}):
        findings += check_prefix(path, tree.text(path))
    return findings, f"{len(code)} files of C, {formatter}"


# --- what it looks like ---
def find_clang_format():
    """(command, version) of the first clang-format that is new enough, or None. script/test installs the one that
    all machines agree on beside $WEIR_PYTHON."""
    python = os.environ.get("WEIR_PYTHON")
    ours = [str(PurePosixPath(python).with_name("clang-format"))] if python else []
    for command in (*ours, *CLANG_FORMATS):
        if shutil.which(command):
            answer = subprocess.run([command, "--version"], capture_output=True, text=True, check=False).stdout
            version = re.search(r"version (\d+)\.", answer)
            if version and int(version.group(1)) >= OLDEST_CLANG_FORMAT:
                return command, int(version.group(1))
    return None


def check_format(tree, code):
    found = find_clang_format()
    if not found:
        text = f"no clang-format from {OLDEST_CLANG_FORMAT} on is installed: install one, or run script/test unit"
        return [Finding("tests/tidy/style.py", 0, text)], "no clang-format"
    command, version = found
    done = subprocess.run([command, "--dry-run", "-Werror", *code], cwd=tree.root, capture_output=True, text=True,
                          check=False)
    wrong = {}
    for match in re.finditer(r"^(.+?):(\d+):\d+: error: ", done.stderr, re.MULTILINE):
        wrong.setdefault(match.group(1), int(match.group(2)))
    if done.returncode != 0 and not wrong:
        return [Finding(".clang-format", 0, f"{command} fails: {done.stderr.strip()}")], command
    text = f"is not formatted from here on: run {command} -i on it"
    return [Finding(path, line, text) for path, line in wrong.items()], f"clang-format {version}"


def text_files(tree):
    """Files that people write by hand; data of tests may hold any byte."""
    found = tree.files(*TOPS, suffixes=TEXT)
    found += [path for path in tree.files(*TOPS, suffixes={".txt", ""}) if is_text_by_name(path)]
    found += [path.name for path in tree.root.iterdir() if path.is_file() and path.suffix in TEXT]
    return sorted(path for path in set(found) if not path.startswith("tests/cases/") or path.endswith((".c", ".h")))


def is_text_by_name(path):
    return path.endswith("CMakeLists.txt") or path.startswith(("tests/tidy/", "script/"))


def check_text(path, text):
    findings = []
    for number, line in enumerate(text.split("\n"), 1):
        if "\t" in line:
            findings.append(Finding(path, number, "has a tab: indent with four spaces, write \\t in a string"))
        if line != line.rstrip():
            findings.append(Finding(path, number, "has a space at its end: delete it"))
    if text and not text.endswith("\n"):
        findings.append(Finding(path, text.count("\n") + 1, "does not end in a new line: add one"))
    return findings


PROMISE = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b|\b[Ff]or now\b")


def check_promises(path, text):
    findings = []
    for number, line in enumerate(text.split("\n"), 1):
        found = PROMISE.search(line)
        if found:
            findings.append(Finding(path, number, f"says '{found.group()}': do it, or open an issue for it"))
    return findings


# --- what it is called ---
def check_tested(tree):
    """tests/unit mirrors src: test_<file>.c, or test_<room>_<file>.c where two rooms have such a file."""
    excused = {left: (line, right) for line, left, right in tree.table("untested.txt")}
    sources = [path for path in tree.files("src", suffixes={".c"}) if not is_program(path)]
    stems = Counter(PurePosixPath(path).stem for path in sources)
    findings = []
    for path in sources:
        room, stem = PurePosixPath(path).parent.name, PurePosixPath(path).stem
        name = f"tests/unit/test_{stem}.c" if stems[stem] == 1 else f"tests/unit/test_{room}_{stem}.c"
        row = excused.pop(path, None)
        if row is None and not tree.exists(name):
            findings.append(Finding(path, 1, f"has no {name}: write it, or say why not in {UNTESTED}"))
        if row is not None and tree.exists(name):
            findings.append(Finding(UNTESTED, row[0], f"{path} has a test: delete the row"))
        if row is not None and not row[1]:
            findings.append(Finding(UNTESTED, row[0], f"says no reason why {path} has no test"))
    findings += [Finding(UNTESTED, line, f"there is no {path}: delete the row") for path, (line, _) in excused.items()]
    return findings


def is_program(path):
    return path == "src/cmd/main.c" or path.startswith("src/cmd/cmd_")


def prefixes(path):
    """The prefixes that a header's symbols may have: weir for include/weir, else the file's noun. Files that
    share a noun share its prefix (schema_parts.h: schema_), and options.h may say option_."""
    if path.startswith("include/"):
        return ["weir"]
    words = re.split(r"\W|_", PurePosixPath(path).stem)
    nouns = ["_".join(words[:n]) for n in range(len(words), 0, -1)]
    return nouns + [noun[:-1] for noun in nouns if noun.endswith("s")]


def check_prefix(path, text):
    """File = noun = prefix; weir_ belongs to include/weir alone. The guard is includes.py's business."""
    allowed = prefixes(path)
    guard = re.search(r"^#ifndef (\w+)\n#define \1$", text, re.MULTILINE)
    findings = []
    for line, name in declared(text):
        lower = name.lower()
        fits = any(lower == prefix or lower.startswith(prefix + "_") for prefix in allowed)
        if not fits and not (guard and name == guard.group(1)):
            findings.append(Finding(path, line, f"{name} must begin with {allowed[0]}_, after its file"))
    return findings
