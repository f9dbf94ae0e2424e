"""weir behind a network that loses, delays and holds back: requests that arrive too late must not act on the next
transaction, and nothing else that happens to one request may be seen in the topics.

The brokers are real and so is what a late request does to them: the tests of end_txn_guard are run without it too, and
then the judge must find damage. What is late is told by the answer: 0 when it was taken, INVALID_PRODUCER_EPOCH when the
producer had been made anew in the meantime."""

import random

import pytest

from lab.processes import Timeout, until

TAKEN = 0  # NONE of Kafka's protocol.
ROUNDS = 3
ATTEMPTS = 12  # A late request that finds the next transaction at an end does nothing; most find it in its middle.
SEEN_SECONDS = 30
MET_SECONDS = 80  # A start at which every request is lost once takes a quarter of it.
GIVE_WAY_SECONDS = 10  # Longer than a heartbeat's interval, by which a member hears that it was replaced.
SETTLE_MS = 100  # The markers of a transaction that was ended in its middle are written by then.
PAUSE_MS = 1000  # For so long the next EndTxn waits, so that a rule can be made for the one behind it.


def running(bench, proxy, without=None):
    """weir behind the proxy, once it has committed something. One Produce is answered before the next is sent, so that a
    transaction that is ended between two of them has a first half."""
    one_by_one = {"max.in.flight.requests.per.connection": 1}
    weir = bench.weir(without=without, kafka={"bootstrap.servers": proxy.bootstrap, **one_by_one})
    until(lambda: bench.hands.committed(bench.name, bench.input), SEEN_SECONDS, "the first commit")
    return weir


def ended(bench, weir):
    """Waits for everything, stops weir, judges."""
    bench.drained()
    assert weir.stop() == 0, weir.tail()
    return bench.judge()


def enough(load):
    """Ends a load that was begun without an end in sight."""
    load.terminate()
    assert load.wait(SEEN_SECONDS) == 0


def late_answers(proxy, api):
    return [event["error"] for event in proxy.events("delivered") if event["api"] == api]


def hold_an_end(bench, proxy, weir, count):
    """An EndTxn is held; librdkafka sends it again over a new connection, and that one commits. The first is delivered
    between two of the next transaction's Produce requests."""
    proxy.add_rule(action="hold", api="EndTxn", limit=1, until={"before": "Produce", "nth": 3, "settle": SETTLE_MS})
    proxy.wait_for("delivered EndTxn", SEEN_SECONDS, count)


def hold_an_offset(bench, proxy, weir, count):
    """A TxnOffsetCommit is held; librdkafka sends it again, and its transaction is committed. The first one is delivered
    in the next transaction, behind that one's own: the last one wins. Then weir is killed, before a transaction more is
    committed, so that it goes on from what the group has."""
    proxy.add_rule(
        action="hold", api="TxnOffsetCommit", limit=1, until={"before": "EndTxn", "nth": 2, "settle": PAUSE_MS}
    )
    proxy.wait_for("delivered TxnOffsetCommit", SEEN_SECONDS, count)
    # That transaction's own EndTxn waits in the proxy, past the rules: the next one is dropped.
    drop = proxy.add_rule(action="drop", api="EndTxn")
    dropped = proxy.counts()["drop EndTxn request"]
    proxy.wait_for("drop EndTxn request", SEEN_SECONDS, dropped + 1)
    weir.kill()
    proxy.remove(drop)
    done = bench.hands.committed(bench.name, bench.input)
    weir.start()
    until(lambda: bench.hands.committed(bench.name, bench.input) != done, SEEN_SECONDS, "records to flow again")


HELD = {"EndTxn": hold_an_end, "TxnOffsetCommit": hold_an_offset}


@pytest.mark.parametrize("api", HELD)
def test_what_is_late_does_not_act_on_the_next_transaction(bench, proxy, api):
    bench.topics()
    load = bench.load(rate=2000, duration="90s", format="mixed", malformed=0.05)
    weir = running(bench, proxy)
    for count in range(1, ROUNDS + 1):
        HELD[api](bench, proxy, weir, count)
    enough(load)
    ended(bench, weir).assert_clean()
    answers = late_answers(proxy, api)
    assert len(answers) == ROUNDS and TAKEN not in answers, answers


@pytest.mark.parametrize("api", HELD)
def test_without_the_guard_what_is_late_acts_on_the_next_transaction(bench, proxy, api):
    """EndTxn: a transaction's first half is committed, with its offsets or without them, and the rest is refused.
    TxnOffsetCommit: the group goes back to where the transaction before ended; or forward, when that one was aborted."""
    bench.topics()
    load = bench.load(rate=2000, duration="90s", format="mixed", malformed=0.05)
    weir = running(bench, proxy, without="end_txn_guard")
    for count in range(1, ATTEMPTS + 1):
        HELD[api](bench, proxy, weir, count)
        weir.stop()
        report = bench.judge()
        if report.damage:
            break
        weir.start()
    enough(load)
    print(f"attempt {count}: {dict(report.damage)}")
    assert TAKEN in late_answers(proxy, api)
    assert report.damage["lost"] + report.damage["duplicated"] > 0, f"{count} late {api} did no damage: {report}\n{weir.tail()}"


