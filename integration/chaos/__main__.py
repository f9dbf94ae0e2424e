"""script/chaos: the command line."""

import argparse
import shutil
import sys
import time
import traceback
from pathlib import Path

from lab.weir import ROOT

from . import plan, report
from .history import History
from .run import run
from .stage import Stage

KINDS = sorted({*plan.FLEET, *plan.INSTANCE, *(kind for kinds in plan.SHARED.values() for kind in kinds)} - {"none"})
HISTORY = "history.jsonl"
EPILOG = """\
The schedule of a seed and a length is the same every time; what a fault meets is not. Kafka, the registry and weir are
real and run on 127.0.0.1 in DIR, where history.jsonl says what was done when and what came of it. When something was
found, all logs and data stay there; else only history.jsonl and report.txt do.

Exit status: 0 exactly one outcome for each record, and nothing else found; 1 a violation; 2 the run itself failed.
"""


def arguments(words):
    parser = argparse.ArgumentParser(prog="script/chaos", description="Everything fails, by a schedule that follows from a "
                                     "seed, and each record has exactly one outcome.", epilog=EPILOG,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1, help="of the schedule and the load (1)")
    parser.add_argument("--minutes", type=float, default=5.0, help="how long things fail (5)")
    parser.add_argument("--rate", type=int, default=1500, help="records a second (1500)")
    parser.add_argument("--other", type=Path, metavar="BIN", help="another build of weir, for rolling upgrades to it and back")
    parser.add_argument("--only", action="append", choices=KINDS, metavar="KIND",
                        help="only this kind of fault; may come again. One of: " + ", ".join(KINDS))
    parser.add_argument("--plan", action="store_true", help="print the schedule and do nothing")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where it works (build/chaos/SEED)")
    parser.add_argument("--keep", action="store_true", help="keep all logs and data though nothing was found")
    return parser.parse_args(words)


def work(options, folder, start, due):
    """One run in a folder; the exit status."""
    history = History(folder / HISTORY)
    words = {name: getattr(options, name) for name in ("seed", "minutes", "rate", "other", "only")}
    history.note("plan", **words, start=start, faults=[fault._asdict() for fault in due])
    stage, figures, failed = Stage(folder, history, options.other, options.rate), None, None
    try:
        figures = run(stage, options.seed, start, due)
    except (Exception, KeyboardInterrupt) as error:  # Whatever it was, what was seen until then is told.
        failed = "".join(traceback.format_exception(error))
        history.note("failed", why=failed)
    finally:
        stage.close()
        text = report.text(stage, figures) + (f"\nthe run failed:\n{failed}" if failed else "")
        (folder / "report.txt").write_text(text + "\n")
        history.close()
    print(text)
    return status(history, failed)


def status(history, failed):
    return 1 if history.violations else 2 if failed else 0


def empty(folder):
    """The folder, with nothing in it. Nobody's folder but that of an earlier run is emptied."""
    folder = folder.absolute()
    if folder.exists() and any(folder.iterdir()) and not (folder / HISTORY).is_file():
        sys.exit(f"script/chaos: {folder} is no folder of an earlier run and not empty")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def tidy(folder):
    """Leaves the history and the report."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)


def main(words=None):
    options = arguments(words)
    start, due = plan.plan(options.seed, options.minutes * 60, options.only and set(options.only))
    if options.plan:
        print(plan.show(start, due))
        return 0
    folder = empty(options.out or ROOT / "build" / "chaos" / str(options.seed))
    print(f"chaos: seed {options.seed}, {options.minutes:g} min, {len(due)} faults, in {folder}", flush=True)
    begun = time.monotonic()
    code = work(options, folder, start, due)
    if code == 0 and not options.keep:
        tidy(folder)
    verdict = {0: "clean", 1: "VIOLATED", 2: "FAILED"}[code]
    print(f"chaos: seed {options.seed}: {verdict} after {time.monotonic() - begun:.0f} s; {folder / HISTORY}")
    return code


if __name__ == "__main__":
    sys.exit(main())
