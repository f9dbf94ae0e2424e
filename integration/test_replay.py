"""A replay behind a network that cuts its connections."""

from lab.letters import Letters


def test_a_replay_that_loses_a_connection_under_each_transaction(bench, proxy):
    """It makes itself a new producer and reads its ledger again before each next one, in the middle of its letters."""
    letters = Letters(bench).fail(bad=900, good=0, breaker="off")
    letters.mend(kafka={"bootstrap.servers": proxy.bootstrap})
    proxy.add_rule(action="cut", api="EndTxn", after=True, producer=f"{bench.name}-dlq-replay", nth=2, limit=8)
    assert letters.json("replay", "--everything", "--yes")[0]["replayed"] == 900
    assert proxy.counts()["cut EndTxn request"] > 0
    letters.replayed_once(letters.places())
