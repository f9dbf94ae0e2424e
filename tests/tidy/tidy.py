"""The house rules of weir as tests: python3 tidy.py CHECK --root DIR [--build DIR] (CHECK: see CHECKS).

Each check is a module of the same name with check(tree, options) -> (findings, summary). A finding says where,
which rule, and what to do about it. Exit status 0: nothing found; 1: findings, one a line; 2: usage.
"""

import argparse
import sys
from pathlib import Path

import docs
import functions
import includes
import style
import symbols
import vendors
from source import Tree

CHECKS = {
    "includes": includes.check,
    "vendors": vendors.check,
    "symbols": symbols.check,
    "functions": functions.check,
    "style": style.check,
    "docs": docs.check,
}


def parse(argv):
    parser = argparse.ArgumentParser(description="Checks the house rules of weir.")
    parser.add_argument("check", choices=CHECKS)
    parser.add_argument("--root", type=Path, required=True, help="top of the source tree")
    parser.add_argument("--build", type=Path, help="CMake's build folder, for its compile_commands.json")
    parser.add_argument("--cc", default="cc", help="compiler for headers of rooms without a compile command")
    parser.add_argument("--nm", default="nm")
    parser.add_argument("--library", action="append", default=[], metavar="ROOM=ARCHIVE",
                        help="archive of a pure room, for symbols")
    return parser.parse_args(argv)


def main(argv):
    options = parse(argv)
    findings, summary = CHECKS[options.check](Tree(options.root.resolve()), options)
    for finding in sorted(findings):
        print(finding)
    print(f"tidy.{options.check}: {len(findings)} findings; {summary}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
