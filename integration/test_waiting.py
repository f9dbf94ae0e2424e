"""A dependency that is down is never a reason to reject a record, nor to talk about it more than once."""

import time

from lab.judge import EXPECT
from lab.logins import plain

QUIET_SECONDS = 4  # Long enough for several tries.


def test_a_missing_dead_letter_topic_is_waited_for(bench):
    bench.topics(dead=False)
    bench.generate(count=2000, rate=0, format="mixed", malformed=0.1)
    weir = bench.weir()
    weir.wait_for_log(r"level=(warn|error).*topic_missing", 20)
    time.sleep(QUIET_SECONDS)
    assert weir.alive
    assert len(weir.lines(r"level=(warn|error).*topic_missing")) == 1, weir.tail()
    bench.hands.create(bench.dead, 4)
    bench.drained()
    assert weir.stop() == 0
    bench.judge().assert_clean()


def test_a_letter_too_large_for_its_topic_waits_until_it_fits(bench):
    bench.hands.create(bench.input, 2)
    bench.hands.create(bench.output, 2)
    bench.hands.create(bench.dead, 2, max_message_bytes=4000)
    large = {"value": b"x" * 10000, "headers": [(EXPECT, b"REJECT bad_magic")]}
    small = {"value": plain(), "headers": [(EXPECT, b"PASS")]}
    for partition in range(2):
        bench.hands.write(bench.input, [{**record, "partition": partition} for record in (small, large, small)])
    weir = bench.weir()
    weir.wait_for_log(r"level=warn event=dead_letter_limit", 20)  # It could be foreseen.
    weir.wait_for_log(r"level=(warn|error).*letter_too_large", 20)
    time.sleep(QUIET_SECONDS)
    assert weir.alive
    assert len(weir.lines(r"level=(warn|error).*letter_too_large")) == 1, weir.tail()
    assert bench.records(bench.dead) == []
    bench.hands.configure(bench.dead, max_message_bytes=1000000)
    bench.drained(10)
    assert weir.stop() == 0
    bench.judge().assert_clean()
