"""What a process leaves behind that dies and does not come back: its partitions, and a transaction that is still open."""

import pytest

QUICK = {"session.timeout.ms": 6000, "heartbeat.interval.ms": 500}
AMPLE = {"session.timeout.ms": 12000}  # Time to leave something open under a name that the group still counts on.
LEFT_OPEN_SECONDS = 120  # Longer than any of these tests waits.
SETTLED_SECONDS = 60  # The session, a rebalance, and much for busy cores.


@pytest.fixture
def left_open(bench):
    """left_open({partition: offset}, instance): a transaction with these offsets, under that instance's name, which nobody
    ends by himself before the test is over."""
    bench.topics()
    bench.generate(count=4000, rate=0, format="mixed", malformed=0.05)
    weir = bench.weir(instance="first", kafka=QUICK)
    bench.drained()
    assert weir.stop() == 0
    opened = []

    def leave(offsets, instance="dead"):
        name = f"{bench.name}-{instance}-0"
        producer = bench.hands.promise(bench.name, bench.input, offsets, name, LEFT_OPEN_SECONDS)
        opened.append(producer)
        return producer

    yield leave
    for producer in opened:
        producer.close(timeout=5)


def test_what_a_dead_member_left_open_is_ended_by_one_that_is_left(bench, left_open):
    """Of two one is killed, in the middle of a transaction that may last for two minutes: for nobody longer than the session."""
    one = bench.weir(instance="one", kafka=AMPLE)
    two = bench.weir(instance="two", kafka=AMPLE)
    for each in (one, two):
        each.wait_for_log(r'event=assigned .*msg="2 partitions', 30)
    before = bench.hands.committed(bench.name, bench.input)
    two.kill()
    left_open({2: before[2], 3: before[3]}, "two")
    bench.generate(count=4000, rate=0, format="mixed", malformed=0.05, seed=2)
    one.wait_for_log(rf"event=settled .*msg=\"{bench.name}-two-0 is gone", SETTLED_SECONDS)
    bench.drained(SETTLED_SECONDS)
    assert one.stop() == 0, one.tail()
    bench.judge().assert_clean()


def test_what_the_last_of_its_group_left_open_is_ended_by_whoever_comes_next(bench, left_open):
    """It comes under another name, while the group still counts on the one that is dead."""
    one = bench.weir(instance="one", kafka=AMPLE)
    one.wait_for_log(r'event=assigned .*msg="4 partitions', 30)
    before = bench.hands.committed(bench.name, bench.input)
    one.kill()
    left_open(before, "one")
    two = bench.weir(instance="two", kafka=AMPLE)
    bench.generate(count=4000, rate=0, format="mixed", malformed=0.05, seed=2)
    two.wait_for_log(rf"event=settled .*msg=\"{bench.name}-one-0 is gone", SETTLED_SECONDS)
    bench.drained(SETTLED_SECONDS)
    assert two.stop() == 0, two.tail()
    bench.judge().assert_clean()


def test_who_is_taken_for_dead_takes_its_name_back(bench, left_open):
    """Another has opened its transactional id, but nobody has its place in the group."""
    one = bench.weir(instance="one", kafka=QUICK)
    one.wait_for_log(r'event=assigned .*msg="4 partitions', 30)
    left_open({}, "one")
    bench.generate(count=4000, rate=0, format="mixed", malformed=0.05, seed=2)
    bench.drained()
    assert one.lines("event=fenced .*asking the group"), one.tail()
    assert one.stop() == 0, one.tail()
    bench.judge().assert_clean()


def test_an_offset_that_is_not_stable_holds_up_no_other_partition(bench, left_open):
    before = bench.hands.committed(bench.name, bench.input)
    dead = left_open({0: before[0], 1: before[1]})
    bench.generate(count=4000, rate=0, format="mixed", malformed=0.05, seed=2)
    ends = bench.hands.ends(bench.input)
    one = bench.weir(instance="one", kafka=QUICK)
    bench.passed({2: ends[2], 3: ends[3]}, 30)
    now = bench.hands.committed(bench.name, bench.input)
    assert {0: now[0], 1: now[1]} == {0: before[0], 1: before[1]}, "an offset that is not stable must not be guessed"
    assert one.lines(r"event=assigned .*2 partitions of .*, and 2 more"), one.tail()
    assert not one.lines("event=broker_down"), one.tail()
    dead.abort_transaction()
    bench.drained()
    one.wait_for_log(r'event=assigned .*msg="4 partitions of \S+"', 10)
    assert one.stop() == 0
    bench.judge().assert_clean()


def test_the_group_goes_on_while_one_of_it_has_nothing_but_unstable_offsets(bench, left_open):
    before = bench.hands.committed(bench.name, bench.input)
    dead = left_open({0: before[0], 1: before[1]})
    one = bench.weir(instance="one", kafka=QUICK)
    one.wait_for_log(r"event=assigned .*2 partitions of .*, and 2 more", 30)
    two = bench.weir(instance="two", kafka=QUICK)
    one.wait_for_log(r"event=assigned .*0 partitions of .*, and 2 more", 30)
    two.wait_for_log(r'event=assigned .*msg="2 partitions', 30)
    three = bench.weir(instance="three", kafka=QUICK)  # Between the two by name, and so in what it is given.
    three.wait_for_log(r'event=assigned .*msg="1 partitions', 30)
    bench.generate(count=4000, rate=0, format="mixed", malformed=0.05, seed=2)
    ends = bench.hands.ends(bench.input)
    bench.passed({2: ends[2], 3: ends[3]}, 30)
    dead.abort_transaction()
    bench.drained()
    for weir in (one, two, three):
        assert weir.stop() == 0, weir.tail()
    bench.judge().assert_clean()


def test_an_offset_that_moves_when_the_transaction_ends_is_where_its_partition_begins(bench, left_open):
    before = bench.hands.committed(bench.name, bench.input)
    bench.generate(count=4000, rate=0, format="avro", malformed=0, missing=0, seed=2)
    moved = before[0] + 100
    dead = left_open({0: moved})
    ends = bench.hands.ends(bench.input)
    assert ends[0] > moved, "the load should have reached further"
    weir = bench.weir(instance="one", kafka=QUICK)
    bench.passed({partition: ends[partition] for partition in (1, 2, 3)}, 30)
    dead.commit_transaction()
    bench.drained()
    assert weir.stop() == 0
    offsets = sorted(offset for partition, offset in bench.outputs() if partition == 0 and offset >= before[0])
    assert offsets == list(range(moved, ends[0])), "it begins there, neither before nor behind"
