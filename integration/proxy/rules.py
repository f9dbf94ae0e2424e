"""Which message meets which fault.

A rule is a dict of these words; only action and api are needed:

  action    delay    it comes `ms` later, and whatever is behind it on its connection
            drop     it never comes; the connection stays open, and the client waits until it has had enough
            cut      the client's socket is closed. A request is not passed on, or with after=True it is, and its answer
                     is thrown away; an answer never comes
            hold     requests only. The client's socket is closed, and the request is delivered later: see until, ms. With
                     silent=True nothing is closed and nothing passes any more on that connection until the client itself
                     has closed it
            reorder  requests only. It waits until another one that the rule matches has passed on another connection and
                     was answered, or for `ms`
  api       a name of Kafka's ("EndTxn"), several in a list, or "*" for all
  on        "request" (default) or "response"
  client    only of that client.id
  producer  only of that transactional.id, where the request names one (wire.py)
  broker    only to or from that broker's number
  nth       from the nth match on (default 1)
  limit     strikes so often at most
  chance    strikes with that probability (default 1)
  ms        milliseconds, or [least, most]. Of a hold: delivered after that time at the latest
  until     of a hold: {"before": API, "nth": N} or {"after": API, "nth": N}: delivered when the same producer (the same
            client, where no producer is named) sends its N-th such request from then on, before that is passed on; or when
            that has been answered, before the answer is. {"settle": MS} lets so much time pass once the held request has
            been answered, before anything goes on: a coordinator answers EndTxn before it has written its markers

A hold with neither ms nor until waits to be released by hand."""

import random
from typing import NamedTuple, Optional

from .wire import NAMES

ACTIONS = {"request": ("delay", "drop", "cut", "hold", "reorder"), "response": ("delay", "drop", "cut")}
WORDS = ("action", "api", "on", "client", "producer", "broker", "nth", "limit", "chance", "ms", "after", "silent", "until")
NEED_MS = ("delay", "reorder")
SETTLE_MS = 0


class RuleError(ValueError):
    """A rule that says nothing that can be done."""


def _demand(true, what):
    if not true:
        raise RuleError(what)


def _apis(word):
    names = [word] if isinstance(word, str) else list(word or [])
    _demand(names, "a rule needs an api")
    for name in names:
        _demand(name == "*" or name in NAMES, f"{name!r} is no api of Kafka's that the proxy knows")
    return None if "*" in names else frozenset(names)


def _span(ms):
    low, high = ms if isinstance(ms, (list, tuple)) else (ms, ms)
    _demand(0 <= low <= high, f"ms must be a time, or [least, most], not {ms!r}")
    return low, high


class Until:
    """When a held request is delivered."""

    def __init__(self, words):
        unknown = set(words) - {"before", "after", "nth", "settle"}
        _demand(not unknown, f"until has no {sorted(unknown)}")
        self.side = "before" if "before" in words else "after"
        self.api = words.get(self.side)
        _demand(("before" in words) != ("after" in words), "until needs before or after")
        _demand(self.api in NAMES, f"{self.api!r} is no api of Kafka's that the proxy knows")
        self.nth = words.get("nth", 1)
        _demand(self.nth >= 1, "until's nth counts from 1")
        self.settle = words.get("settle", SETTLE_MS) / 1000


class Strike(NamedTuple):
    rule: "Rule"
    seconds: Optional[float]  # The rule's ms, drawn for this one.


class Rule:
    """One rule, and how often it has matched and struck."""

    def __init__(self, number, words, seed):
        unknown = set(words) - set(WORDS)
        _demand(not unknown, f"a rule has no {sorted(unknown)}; it has {', '.join(WORDS)}")
        self.number, self.words = number, words
        self.on, self.action = words.get("on", "request"), words.get("action")
        _demand(self.on in ACTIONS, f"on must be request or response, not {self.on!r}")
        _demand(self.action in ACTIONS[self.on], f"action of a {self.on} must be one of {', '.join(ACTIONS[self.on])}")
        self.apis = _apis(words.get("api"))
        self.client, self.producer, self.broker = (words.get(word) for word in ("client", "producer", "broker"))
        self.nth, self.limit, self.chance = words.get("nth", 1), words.get("limit"), words.get("chance", 1.0)
        _demand(words.get("ms") is not None or self.action not in NEED_MS, f"{self.action} needs ms")
        self.ms = _span(words["ms"]) if words.get("ms") is not None else None
        self.after, self.silent = words.get("after", False), words.get("silent", False)
        self.until = Until(words["until"]) if words.get("until") else None
        self.matched = self.struck = 0
        self._random = random.Random(f"{seed}:{number}")

    def matches(self, on, request, broker):
        return (
            on == self.on
            and (self.apis is None or request.api in self.apis)
            and self.client in (None, request.client)
            and self.producer in (None, request.producer)
            and self.broker in (None, broker)
        )

    def meet(self, taken):
        """The next match: a Strike, or None, as always when another rule has taken the message. What is drawn depends on
        how many matches there were and on nothing else."""
        self.matched += 1
        luck, share = self._random.random(), self._random.random()
        spent = self.limit is not None and self.struck >= self.limit
        if taken or spent or self.matched < self.nth or luck >= self.chance:
            return None
        self.struck += 1
        low, high = self.ms or (None, None)
        return Strike(self, None if low is None else (low + share * (high - low)) / 1000)


class Rules:
    """All rules, the oldest first."""

    def __init__(self, seed):
        self.seed, self._next, self._rules = seed, 1, {}

    def add(self, words):
        rule = Rule(self._next, words, self.seed)
        self._next += 1
        self._rules[rule.number] = rule
        return rule

    def remove(self, number):
        _demand(self._rules.pop(number, None) is not None, f"there is no rule {number}")

    def clear(self):
        self._rules.clear()

    def strike(self, on, request, broker):
        """The Strike of the first rule that strikes this message, or None. The others count it as a match."""
        struck = None
        for rule in self._rules.values():
            if rule.matches(on, request, broker):
                struck = rule.meet(taken=struck is not None) or struck
        return struck
