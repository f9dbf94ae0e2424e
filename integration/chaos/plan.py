"""What fails when: a schedule that follows from a seed and a length alone.

Time goes in rounds. In the first three quarters of each there are faults, one beside the other in several lanes; in the
last one there is none, and what was broken is whole again."""

import random
from typing import NamedTuple

QUIET = 0.25
ROUND_SECONDS = (26.0, 36.0)
SLOTS = ("one", "two", "three", "four")
BROKERS = (1, 2, 3)
WORKERS = (1, 2, 3)
SHORTEST = 2.0  # Of a lane's rest of a round; less is not worth a fault.
SESSION_SECONDS = 6  # The least that brokers allow.
TRANSACTION_SECONDS = 10
PARTITIONS = 6
PARTITIONS_MAX = 12  # Of the output from the start, so that each record stays in its source's partition.
REPLAY_SECONDS = 0.4  # About as long as a replay of a few letters takes.
STAGGER_SECONDS = 1.5  # Between the instances of a rolling upgrade.


class Fault(NamedTuple):
    """At so many seconds from the start, for so many seconds (0: at one moment), in a lane, in which one comes after the
    other."""

    at: float
    seconds: float
    lane: str
    kind: str
    args: dict


class Kind(NamedTuple):
    """How long it lasts, from and to, and how often it comes beside the others of its lane."""

    least: float
    most: float
    weight: int


PAST_SESSION = SESSION_SECONDS + 1.5
PAST_TRANSACTION = TRANSACTION_SECONDS + 2.0

LAST_OF_ALL = "kill for good"
INSTANCE = {
    "kill": Kind(0.1, 3.0, 4),
    "kill past the session": Kind(PAST_SESSION, PAST_SESSION + 4, 2),
    LAST_OF_ALL: Kind(0.0, 0.0, 1),
    "freeze": Kind(0.5, 4.0, 1),
    "freeze past the session": Kind(PAST_SESSION, PAST_SESSION + 2, 2),
    "freeze past the transaction": Kind(PAST_TRANSACTION, PAST_TRANSACTION + 3, 2),
    "usurp": Kind(3.0, 6.0, 1),
    "memory limit": Kind(6.0, 10.0, 1),
}
BROKER = {
    "kill broker": Kind(0.3, 5.0, 2),
    "kill controller": Kind(0.3, 5.0, 1),
    "kill transaction coordinator": Kind(0.3, 5.0, 2),
    "kill group coordinator": Kind(0.3, 5.0, 2),
    "restart broker": Kind(0.1, 3.0, 1),
    "reassign partitions": Kind(1.0, 3.0, 1),
}
TOPICS = {
    "move coordinators": Kind(0.0, 0.0, 3),
    "move leaders": Kind(0.0, 0.0, 2),
    "add partitions": Kind(0.0, 0.0, 1),
}
REGISTRY = {
    "registry killed": Kind(0.5, 3.0, 1),
    "registry frozen": Kind(2.0, 8.0, 2),
    "reader schema": Kind(0.0, 0.0, 2),
    "output schema": Kind(0.0, 0.0, 2),
}
NETWORK = {
    "answers delayed": Kind(3.0, 8.0, 1),
    "answers lost": Kind(3.0, 8.0, 2),
    "connections cut": Kind(3.0, 8.0, 2),
    "requests held": Kind(3.0, 8.0, 3),
}
# What meets them; Heartbeat and OffsetFetch stand for the group, the others for a transaction.
REQUESTS = ("Produce", "AddPartitionsToTxn", "AddOffsetsToTxn", "TxnOffsetCommit", "EndTxn", "OffsetFetch", "Heartbeat")
LATE = ("TxnOffsetCommit", "EndTxn")  # What could act on the next transaction.
REPLAY = {"replay killed": Kind(0.0, 0.0, 1)}
FLEET = {"scale": 3, "rolling upgrade": 2, "none": 1}

# What a lane needs after a fault before the next one: a broker takes some seconds to start and to catch up, and so does the
# registry.
HEAL_SECONDS = {"brokers": 8.0, "registry": 8.0, "topics": 1.0, "network": 1.0, "replay": 0.0}
GAP_SECONDS = {"brokers": (0.5, 4.0), "registry": (1.0, 8.0), "topics": (2.0, 8.0), "network": (1.0, 6.0), "replay": (1.0, 8.0)}
INSTANCE_HEAL_SECONDS = 1.0
INSTANCE_GAP_SECONDS = (0.5, 7.0)
SHARED = {"brokers": BROKER, "topics": TOPICS, "registry": REGISTRY, "network": NETWORK, "replay": REPLAY}


class Bag:
    """Draws each thing as often as its weight says before any comes again, so that a short run sees all kinds, too."""

    def __init__(self, chance, weights):
        self._chance, self._weights, self._left = chance, weights, []

    def draw(self):
        if not self._left:
            self._left = [name for name, weight in self._weights.items() for _ in range(weight)]
            self._chance.shuffle(self._left)
        return self._left.pop()

    def put_back(self, name):
        """It comes next."""
        self._left.append(name)

    def put_off(self, name):
        """It comes when all that is left has come."""
        self._left.insert(0, name)


