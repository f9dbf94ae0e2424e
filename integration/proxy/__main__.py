"""python -m proxy: the process. Says {"control": PORT} on its first line of output, once it listens, and goes on until
SIGTERM."""

import argparse
import asyncio
import json
import signal

from .control import Control
from .history import History
from .relay import Relay, Route
from .rules import Rules


def route(word):
    broker, outer, inner = map(int, word.split(":"))
    return Route(broker, outer, inner)


def arguments():
    parser = argparse.ArgumentParser(prog="python -m proxy", description="A network between weir and Kafka, with faults.")
    parser.add_argument(
        "--route", type=route, action="append", required=True, metavar="BROKER:PORT:BROKERS-PORT",
        help="a broker's number, the port to listen on for it, and its own, whose listener must advertise the first",
    )
    parser.add_argument("--seed", default="1", help="what is left to chance follows from it (default 1)")
    parser.add_argument("--history", metavar="FILE", help="append what happens to this file, a JSON line each")
    parser.add_argument("--rule", type=json.loads, action="append", default=[], metavar="JSON", help="a rule to begin with")
    return parser.parse_args()


async def run(args):
    history = History(args.history)
    rules = Rules(args.seed)
    for words in args.rule:
        rules.add(words)
    relay = Relay(args.route, rules, history)
    servers = await relay.start()
    server, port = await Control(relay).start()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    history.write("started", seed=args.seed, routes=[list(route) for route in args.route])
    print(json.dumps({"control": port}), flush=True)
    await stopped.wait()
    for each in (*servers, server):
        each.close()
    history.write("stopped")
    history.close()


asyncio.run(run(arguments()))
