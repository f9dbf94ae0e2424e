"""Judges a journal by docs/journal.md alone: its chain, its counts, its hashes, its plans."""

import hashlib
import json
from collections import Counter, defaultdict

_MASK = (1 << 64) - 1


def fingerprint(content):
    return hashlib.sha256(content).hexdigest()[:32]


def _fnv1a(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) & _MASK
    return value


class _Words(dict):
    def __missing__(self, verdict):
        self[verdict] = _fnv1a(verdict)
        return self[verdict]


_WORDS = _Words()


def verdict_hash(verdicts):
    """The hash over (offset, verdict) in their order; a verdict is "PASS", "DROP" or "REJECT <code>"."""
    value = 0
    for offset, verdict in verdicts:
        value ^= (offset + _WORDS[verdict]) & _MASK
        value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
        value ^= value >> 31
    return f"{value:016x}"


class Journal:
    """The records of a journal topic, sorted out."""

    def __init__(self, records):
        self.batches = defaultdict(list)  # By partition of the input.
        self.plans, self.texts, self.strays = {}, {}, []
        parts = defaultdict(dict)
        for record in sorted(records):
            key, value = record.key.decode(), json.loads(record.value)
            kind, _, rest = key.partition(":")
            if value.get("v") != 1 or value.get("kind") != kind:
                self.strays.append(key)
            elif kind == "batch":
                self.batches[value["partition"]].append(value)
            elif kind == "plan":
                self.plans[rest] = value
                if fingerprint(record.value) != rest:
                    self.strays.append(key)
            else:
                parts[rest.partition(":")[0]][value["part"]] = value
        for name, found in parts.items():
            text = "".join(part["text"] for _, part in sorted(found.items()))
            self.texts[name] = text
            if len(found) != found[0]["parts"] or fingerprint(text.encode()) != name:
                self.strays.append(f"text:{name}")

    def chain(self, partition, committed):
        """The batches that lead to a committed offset, the first one first; None where the chain is broken."""
        by_next = {batch["next"]: batch for batch in self.batches[partition]}
        chain, at = [], committed
        while not chain or not chain[-1].get("begins"):
            batch = by_next.pop(at, None)
            if batch is None:
                return None
            chain.append(batch)
            at = batch["from"]
        return chain[::-1]


def judge(records, verdicts, committed, blame):
    """verdicts: by partition, the sorted (offset, verdict) of all records below what is committed. blame(text) is called
    for each thing that is not as it must be."""
    journal = Journal(records)
    for stray in journal.strays:
        blame(f"{stray} is not what it says")
    for partition, offset in committed.items():
        chain = journal.chain(partition, offset)
        if chain is None:
            blame(f"the chain of partition {partition} does not lead to {offset}")
            continue
        if len(chain) != len(journal.batches[partition]):
            blame(f"partition {partition} has {len(journal.batches[partition]) - len(chain)} batches beside its chain")
        due = iter(verdicts.get(partition, []))
        ahead = next(due, None)
        for batch in chain:
            mine = []
            while ahead is not None and ahead[0] < batch["next"]:
                mine.append(ahead)
                ahead = next(due, None)
            _judge_batch(journal, batch, mine, blame)
    return journal


def _judge_batch(journal, batch, mine, blame):
    here = f"batch {batch['partition']}:{batch['from']}-{batch['next']}"
    counts = Counter(verdict for _, verdict in mine)
    said = Counter({"PASS": batch["pass"], "DROP": batch["drop"]})
    said.update({f"REJECT {code}": n for code, n in batch["reject"].items()})
    if +said != counts or batch["records"] != len(mine):
        blame(f"{here} counts {dict(+said)}, the topics have {dict(counts)}")
    if batch["hash"] != verdict_hash(mine):
        blame(f"{here} has hash {batch['hash']}, the topics {verdict_hash(mine)}")
    if mine and batch["first"] != mine[0][0]:
        blame(f"{here} begins with {batch['first']}, the topic with {mine[0][0]}")
    plan = journal.plans.get(batch["plan"])
    needed = [plan["config"], plan["reader"]["text"], plan["output"]["text"]] if plan else []
    if not plan or any(name not in journal.texts for name in (*needed, *batch["writers"].values())):
        blame(f"{here}: its plan {batch['plan']}, or a text of it, is not there")
    outcome = dict(mine)
    for given in batch.get("given", []):
        if not all(outcome.get(end) == f"REJECT {given['code']}" for end in (given["first"], given["last"])):
            blame(f"{here} was given {given}, the topics say otherwise")
