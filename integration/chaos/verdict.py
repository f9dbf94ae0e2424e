"""What is left when all has stopped, judged by those who do not trust weir, and by weir audit."""

import json
import subprocess

from lab.judge import WireCoordinates, letter_coordinates
from lab.logins import difference
from lab.processes import Timeout, until
from lab.weir import binary

from .replayer import CODE

AUDIT_SECONDS = 600
ENDED_SECONDS = 60  # Within which the coordinators must have ended what was left open, of transactions of 10 s.
OPEN_STATES = ("Ongoing", "PrepareCommit", "PrepareAbort", "PrepareEpochFence")
OFFSETS = "__consumer_offsets"


class Content:
    """What an output must hold of its input; Avro is decoded by fastavro on both sides."""

    def __init__(self, schema_of):
        self._decoder = WireCoordinates(schema_of)

    def __call__(self, source, output):
        login = json.loads(source.value) if source.value.startswith(b"{") else self._decoder.fields(source.value)
        return difference(login, source, self._decoder.fields(output.value))


def ledger(bench):
    """The state of each letter in the ledger, by its source's coordinates, as a reader of the compacted topic sees it."""
    states = {}
    for record in sorted(bench.records(bench.ledger)):
        if record.key != b"lease":
            _, partition, offset = record.key.decode().rsplit(":", 2)
            states[int(partition), int(offset)] = record.value and json.loads(record.value)["state"]
    return states


def by_judge(bench, schema_of):
    """The independent checker's report on topics and journal, with the replayed letters as the ledger has them."""
    replayed = frozenset(place for place, state in ledger(bench).items() if state == "replayed")
    return bench.judge(WireCoordinates(schema_of), content=Content(schema_of), replayed=replayed)


def by_ledger(bench):
    """Every letter that the mended configuration lets pass was replayed, and no other."""
    letters = {letter_coordinates(each) for each in bench.records(bench.dead)
               if each.header("__weir.errors.code") == CODE.encode()}
    states = ledger(bench)
    replayed = {place for place, state in states.items() if state == "replayed"}
    found = [f"letter {p}:{o} passes now and was not replayed ({states.get((p, o))})" for p, o in sorted(letters - replayed)]
    return found + [f"letter {p}:{o} was replayed and is none that passes" for p, o in sorted(replayed - letters)]


def by_audit(bench):
    """(findings in words, the report as weir audit prints it)."""
    path = bench.folder / "audit.yaml"
    path.write_text(json.dumps(bench.config()))
    argv = [binary(), "audit", "-c", path, "--json"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=AUDIT_SECONDS, check=False)
    (bench.folder / "audit.json").write_text(done.stdout)
    if done.returncode not in (0, 1):
        return [f"weir audit ended with status {done.returncode}: {done.stderr.strip()}"], None
    report = json.loads(done.stdout)
    found = [f"weir audit: {json.dumps(finding)}" for finding in report["findings"]]
    if report["not_provable"]:
        found.append(f"weir audit: {report['not_provable']} not provable: {report['why_not_provable']}")
    if done.returncode == 1 and not found:
        found.append(f"weir audit ended with 1: {done.stdout}")
    return found, report


def by_brokers(bench, seconds=ENDED_SECONDS):
    """Transactions that are still open when all has stopped: by their coordinators, and by the partitions' leaders."""
    topics = (*bench.transactional(), OFFSETS)
    try:
        until(lambda: not bench.hands.transactions(OPEN_STATES) and not bench.hands.producers_at_work(*topics), seconds,
              "the transactions to end", every=0.5)
        return []
    except Timeout:
        found = [f"{name} is {state} for its coordinator" for name, state in bench.hands.transactions(OPEN_STATES).items()]
        return found + [f"producer {producer} has a transaction open in {place.topic} {place.partition}"
                        for place, producer in bench.hands.producers_at_work(*topics)]


def examine(bench, schema_of, seconds=ENDED_SECONDS):
    """(everything that is wrong, in words; the judge's report; the audit's). While a transaction is open nobody can say what
    is behind it: then the others are not asked."""
    hanging = by_brokers(bench, seconds)
    if hanging:
        return [f"hanging transaction: {text}" for text in hanging], None, None
    report = by_judge(bench, schema_of)
    found = [f"{kind}: {count}: {'; '.join(report.examples[kind][:5])}" for kind, count in sorted(report.damage.items())]
    audited, audit = by_audit(bench)
    found += audited + by_ledger(bench)
    if audit is not None and not found and (audit["records"], audit["passed"]) != (report.inputs, report.passed):
        found.append(f"weir audit counts {audit['records']} records, the judge {report.inputs}")
    return found, report, audit
