"""How each kind of fault is done, and undone. Each function returns in words what came of it."""

import signal
import time

from lab.processes import Timeout, memory_mib, until

from . import records
from .stage import SUBJECTS

TRANSACTIONS, OFFSETS = "__transaction_state", "__consumer_offsets"
IN_SYNC_SECONDS = 90
MOVED_SECONDS = 60
GONE_SECONDS = 60  # A clean end takes some seconds, since the leaders move first.
REPLAY_SECONDS = 10
GIVE_WAY_SECONDS = 40  # Within which one of two processes of a name must have ended.
NEW_RECORDS = 100  # Written with a schema's new version as soon as it is registered.


class Skipped(Exception):
    """A fault that could not be done; says why."""


# --- instances: (stage, slot, fault) ---
def kill(stage, slot, fault):
    was = slot.weir.alive
    slot.kill()
    stage.rest(fault.seconds)
    slot.start()
    return "back" if was else "was not running, back"


def kill_for_good(_stage, slot, _fault):
    slot.kill()
    return "gone"


def freeze(stage, slot, fault):
    with slot.lock:
        weir = slot.weir
        if not weir.alive:
            raise Skipped("was not running")
        weir.pause()
        try:
            stage.rest(fault.seconds)
        finally:
            weir.resume()
    return "awake"


def usurp(stage, slot, fault):
    """A frozen process gets a successor under its identity, and wakes up."""
    with slot.lock:
        if not slot.weir.alive:
            raise Skipped("was not running")
        slot.weir.pause()
        first = slot.start_successor()
    try:
        stage.rest(fault.seconds)
    finally:
        first.resume()
    try:
        status = first.wait(GIVE_WAY_SECONDS)
    except Timeout:  # No successor has come as far as taking the name: the registry or the brokers are away.
        first.kill()
        return "had nobody to give way to"
    slot.judge(first, status)
    return f"gave way with status {status}"


def memory_limit(stage, slot, fault):
    """Runs it with less memory for so long."""
    slot.stop()
    slot.limited = True
    slot.start()
    stage.rest(fault.seconds)
    used = memory_mib(slot.weir.process.pid, "VmData")
    slot.limited = False
    slot.stop()
    slot.start()
    return f"used {used and int(used)} MiB"


def scale_out(_stage, slot, fault):
    slot.workers = fault.args["workers"]
    slot.start()
    return f"{slot.workers} workers"


def scale_in(_stage, slot, _fault):
    return f"status {slot.stop()}"


def upgrade(_stage, slot, _fault):
    status = slot.stop()
    slot.build = 1 - slot.build
    slot.start()
    return f"status {status}, now build {slot.build}"


INSTANCES = {
    "kill": kill,
    "kill past the session": kill,
    "kill for good": kill_for_good,
    "freeze": freeze,
    "freeze past the session": freeze,
    "freeze past the transaction": freeze,
    "usurp": usurp,
    "memory limit": memory_limit,
    "scale out": scale_out,
    "scale in": scale_in,
    "upgrade": upgrade,
}


# --- what all share: (stage, hands, fault) ---
def wait_in_sync(hands, stage):
    """Before a broker goes the others must have everything, or with it would go what nobody else has."""
    until(lambda: stage.over.is_set() or not hands.behind(), IN_SYNC_SECONDS, "all replicas to be in sync", every=0.3)


def the_broker(hands, fault):
    """The broker that is meant: by its number, or by what it leads at this moment."""
    chosen = fault.args["broker"]
    if fault.kind == "kill controller":
        return hands.controller()
    topic = {"kill transaction coordinator": TRANSACTIONS, "kill group coordinator": OFFSETS}.get(fault.kind)
    if topic is None:
        return chosen
    leaders = hands.leaders(topic)
    place = sorted(leaders)[chosen % len(leaders)]
    return leaders[place] if leaders[place] > 0 else chosen


def broker_down(stage, hands, fault):
    wait_in_sync(hands, stage)
    node = stage.cluster.nodes[the_broker(hands, fault) - 1]
    node.signal(signal.SIGTERM if fault.kind == "restart broker" else signal.SIGKILL)
    try:
        node.wait_gone(GONE_SECONDS)
        stage.rest(fault.seconds)
    finally:
        begun = time.monotonic()
        stage.cluster.start()
    return f"broker {node.number}, started in {time.monotonic() - begun:.1f} s"


