"""One answer that never comes while weir joins its group. The connection stays, and librdkafka waits without a word: for
a minute, or for as long as a rebalance may take."""

import pytest

WITHIN_SECONDS = 90  # The patience with the group is a third of it.
SEEN_SECONDS = 30
LOST_PATIENCE = {"FindCoordinator", "JoinGroup"}
APIS = ["FindCoordinator", "JoinGroup", "SyncGroup", "OffsetFetch", "ListOffsets"]


@pytest.mark.parametrize("api", APIS)
def test_an_answer_that_never_comes_is_not_waited_for(bench, proxy, api):
    bench.topics()
    bench.generate(count=1000, rate=0, format="mixed", malformed=0.05)
    weir = bench.weir(start=False, kafka={"bootstrap.servers": proxy.bootstrap})
    # Three look for a coordinator at the start, and which of them is first nobody knows: the member, the producer, which
    # asks again, and the client for questions, which can wait.
    count = 3 if api == "FindCoordinator" else 1
    proxy.add_rule(action="drop", on="response", api=api, limit=count)
    weir.start()
    proxy.wait_for(f"drop {api} response", SEEN_SECONDS, count)
    bench.drained(WITHIN_SECONDS)
    said = weir.lines("event=rejoin .*has not said for [0-9]+ s which partitions")
    assert said or api not in LOST_PATIENCE, weir.tail()
    assert weir.stop() == 0, weir.tail()
    bench.judge().assert_clean()
