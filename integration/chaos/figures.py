"""Figures of a run, from the topics alone: transactions, and how long nothing was done."""

import json
from collections import Counter

TRANSACTIONS = "__transaction_state"
PREPARE_COMMIT, COMPLETE_COMMIT, COMPLETE_ABORT = 2, 4, 5
_STATE_AT = 2 + 8 + 2 + 4  # Behind the version, the producer's id and epoch, and the time-out.


def states(records):
    """(transactional id, state, when) of each change that the coordinators wrote down (TransactionLogKey and -Value)."""
    for record in records:
        if record.value is not None and record.key[:2] == b"\0\0":
            yield record.key[4:].decode(), record.value[_STATE_AT], record.timestamp / 1000


def transactions(records, prefix):
    """(how many committed, how many aborted, when each commit was decided) of the ids that begin so."""
    counts, times = Counter(), []
    for name, state, when in states(records):
        if name.startswith(prefix):
            counts[state] += 1
            if state == PREPARE_COMMIT:
                times.append(when)
    return counts[COMPLETE_COMMIT], counts[COMPLETE_ABORT], sorted(times)


def longest_gap(times, begin, end):
    """(seconds, when it began) of the longest time from one to the next."""
    marks = [begin, *(when for when in times if begin < when < end), end]
    return max((after - before, before) for before, after in zip(marks, marks[1:]))


def longest_wait(journal, inputs):
    """(seconds, partition, when it began) of the longest time in which a partition had a record waiting and no transaction
    was written that does it. The journal's record is as old as the transaction; its commit is not in it."""
    arrived = {(record.partition, record.offset): record.timestamp for record in inputs}
    batches = sorted((each.timestamp, each.offset, json.loads(each.value)) for each in journal if each.key.startswith(b"batch:"))
    longest, before = (0.0, None, None), {}
    for when, _, batch in batches:
        partition = batch["partition"]
        since = max(before.get(partition, 0), arrived.get((partition, batch["first"]), when))
        if (when - since) / 1000 > longest[0]:
            longest = ((when - since) / 1000, partition, since / 1000)
        before[partition] = when
    return longest
