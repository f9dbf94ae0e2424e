"""Dead letters of a bench, what `weir dlq` does to them, and what must be true of them afterwards."""

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter

from .judge import AvroCoordinates, letter_coordinates
from .logins import plain
from .processes import spawn
from .weir import binary

TRACE = ("traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
RUN_SECONDS = 60
# Where a run is killed: before its first transaction, in it, in that of its letters, in its last, and between them.
STEPS = ["fenced", "loaded", "sent:1", "begun", "sent:2", "committed:2", "sent:3", "committed:3"]
AT_ONCE = 20  # Letters that a run may replay before replay_killed() ends it.
KILL_SECONDS = 0.25  # Within which it does; about as long as such a run takes.


class Letters:
    """The dead letters of a bench: records that a check rejects until the configuration is mended."""

    def __init__(self, bench, partitions=2):
        self.bench = bench.topics(partitions=partitions)
        hands = bench.hands
        self.ledger, self.audit, self.parking = (f"{bench.name}-dlq-{name}" for name in ("ledger", "audit", "parking"))
        hands.create(self.ledger, 2, cleanup_policy="compact")
        hands.create(self.audit)
        hands.create(self.parking)
        self.partitions = partitions

    def fail(self, bad=60, good=20, rubbish=0, more=(), **changes):
        """Records of which weir makes letters: bad ones, whose address no check takes, rubbish for ever, and more."""
        records = [{"value": plain(user_id=f"good-{i}"), "partition": i % self.partitions} for i in range(good)]
        records += [
            {"value": plain(user_id=f"bad-{i}", ip="999.1.1.1"), "key": b"key-%d" % (i % 7), "headers": [TRACE],
             "partition": i % self.partitions}
            for i in range(bad)
        ]
        records += [{"value": b"\xff\x00rubbish", "partition": i % self.partitions} for i in range(rubbish)]
        self.bench.hands.write(self.bench.input, [*records, *more])
        weir = self.bench.weir(**changes)
        self.bench.drained()
        assert weir.stop() == 0
        assert len(self.bench.records(self.bench.dead)) == bad + rubbish + len(more)
        self.config = weir.config_path
        return self

    def mend(self, **changes):
        """The configuration of which the bad ones pass."""
        config = self.bench.config(check=None, **changes)
        self.config = self.bench.folder / "mended.yaml"
        self.config.write_text(json.dumps(config))
        return self

    def argv(self, *words):
        return [str(binary()), "dlq", *words, "-c", str(self.config)]

    def run(self, *words, status=0, env=None):
        """Runs a verb to its end and returns what it printed."""
        done = subprocess.run(self.argv(*words), capture_output=True, text=True, timeout=RUN_SECONDS, check=False,
                              env={**os.environ, **(env or {})})
        assert done.returncode == status, f"weir dlq {words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout if status in (0, 1) else done.stderr

    def json(self, *words, **options):
        return [json.loads(line) for line in self.run(*words, "--json", **options).splitlines()]

    def states(self):
        """The ledger as a reader of the compacted topic sees it: letter → its last value."""
        last = {}
        for record in self.bench.records(self.ledger):
            if record.key != b"lease":
                last[record.key.decode()] = json.loads(record.value)
        return last

    def replayed_once(self, expected):
        """Output and ledger agree: each of the expected source coordinates is in the output exactly once."""
        decode = AvroCoordinates(self.bench.schemas, "processed-user-login-value")
        found = Counter(decode(record) for record in self.bench.records(self.bench.output))
        assert not {place for place, n in found.items() if n > 1}, "doubled"
        letters = {letter_coordinates(letter) for letter in self.bench.records(self.bench.dead)}
        assert found.keys() & letters == expected
        closed = {key for key, value in self.states().items() if value["state"] == "replayed"}
        assert closed == {f"{self.bench.input}:{p}:{o}" for p, o in expected}

    def places(self):
        return {letter_coordinates(letter) for letter in self.bench.records(self.bench.dead)}

    def fail_enough(self, kills):
        """Letters for so many runs that are killed, to which the mended configuration is given."""
        return self.fail(bad=2 * kills * AT_ONCE, good=0, breaker="off").mend()

    def replay_killed(self, kills, seed):
        """Replays AT_ONCE letters, again and again, until so many such runs were killed; returns where each was."""
        chance, killed, tries = random.Random(seed), [], 0
        while len(killed) < kills:
            tries += 1
            assert tries <= 2 * kills, f"only {len(killed)} of {tries - 1} runs were still there when their moment came"
            step = chance.choice(STEPS) if chance.random() < 0.5 else None
            moment = chance.uniform(0, KILL_SECONDS)
            if self._kill(step, moment):
                killed.append(step or f"after {moment:.3f} s")
        return killed

    def _kill(self, step, moment):
        """Kills a run at a step, or else after so many seconds; says whether it was still there."""
        words = self.argv("replay", "--everything", "--yes", "--limit", str(AT_ONCE))
        env = {**os.environ, **({"WEIR_TEST_KILL_AT": step} if step else {})}
        run = spawn(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if step is None:
            time.sleep(moment)
            run.kill()
        output, _ = run.communicate(timeout=RUN_SECONDS)
        assert run.returncode == -signal.SIGKILL or (step, run.returncode) == (None, 0), (
            f"killed {step or moment}: {run.returncode}\n{output}"
        )
        return run.returncode != 0

    def replay_the_rest(self):
        """What was left by those that were killed, and not more."""
        done = len(self.states())
        left = len(self.places()) - done
        assert left > 0
        assert self.json("replay", "--everything", "--yes")[0]["replayed"] == left
        self.replayed_once(self.places())
        return done, left
