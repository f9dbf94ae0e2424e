"""A replay that is killed $SOAK_KILLS (100) times, at steps and moments that follow from $SOAK_SEED (1). Run by script/soak."""

import os
from collections import Counter

from lab.letters import Letters

KILLS = int(os.environ.get("SOAK_KILLS", "100"))
SEED = int(os.environ.get("SOAK_SEED", "1"))


def test_a_replay_that_is_killed_often(bench):
    letters = Letters(bench).fail_enough(KILLS)
    killed = letters.replay_killed(KILLS, SEED)
    done, left = letters.replay_the_rest()
    moments = sum(each.startswith("after") for each in killed)
    steps = Counter(each for each in killed if not each.startswith("after"))
    print(
        f"seed {SEED}: {KILLS} runs killed, {moments} of them at random moments, the others at {dict(sorted(steps.items()))}; "
        f"{done} letters replayed by then and {left} after it, none twice, none missing, the ledger agrees"
    )
