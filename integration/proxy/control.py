"""The control channel: on a loopback socket, a JSON object a line in and one out.

  {"do": "add", "rule": {...}}     {"rule": NUMBER}
  {"do": "remove", "rule": NUMBER} {}
  {"do": "clear"}                  {}                      no rule any more; what is held stays held
  {"do": "release"}                {}                      delivers what is held, and answers when that is done
  {"do": "counts"}                 {"counts": {...}, "held": N}
An error is answered with {"error": TEXT}."""

import asyncio
import json

from .relay import HOST
from .rules import RuleError

LINE_MAX = 1 << 20


class Control:
    def __init__(self, relay):
        self.relay = relay

    async def start(self):
        """Returns the port."""
        server = await asyncio.start_server(self._serve, HOST, 0, limit=LINE_MAX)
        return server, server.sockets[0].getsockname()[1]

    async def _serve(self, reader, writer):
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self._answer(line)).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError):
            pass  # Whoever asked has gone, or does not know when to stop.
        finally:
            writer.close()

    async def _answer(self, line):
        try:
            words = json.loads(line)
            do = getattr(self, f"_do_{words['do']}", None)
            if do is None:
                return {"error": f"there is no {words['do']!r} to do"}
            return await do(words)
        except (RuleError, ValueError, KeyError, TypeError) as error:
            return {"error": f"{type(error).__name__}: {error}"}

    async def _do_add(self, words):
        rule = self.relay.rules.add(words["rule"])
        self.relay.history.write("rule", rule=rule.number, words=rule.words)
        return {"rule": rule.number}

    async def _do_remove(self, words):
        self.relay.rules.remove(words["rule"])
        self.relay.history.write("removed", rule=words["rule"])
        return {}

    async def _do_clear(self, words):
        self.relay.rules.clear()
        self.relay.history.write("cleared")
        return {}

    async def _do_release(self, words):
        await self.relay.holds.release()
        return {}

    async def _do_counts(self, words):
        return {"counts": dict(self.relay.history.counts), "held": len(self.relay.holds)}
