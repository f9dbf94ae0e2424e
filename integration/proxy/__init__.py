"""A proxy between weir and a real Kafka cluster that does to requests and answers what a bad network does.

Its law:
- It changes no byte and makes none up. It reads of a request what names it (wire.py) and passes it on, late, twice
  removed, or not at all. Kafka's brokers advertise the proxy's ports on a listener of their own (lab/cluster.py,
  proxied=True), so whoever bootstraps through the proxy stays behind it, and nobody else meets it.
- Each connection of a client has one to a broker, and what passes on it stays in order, as TCP keeps it: whoever delays
  a request delays all behind it. An overtaking ("reorder") is therefore one across connections. A request that is
  dropped alone is what TCP cannot do; it stands for a broker that never answers.
- A request that is held ("hold") reaches its broker after the client was seen to close the socket that it was sent on,
  which is what happens to one that was stuck in a network; its answer is thrown away. A delay that outlives the client's
  patience comes to the same.
- A message meets the first rule that strikes. Whether a rule strikes is a matter of how many messages it has matched,
  and of the seed: the n-th message that a rule matches has the same luck in each run of the same seed.
- Every fault is counted and written into the history, with the time of the monotonic clock that all processes share.

The rules and their words are in rules.py. A test or a chaos run uses the class Proxy, which starts the proxy as a
process and speaks to it over a socket; by hand: python -m proxy --help."""

from .handle import Proxy

__all__ = ["Proxy"]
