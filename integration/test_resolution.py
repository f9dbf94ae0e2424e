"""Schema resolution against two libraries that share nothing with weir; `python -m lab.trials` goes on from here."""

import pytest

from lab.resolver import Resolver
from lab.trials import Trials

TRIALS = 3000


@pytest.fixture(scope="module")
def resolver():
    resolver = Resolver()
    yield resolver
    resolver.close()


def test_random_evolutions_are_read_as_java_and_fastavro_read_them(resolver):
    trials = Trials(resolver)
    trials.run(seed=1, trials=TRIALS)
    assert not trials.unexplained, trials.unexplained[:3]
    assert trials.counts["java: same bytes"] > TRIALS / 2
    assert trials.counts["fastavro: same value"] > TRIALS / 2
