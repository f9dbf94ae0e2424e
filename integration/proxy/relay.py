"""Passes frames between clients and brokers, and lets the rules have their way with them."""

import asyncio
import struct
from collections import deque
from typing import NamedTuple

from . import wire

HOST = "127.0.0.1"
ANSWER_SECONDS = 30  # For so long the proxy waits for the answer to a request whose client is gone.
HELD_MAX = 256  # More than that many are not held at a time: they pass.
BUFFER = 1 << 20  # Read ahead on each connection.
_LENGTH = struct.Struct(">i")


class Route(NamedTuple):
    """A broker's number, the proxy's port for it, and its own."""

    broker: int
    outer: int
    inner: int


class Gone(ConnectionError):
    """The other side of a connection has closed it."""


class Stream:
    """Frames on a socket."""

    def __init__(self, reader, writer):
        self._reader, self._writer = reader, writer
        self.closed = False

    async def read(self):
        try:
            (length,) = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))
            if not 0 <= length <= wire.FRAME_MAX:
                raise wire.WireError(f"a frame of {length} bytes")
            return await self._reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError) as error:
            raise Gone("closed") from error

    async def write(self, frame):
        if self.closed:
            raise Gone("closed")
        try:
            self._writer.writelines((_LENGTH.pack(len(frame)), frame))
            await self._writer.drain()
        except OSError as error:
            raise Gone("closed") from error

    def close(self):
        """What was written is still sent."""
        self.closed = True
        self._writer.close()

    def cut(self):
        """At once, whatever was written."""
        self.closed = True
        self._writer.transport.abort()

    def say_end(self):
        """Closes our direction only, so that the other side's close can be seen."""
        self.closed = True
        if not self._writer.is_closing() and self._writer.can_write_eof():
            try:
                self._writer.write_eof()
            except OSError:
                pass  # It was closed already.

    async def wait_end(self):
        """Reads to the end of what the other side sends, and forgets it."""
        try:
            while await self._reader.read(1 << 16):
                pass
        except OSError:
            pass


async def connect(port):
    return Stream(*await asyncio.open_connection(HOST, port, limit=BUFFER))


class Flight:
    """A request that its broker has, and the answer to come."""

    def __init__(self, request, overtakes=()):
        self.request, self._overtakes = request, overtakes
        self.answer = asyncio.get_running_loop().create_future()

    def settle(self, frame):
        """frame: None when there will be none."""
        if not self.answer.done():
            self.answer.set_result(frame)
        for event in self._overtakes:
            event.set()


class Link:
    """One connection of a client, and the one to its broker that stands for it."""

    def __init__(self, relay, route, client):
        self.relay, self.route, self.client = relay, route, client
        self.broker = None
        self._flights = deque()
        self._mute = False  # Nothing passes to the client any more.
        self._kept = 0  # Reasons to keep the broker's connection although the client has gone.

    async def run(self):
        try:
            self.broker = await connect(self.route.inner)
        except OSError:
            self.client.close()
            return
        answers = asyncio.create_task(self._answers())
        try:
            await self._requests()
        finally:
            self.client.close()
            self._leave()
            await answers

    def _leave(self):
        if self._kept == 0:
            self.broker.close()

    # --- the way there ---

    async def _requests(self):
        try:
            while not self.client.closed:
                request = wire.parse_request(await self.client.read())
                strike = self.relay.rules.strike("request", request, self.route.broker)
                if strike is None or not self._may(strike.rule):
                    await self._pass(request)
                else:
                    self.relay.history.fault(strike.rule, "request", request, self.route.broker)
                    await getattr(self, "_" + strike.rule.action)(request, strike)
        except Gone:
            pass
        except wire.WireError as error:
            self.relay.history.write("nonsense", broker=self.route.broker, why=str(error))

    def _may(self, rule):
        return rule.action != "hold" or len(self.relay.holds) < HELD_MAX

    async def _pass(self, request):
        await self.relay.holds.notice("before", request)
        flight = Flight(request, self.relay.overtakings.of(request, self))
        self._flights.append(flight)
        await self.broker.write(request.frame)
        return flight

    async def _delay(self, request, strike):
        await asyncio.sleep(strike.seconds)
        await self._pass(request)

    async def _drop(self, request, strike):
        pass

    async def _cut(self, request, strike):
        self._mute = True
        if strike.rule.after:
            flight = await self._pass(request)
        self.client.cut()
        if strike.rule.after:
            # Whoever closes with an answer underway resets the connection, and the broker might lose the request.
            await asyncio.wait([flight.answer], timeout=ANSWER_SECONDS)

    async def _reorder(self, request, strike):
        await self.relay.overtakings.wait(strike, request, self)
        await self._pass(request)

    async def _hold(self, request, strike):
        self._mute = True
        self._kept += 1
        held = self.relay.holds.add(request, strike, self)
        if not strike.rule.silent:
            self.client.say_end()
        await self.client.wait_end()
        self.client.close()
        self.relay.history.write("closed", broker=self.route.broker, id=request.id)
        held.orphaned.set()

    async def deliver(self, request):
        """Brings a held request to its broker, over the old connection or a new one; returns the answer."""
        try:
            if self.broker.closed:
                return await self._deliver_anew(request)
            flight = Flight(request)
            self._flights.append(flight)
            await self.broker.write(request.frame)
            answer = await asyncio.wait_for(flight.answer, ANSWER_SECONDS)
            if answer is None:
                raise Gone("closed")
            return answer
        finally:
            self._kept -= 1
            self._leave()

    async def _deliver_anew(self, request):
        broker = await connect(self.route.inner)
        try:
            await broker.write(request.frame)
            return await asyncio.wait_for(broker.read(), ANSWER_SECONDS)
        finally:
            broker.close()

    # --- the way back ---

    async def _answers(self):
        try:
            while True:
                frame = await self.broker.read()
                flight = self._flight_of(wire.answer_id(frame))
                if flight is not None:
                    await self._answer(flight, frame)
        except Gone:
            self.relay.history.write("gone", broker=self.route.broker)
        except wire.WireError as error:
            self.relay.history.write("nonsense", broker=self.route.broker, why=str(error))
        self.client.close()
        self.broker.close()
        for flight in self._flights:
            flight.settle(None)

    def _flight_of(self, number):
        """Kafka answers in order; a Produce that wants no acknowledgement is not answered at all."""
        while self._flights:
            flight = self._flights.popleft()
            if flight.request.id == number:
                return flight
            flight.settle(None)
        return None

    async def _answer(self, flight, frame):
        if not self._mute:
            await self.relay.holds.notice("after", flight.request)
            await self._give(flight.request, frame)
        flight.settle(frame)

    async def _give(self, request, frame):
        strike = self.relay.rules.strike("response", request, self.route.broker)
        if strike is not None:
            error = wire.answer_error(request, frame)
            self.relay.history.fault(strike.rule, "response", request, self.route.broker, error=error)
            if strike.rule.action == "delay":
                await asyncio.sleep(strike.seconds)
            elif strike.rule.action == "cut":
                self._mute = True
                self.client.cut()
        if strike is None or strike.rule.action == "delay":
            try:
                await self.client.write(frame)
            except Gone:
                pass  # The broker's connection may be kept for a request that is held.