def reassign(stage, hands, fault):
    """One replica of each partition goes, and comes back on an empty folder; the leaders change as well."""
    order, bench = fault.args["order"], stage.bench
    wait_in_sync(hands, stage)
    places = [p for topic in (bench.input, bench.output, bench.journal) for p in hands.partitions(topic)]
    refused = {}
    try:
        refused.update(hands.assign({place: order[:2] for place in places}))
        until(lambda: not hands.being_moved(), MOVED_SECONDS, "partitions to move", every=0.2)
        stage.rest(fault.seconds)
    finally:
        refused.update(hands.assign(dict.fromkeys(places, order)))
    until(lambda: not hands.being_moved() and not hands.behind(), MOVED_SECONDS, "partitions to move back", every=0.2)
    hands.elect(places)
    return f"{len(places)} partitions, refused {refused}"


def move(stage, hands, fault):
    """Partitions of topics are led by other brokers at once, without anybody's fault."""
    order, bench = fault.args["order"], stage.bench
    topics = (TRANSACTIONS, OFFSETS) if fault.kind == "move coordinators" else (bench.input, bench.output, bench.journal)
    before = hands.leaders(*topics)
    # The partitions of a topic go to different brokers, as they would by themselves.
    wanted = {p: order[p.partition % 3:] + order[: p.partition % 3] for p in before}
    refused = hands.assign(wanted)
    until(lambda: not hands.being_moved(), MOVED_SECONDS, "partitions to move", every=0.2)
    hands.elect(wanted)
    after = hands.leaders(*topics)
    moved = sum(before[place] != leader for place, leader in after.items() if place in before)
    return f"{moved} of {len(before)} partitions have another leader" + (f", refused {refused}" if refused else "")


def add_partitions(stage, hands, fault):
    hands.grow(stage.bench.input, fault.args["partitions"])
    return f"{fault.args['partitions']} partitions"


def registry_killed(stage, _hands, fault):
    stage.registry.kill()
    stage.rest(fault.seconds)
    stage.registry.start()
    return "back"


def registry_frozen(stage, _hands, fault):
    stage.registry.pause()
    try:
        stage.rest(fault.seconds)
    finally:
        stage.registry.resume()
    return "awake"


def new_schema(stage, hands, fault):
    """A version with one field more, and where it is the reader's, records that have it at once."""
    subject = SUBJECTS[0] if fault.kind == "reader schema" else SUBJECTS[1]
    schema, number = stage.evolve(subject, "extra")
    if subject == SUBJECTS[0]:
        hands.write(stage.bench.input, records.logins(schema, number, NEW_RECORDS))
    return f"version {stage.versions[subject]}"


# A request that is held is delivered to the broker when its client has long sent it again over a new connection, and is in its
# next transaction; the client of a lost answer waits for it until it gives the connection up.
RULES = {
    "answers delayed": {"action": "delay", "on": "response", "ms": [100, 1500]},
    "answers lost": {"action": "drop", "on": "response"},
    "connections cut": {"action": "cut", "after": True},
    "requests held": {"action": "hold", "until": {"before": "Produce", "nth": 2}, "ms": 4000},
}


def network(stage, _hands, fault):
    """Between weir and the brokers, for one kind of request, while it lasts. What is held or delayed by then comes late."""
    before = stage.proxy.counts()
    rule = stage.proxy.add_rule(**RULES[fault.kind], **fault.args)
    try:
        stage.rest(fault.seconds)
    finally:
        stage.proxy.remove(rule)
    return ", ".join(f"{count} {what}" for what, count in sorted((stage.proxy.counts() - before).items())) or "met nothing"


def replay_killed(stage, _hands, fault):
    if not stage.replayer.kill(fault.args["after"], REPLAY_SECONDS):
        raise Skipped("no run was at work")
    return "killed"


SHARED = {
    "kill broker": broker_down,
    "kill controller": broker_down,
    "kill transaction coordinator": broker_down,
    "kill group coordinator": broker_down,
    "restart broker": broker_down,
    "reassign partitions": reassign,
    "move coordinators": move,
    "move leaders": move,
    "add partitions": add_partitions,
    "registry killed": registry_killed,
    "registry frozen": registry_frozen,
    "reader schema": new_schema,
    "output schema": new_schema,
    **dict.fromkeys(RULES, network),
    "replay killed": replay_killed,
}