OF_TRANSACTIONS = ("Produce", "AddPartitionsToTxn", "AddOffsetsToTxn", "TxnOffsetCommit", "EndTxn")
OF_THE_START = ("FindCoordinator", "Metadata", "InitProducerId", "JoinGroup", "SyncGroup", "OffsetFetch", "Fetch", "Heartbeat")
# The brokers take the later one of two for a newer process under the same name. With what the first one leads to.
NEWER_THAN_ITS_RETRY = {"InitProducerId": "Produce", "JoinGroup": "SyncGroup"}
FAULTS = {
    "requests come late": {"action": "delay", "ms": [50, 1000], "limit": 3},
    "answers come late": {"action": "delay", "ms": [50, 1000], "limit": 3, "on": "response"},
    "requests are lost": {"action": "drop", "limit": 1},
    "answers are lost": {"action": "drop", "limit": 1, "on": "response"},
    "connections break before a request": {"action": "cut", "limit": 3},
    "connections break behind a request": {"action": "cut", "limit": 3, "after": True},
    "connections break before an answer": {"action": "cut", "limit": 3, "on": "response"},
    "requests arrive after their connection broke": {"action": "hold", "limit": 3, "ms": [20, 2000]},
    "requests arrive after the client gave them up": {"action": "hold", "limit": 1, "ms": 0, "silent": True},
}
# What is lost is missed soon: the least that librdkafka takes. A lost JoinGroup it misses after max.poll.interval.ms.
IMPATIENT = {
    "socket.timeout.ms": 1500,
    "session.timeout.ms": 6000,
    "max.poll.interval.ms": 6000,
    "heartbeat.interval.ms": 1000,
}


def add_rules(proxy, fault, chance):
    """One for each kind of request; returns the kinds. The fault meets the first of those that belong to the start, and of
    the others some in the middle of the work."""
    start = [api for api in OF_THE_START if not (fault["action"] == "hold" and api in NEWER_THAN_ITS_RETRY)]
    if fault.get("silent"):
        start = []  # At the start the client has the same patience as with what is lost.
    for api in start:
        proxy.add_rule(**{**fault, "api": api, "limit": 1})
    for api in OF_TRANSACTIONS:
        proxy.add_rule(**fault, api=api, nth=chance.randrange(1, 8), chance=0.5)
    return {*start, *OF_TRANSACTIONS}


@pytest.mark.parametrize("name", FAULTS)
def test_whatever_happens_to_a_request_is_not_seen(bench, proxy, name):
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    bench.topics()
    load = bench.load(rate=2000, duration="90s", format="mixed", malformed=0.05)
    kinds = add_rules(proxy, FAULTS[name], random.Random(seed))
    weir = bench.weir(kafka={"bootstrap.servers": proxy.bootstrap, **IMPATIENT})
    until(lambda: {event["api"] for event in proxy.events("fault")} == kinds, MET_SECONDS, lambda: proxy.counts())
    enough(load)
    print(proxy.counts())
    ended(bench, weir).assert_clean()


@pytest.mark.parametrize("api, behind", NEWER_THAN_ITS_RETRY.items())
def test_a_start_that_is_late_harms_nothing(bench, proxy, api, behind):
    """Its own retry was answered by then, and what is late takes its place. In the group nothing tells that from another
    process of the same name, so weir gives way; whoever supervises it starts it again. As a producer alone it is fenced:
    the group knows of nobody else, and it goes on."""
    met = gives_way if api == "JoinGroup" else goes_on
    bench.topics()
    load = bench.load(rate=2000, duration="90s", format="mixed", malformed=0.05)
    weir = bench.weir(start=False, kafka={"bootstrap.servers": proxy.bootstrap})
    for count in range(1, ATTEMPTS + 1):
        proxy.add_rule(action="hold", api=api, limit=1, until={"after": behind})
        weir.start()
        proxy.wait_for(f"delivered {api}", SEEN_SECONDS, count)
        if met(weir):
            break
        weir.kill()  # The brokers had no time for it: CONCURRENT_TRANSACTIONS.
    else:
        pytest.fail(f"what was late had no effect\n{weir.tail()}")
    if api == "JoinGroup":
        assert weir.lines("event=duplicate_identity"), weir.tail()
        weir.start()
    enough(load)
    ended(bench, weir).assert_clean()


def goes_on(weir):
    try:
        weir.wait_for_log("event=fenced .*asking the group", GIVE_WAY_SECONDS)
        weir.wait_for_log("event=rebuilt", GIVE_WAY_SECONDS)
    except Timeout:
        return False
    return weir.alive


def gives_way(weir):
    try:
        return weir.wait(GIVE_WAY_SECONDS) != 0
    except Timeout:
        return False