class Overtakings:
    """Requests that wait until another one has passed on another connection and was answered."""

    def __init__(self):
        self._waiting = []

    async def wait(self, strike, request, link):
        entry = (strike.rule, link, asyncio.Event())
        self._waiting.append(entry)
        try:
            await asyncio.wait_for(entry[2].wait(), strike.seconds)
        except asyncio.TimeoutError:
            pass
        finally:
            self._waiting.remove(entry)

    def of(self, request, link):
        """The events that this request brings about."""
        return [
            event
            for rule, waiting, event in self._waiting
            if waiting is not link and rule.matches("request", request, link.route.broker)
        ]


class Held:
    """A request that waits for its moment."""

    def __init__(self, request, strike, link):
        self.request, self.until, self.link = request, strike.rule.until, link
        self.seen = 0
        self.orphaned = asyncio.Event()  # The client was seen to close its socket.

    def awaits(self, side, request):
        until = self.until
        named = until is not None and until.side == side and until.api == request.api
        return named and self.orphaned.is_set() and self.request.same_sender(request)


class Holds:
    """All held requests, the oldest first."""

    def __init__(self, history):
        self._history, self._held, self._tasks = history, [], set()

    def __len__(self):
        return len(self._held)

    def add(self, request, strike, link):
        held = Held(request, strike, link)
        self._held.append(held)
        if strike.seconds is not None:
            self._later(held, strike.seconds)
        return held

    def _later(self, held, seconds):
        async def later():
            await asyncio.sleep(seconds)
            await self._deliver(held)

        task = asyncio.create_task(later())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def notice(self, side, request):
        """A request is about to pass, or has been answered: what waits for that is delivered first."""
        for held in [held for held in self._held if held.awaits(side, request)]:
            held.seen += 1
            if held.seen == held.until.nth:
                await self._deliver(held)
                await asyncio.sleep(held.until.settle)

    async def release(self):
        """Delivers all now, and what the client has not closed its socket for when it does."""
        tasks = [(held.orphaned.is_set(), self._later(held, 0)) for held in self._held]
        ready = [task for orphaned, task in tasks if orphaned]
        if ready:
            await asyncio.wait(ready)

    async def _deliver(self, held):
        if held not in self._held:
            return
        self._held.remove(held)
        broker, request = held.link.route.broker, held.request
        await held.orphaned.wait()
        try:
            error = wire.answer_error(request, await held.link.deliver(request))
            self._history.outcome("delivered", request, broker, error=error)
        except (OSError, asyncio.TimeoutError) as error:
            self._history.outcome("undelivered", request, broker, why=type(error).__name__)


class Relay:
    """All that the connections share."""

    def __init__(self, routes, rules, history):
        self.routes, self.rules, self.history = routes, rules, history
        self.holds, self.overtakings = Holds(history), Overtakings()

    async def start(self):
        return [await self._listen(route) for route in self.routes]

    async def _listen(self, route):
        async def accept(reader, writer):
            try:
                await Link(self, route, Stream(reader, writer)).run()
            except asyncio.CancelledError:
                pass  # The process ends, and its connections with it.

        return await asyncio.start_server(accept, HOST, route.outer, limit=BUFFER)