class Planner:
    """Makes the plan round by round, and knows which instances are up meanwhile."""

    def __init__(self, seed, only=None):
        self.chance = random.Random(f"weir chaos {seed}")
        self.only = only
        self.up = list(SLOTS[:2])
        self.start = {slot: self.chance.choice(WORKERS) for slot in self.up}
        self.faults = []
        self.partitions = PARTITIONS
        self._fleet = Bag(self.chance, {name: weight for name, weight in FLEET.items() if self._wanted(name)} or {"none": 1})
        self._bags = {lane: self._bag(kinds) for lane, kinds in {**SHARED, "instances": INSTANCE}.items()}

    def _bag(self, kinds):
        weights = {name: kind.weight for name, kind in kinds.items() if self._wanted(name)}
        return Bag(self.chance, weights) if weights else None

    def _wanted(self, name):
        return self.only is None or name in self.only

    def plan(self, seconds):
        at = 0.0
        while seconds - at > ROUND_SECONDS[0] / 2:
            length = min(self.chance.uniform(*ROUND_SECONDS), seconds - at)
            if seconds - at - length < ROUND_SECONDS[0] / 2:
                length = seconds - at
            self._round(at, at + length * (1 - QUIET))
            at += length
        return sorted(self.faults, key=lambda fault: (fault.at, fault.lane))

    def _round(self, begin, end):
        free = self._change_fleet(begin)
        for slot in list(self.up):
            self._instance(slot, free.get(slot, begin), end)
        for lane, kinds in SHARED.items():
            if self._bags[lane]:
                self._fill(lane, kinds, begin, end)

    def _add(self, at, seconds, lane, kind, **args):
        self.faults.append(Fault(round(at, 2), round(seconds, 2), lane, kind, args))

    def _change_fleet(self, at):
        """What happens to the instances together, and from when on each of them is free for other faults."""
        what = self._fleet.draw()
        at += self.chance.uniform(0.2, 2.0)
        if what == "scale":
            return self._scale(at, self.chance.choice([n for n in range(1, len(SLOTS) + 1) if n != len(self.up)]))
        if what == "rolling upgrade":
            return self._upgrade(at)
        return {}

    def _scale(self, at, count):
        free = {}
        for slot in [slot for slot in SLOTS if slot not in self.up][: max(0, count - len(self.up))]:
            self._add(at, 0, slot, "scale out", workers=self.chance.choice(WORKERS))
            self.up.append(slot)
            free[slot] = at + INSTANCE_HEAL_SECONDS
        while len(self.up) > count:
            slot = self.up.pop(self.chance.randrange(len(self.up)))
            self._add(at, 0, slot, "scale in")
        return free

    def _upgrade(self, at):
        free = {}
        for slot in self.up:
            self._add(at, 0, slot, "upgrade")
            free[slot] = at + INSTANCE_HEAL_SECONDS
            at += STAGGER_SECONDS
        return free

    def _instance(self, slot, at, end):
        """One instance's faults until the end of a round's worse part."""
        bag = self._bags["instances"]
        while bag and slot in self.up and at < end:
            at += self.chance.uniform(*INSTANCE_GAP_SECONDS)
            name = bag.draw()
            if name == LAST_OF_ALL and len(self.up) == 1:  # Somebody has to do the work.
                bag.put_off(name)
                continue
            length = self._length(INSTANCE[name], end - at)
            if length is None:
                bag.put_back(name)
                return
            self._add(at, length, slot, name)
            if name == LAST_OF_ALL:
                self.up.remove(slot)
            at += length + INSTANCE_HEAL_SECONDS

    def _length(self, kind, left):
        """How long it lasts, or None when there is no time left."""
        length = self.chance.uniform(kind.least, kind.most)
        return length if max(length, min(SHORTEST, kind.most)) < left else None

    def _fill(self, lane, kinds, at, end):
        while True:
            at += self.chance.uniform(*GAP_SECONDS[lane])
            name = self._bags[lane].draw()
            length = self._length(kinds[name], end - at - HEAL_SECONDS[lane])
            if length is None:
                self._bags[lane].put_back(name)
                return
            args = self._arguments(name)
            if args is not None:
                self._add(at, length, lane, name, **args)
            at += length + HEAL_SECONDS[lane]

    def _arguments(self, name):
        """What else is drawn for a fault; None when it cannot be any more."""
        if name == "add partitions":
            if self.partitions == PARTITIONS_MAX:
                return None
            self.partitions = min(PARTITIONS_MAX, self.partitions + self.chance.choice((1, 2)))
            return {"partitions": self.partitions}
        if name in NETWORK:
            return {"api": self.chance.choice(LATE if name == "requests held" else REQUESTS),
                    "chance": round(self.chance.uniform(0.05, 0.3), 2)}
        if name.startswith(("kill ", "restart ")):
            return {"broker": self.chance.choice(BROKERS)}
        if name == "replay killed":
            return {"after": round(self.chance.uniform(0.0, REPLAY_SECONDS), 3)}
        if name.startswith(("move ", "reassign ")):
            return {"order": self.chance.sample(BROKERS, len(BROKERS))}
        return {}


def plan(seed, seconds, only=None):
    """(workers by instance at the start, the faults in their order). only: names of the kinds that are wanted."""
    planner = Planner(seed, only)
    faults = planner.plan(seconds)
    return planner.start, faults


def show(start, faults):
    """The plan for people."""
    lines = [f"     0.00          start      {slot}, {workers} workers" for slot, workers in start.items()]
    for fault in faults:
        length = f"{fault.seconds:5.1f} s" if fault.seconds else "       "
        args = " ".join(f"{name}={value}" for name, value in fault.args.items())
        lines.append(f"{fault.at:9.2f}  {length} {fault.lane:<10} {fault.kind} {args}".rstrip())
    return "\n".join(lines)
