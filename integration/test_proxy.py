"""The proxy itself: what it reads of Kafka's protocol, whom its rules strike, and each thing it does, before a peer that
notes what arrives. Then before a real broker, whose clients must stay behind it."""

import socket
import struct
import threading
import time
from types import SimpleNamespace

import pytest
from kafka import KafkaAdminClient

from lab.cluster import free_ports
from lab.processes import until
from proxy import Proxy, wire
from proxy.handle import ProxyError
from proxy.history import read_history
from proxy.rules import RuleError, Rules

SECONDS = 20  # What is waited for takes milliseconds; the rest is for busy cores.
SOON = 0.3  # For so long nothing may come that should not come.
KEYS = {name: key for key, (name, _) in wire.APIS.items()}


def string(text):
    return struct.pack(">h", -1) if text is None else struct.pack(">h", len(text)) + text.encode()


def compact(text):
    return b"\0" if text is None else bytes([len(text) + 1]) + text.encode()


def request(api, version, number=7, client="weir", body=b""):
    key = KEYS[api] if isinstance(api, str) else api
    return struct.pack(">hhi", key, version, number) + string(client) + body


# --- the protocol ---

TAGS = b"\x01\x05\x03abc"  # One tagged field, number 5, of three bytes.


@pytest.mark.parametrize(
    "frame, expected",
    [
        (request("EndTxn", 1, body=string("p-0") + b"rest"), ("EndTxn", 1, False, 7, "weir", "p-0")),
        (request("EndTxn", 3, body=b"\0" + compact("p-0")), ("EndTxn", 3, True, 7, "weir", "p-0")),
        (request("TxnOffsetCommit", 3, body=TAGS + compact("p-1")), ("TxnOffsetCommit", 3, True, 7, "weir", "p-1")),
        (request("Produce", 8, body=string(None)), ("Produce", 8, False, 7, "weir", None)),
        (request("Produce", 10, body=b"\0" + compact(None)), ("Produce", 10, True, 7, "weir", None)),
        (request("Produce", 2, body=b"\0\1"), ("Produce", 2, False, 7, "weir", None)),
        (request("AddPartitionsToTxn", 0, body=string("p")), ("AddPartitionsToTxn", 0, False, 7, "weir", "p")),
        (request("AddPartitionsToTxn", 4, body=b"\0\2\2p"), ("AddPartitionsToTxn", 4, True, 7, "weir", None)),
        (request("ApiVersions", 3, client=None), ("ApiVersions", 3, True, 7, None, None)),
        (request("Fetch", 11, number=-1), ("Fetch", 11, False, -1, "weir", None)),
        (request(999, 4), ("Api999", 4, False, 7, "weir", None)),
    ],
)
def test_a_request_says_what_it_is(frame, expected):
    assert wire.parse_request(frame) == (*expected, frame)


@pytest.mark.parametrize("frame", [request("EndTxn", 1, body=string("p-0")), request("EndTxn", 3, body=TAGS + compact("p-0"))])
def test_a_request_that_ends_in_its_header_is_refused(frame):
    for length in range(len(frame)):
        with pytest.raises(wire.WireError):
            wire.parse_request(frame[:length])


FLEXIBLE = {("EndTxn", 3), ("TxnOffsetCommit", 3)}
PARTITION = struct.pack(">ih", 2, 47)


@pytest.mark.parametrize(
    "api, version, body, error",
    [
        ("EndTxn", 1, struct.pack(">ih", 0, 47), 47),
        ("EndTxn", 3, b"\0" + struct.pack(">ih", 0, 51) + b"\0", 51),
        ("EndTxn", 3, TAGS + struct.pack(">ih", 0, 0), 0),
        ("Heartbeat", 0, struct.pack(">h", 27), 27),
        ("TxnOffsetCommit", 3, b"\0" + struct.pack(">i", 0) + b"\2" + compact("t") + b"\2" + PARTITION + b"\0\0\0", 47),
        ("TxnOffsetCommit", 0, struct.pack(">ii", 0, 1) + string("t") + struct.pack(">i", 1) + PARTITION, 47),
        ("TxnOffsetCommit", 0, struct.pack(">ii", 0, 0), 0),
        ("Produce", 8, struct.pack(">i", 1) + string("t") + struct.pack(">i", 1) + PARTITION, 47),
        ("Fetch", 11, b"anything", None),
        ("EndTxn", 1, b"\0\0", None),
        ("TxnOffsetCommit", 3, b"\0\0\0\0\0\2\x7f", None),
    ],
)
def test_the_error_of_an_answer_is_found(api, version, body, error):
    asked = wire.Request(api, version, (api, version) in FLEXIBLE, 7, "weir", "p", b"")
    assert wire.answer_error(asked, struct.pack(">i", 7) + body) == error


# --- rules ---


@pytest.mark.parametrize(
    "words, complaint",
    [
        ({"action": "drop"}, "needs an api"),
        ({"action": "drop", "api": "EndTx"}, "'EndTx' is no api"),
        ({"action": "lose", "api": "EndTxn"}, "action of a request must be one of delay"),
        ({"action": "hold", "api": "EndTxn", "on": "response"}, "action of a response"),
        ({"action": "drop", "api": "EndTxn", "on": "answer"}, "on must be"),
        ({"action": "delay", "api": "EndTxn"}, "needs ms"),
        ({"action": "delay", "api": "EndTxn", "ms": [5, 1]}, "ms must be"),
        ({"action": "drop", "api": "EndTxn", "odds": 1}, "has no ['odds']"),
        ({"action": "hold", "api": "EndTxn", "until": {"nth": 2}}, "before or after"),
        ({"action": "hold", "api": "EndTxn", "until": {"after": "Nothing"}}, "'Nothing' is no api"),
        ({"action": "hold", "api": "EndTxn", "until": {"after": "EndTxn", "nth": 0}}, "counts from 1"),
    ],
)
def test_a_rule_that_says_nothing_is_refused(words, complaint):
    with pytest.raises(RuleError, match=complaint.replace("[", "\\[")):
        Rules(1).add(words)


def struck(rules, count, **options):
    asked = wire.parse_request(request("EndTxn", 1, body=string("p"), **options))
    return [strike is not None for strike in (rules.strike("request", asked, 1) for _ in range(count))]


def test_the_same_seed_is_the_same_luck():
    words = {"action": "drop", "api": "EndTxn", "chance": 0.3}

    def luck(seed, *others):
        rules = Rules(seed)
        rules.add(words)
        for other in others:
            rules.add(other)
        return struck(rules, 200)

    assert luck(1) == luck(1) and luck(1) != luck(2)
    assert luck(1, {"action": "drop", "api": "Fetch"}) == luck(1)
    assert 30 < sum(luck(1)) < 90


def test_nth_and_limit():
    rules = Rules(1)
    rules.add({"action": "drop", "api": "EndTxn", "nth": 3, "limit": 2})
    assert struck(rules, 6) == [False, False, True, True, False, False]


def test_the_oldest_rule_strikes_and_the_others_do_not_spend_themselves():
    rules = Rules(1)
    rules.add({"action": "drop", "api": "EndTxn", "limit": 1})
    rules.add({"action": "cut", "api": "*", "limit": 1})
    assert struck(rules, 3) == [True, True, False]


@pytest.mark.parametrize(
    "words, strikes",
    [
        ({"client": "weir"}, True),
        ({"client": "else"}, False),
        ({"producer": "p"}, True),
        ({"producer": "q"}, False),
        ({"broker": 1}, True),
        ({"broker": 2}, False),
        ({"api": "*"}, True),
        ({"api": ["Fetch", "EndTxn"]}, True),
        ({"api": "Fetch"}, False),
        ({"on": "response"}, False),
    ],
)
def test_whom_a_rule_means(words, strikes):
    rules = Rules(1)
    rules.add({"action": "drop", "api": "EndTxn", **words})
    assert struck(rules, 1) == [strikes]


# --- what it does ---


class Peer:
    """Stands for a broker: notes what arrives, as (connection, correlation id), and answers in order."""

    def __init__(self, port):
        self.got, self.silent = [], False
        self._server = socket.create_server(("127.0.0.1", port))
        self._connections = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        try:
            while True:
                connection, _ = self._server.accept()
                self._connections.append(connection)
                threading.Thread(target=self._serve, args=(connection, len(self._connections)), daemon=True).start()
        except OSError:
            pass

    def _serve(self, connection, number):
        try:
            while (frame := read(connection)) is not None:
                asked = wire.parse_request(frame)
                self.got.append((number, asked.id))
                if not self.silent:
                    answer = struct.pack(">iih", asked.id, 0, 0)
                    connection.sendall(struct.pack(">i", len(answer)) + answer)
        except OSError:
            pass

    def ids(self):
        return [number for _, number in self.got]

    def close(self):
        for each in (self._server, *self._connections):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            each.close()


def read(connection):
    """A frame; None at the end."""
    stream = connection.makefile("rb", buffering=0)
    head = stream.read(4)
    if not head:
        return None
    (length,) = struct.unpack(">i", head)
    frame = b""
    while len(frame) < length:
        frame += stream.read(length - len(frame))
    return frame


class Client:
    def __init__(self, port, name="weir", producer="p"):
        self.name, self.producer = name, producer
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)

    def send(self, number, api="EndTxn"):
        version = wire.PRODUCERS.get(api, range(1))[0]
        frame = request(api, version, number, self.name, string(self.producer))
        self._socket.sendall(struct.pack(">i", len(frame)) + frame)

    def answer(self, seconds=SECONDS):
        """The correlation id of the next answer; None when the proxy has closed; "nothing" when nothing comes."""
        self._socket.settimeout(seconds)
        try:
            frame = read(self._socket)
        except TimeoutError:
            return "nothing"
        except ConnectionResetError:
            return None
        return None if frame is None else wire.answer_id(frame)

    def close(self):
        self._socket.close()


@pytest.fixture
def lab(tmp_path):
    """A peer, a proxy before it, and clients."""
    outer, inner = free_ports(2)
    fake = SimpleNamespace(routes=[(1, outer, inner)], proxied=f"127.0.0.1:{outer}")
    lab = SimpleNamespace(peer=Peer(inner), proxy=Proxy.start(fake, tmp_path, seed=1), clients=[], inner=inner)

    def client(**options):
        lab.clients.append(Client(outer, **options))
        return lab.clients[-1]

    lab.client = client
    yield lab
    for each in (*lab.clients, lab.peer):
        each.close()
    lab.proxy.stop()
    assert lab.proxy.complaints() == ""


def arrives(lab, *ids):
    until(lambda: lab.peer.ids() == list(ids), SECONDS, lambda: f"{ids} to arrive, not {lab.peer.ids()}")


def test_without_rules_all_passes_in_order(lab):
    client = lab.client()
    for number in range(50):
        client.send(number, api="Fetch" if number % 2 else "EndTxn")
    assert [client.answer() for _ in range(50)] == list(range(50))
    assert lab.proxy.counts() == {}


def test_delay_of_a_request_delays_what_is_behind_it(lab):
    lab.proxy.add_rule(action="delay", api="EndTxn", ms=400)
    client, other = lab.client(), lab.client()
    before = time.monotonic()
    client.send(1)
    client.send(2, api="Fetch")
    other.send(3, api="Fetch")
    assert other.answer() == 3
    assert [client.answer(), client.answer()] == [1, 2]
    assert time.monotonic() - before >= 0.4
    assert lab.peer.ids() == [3, 1, 2]
    assert lab.proxy.counts() == {"delay EndTxn request": 1}


def test_delay_of_an_answer(lab):
    lab.proxy.add_rule(action="delay", api="EndTxn", ms=[300, 400], on="response")
    client = lab.client()
    before = time.monotonic()
    client.send(1)
    arrives(lab, 1)
    assert client.answer() == 1
    assert 0.3 <= time.monotonic() - before
    assert lab.proxy.counts() == {"delay EndTxn response": 1}


def test_drop_of_a_request(lab):
    lab.proxy.add_rule(action="drop", api="EndTxn", limit=1)
    client = lab.client()
    client.send(1)
    client.send(2)
    assert client.answer() == 2
    assert client.answer(SOON) == "nothing"
    assert lab.peer.ids() == [2]


def test_drop_of_an_answer(lab):
    lab.proxy.add_rule(action="drop", api="EndTxn", limit=1, on="response")
    client = lab.client()
    client.send(1)
    client.send(2)
    assert client.answer() == 2
    assert lab.peer.ids() == [1, 2]


def test_cut_before_a_request(lab):
    lab.proxy.add_rule(action="cut", api="EndTxn")
    client = lab.client()
    client.send(1)
    assert client.answer() is None
    time.sleep(SOON)
    assert lab.peer.ids() == []


def test_cut_behind_a_request(lab):
    lab.proxy.add_rule(action="cut", api="EndTxn", after=True)
    client = lab.client()
    client.send(1)
    assert client.answer() is None
    arrives(lab, 1)


def test_cut_before_an_answer(lab):
    lab.proxy.add_rule(action="cut", api="EndTxn", on="response")
    client = lab.client()
    client.send(1)
    assert client.answer() is None
    assert lab.peer.ids() == [1]


def test_hold_for_a_time(lab):
    lab.proxy.add_rule(action="hold", api="EndTxn", limit=1, ms=400)
    client = lab.client()
    before = time.monotonic()
    client.send(1)
    assert client.answer() is None
    client.close()
    again = lab.client()
    again.send(2)
    assert again.answer() == 2
    arrives(lab, 2, 1)
    assert time.monotonic() - before >= 0.4
    lab.proxy.wait_for("delivered EndTxn", SECONDS)
    assert lab.proxy.counts() == {"hold EndTxn request": 1, "delivered EndTxn": 1}
    assert lab.proxy.held() == 0


def test_what_is_held_waits_for_the_clients_own_close(lab):
    """It arrives over the connection on which it was sent, behind the client's close, however late that is."""
    lab.proxy.add_rule(action="hold", api="EndTxn", limit=1, ms=0)
    client = lab.client()
    client.send(0, api="Fetch")
    assert client.answer() == 0
    client.send(1)
    assert client.answer() is None  # It was told, and has not closed its side.
    time.sleep(SOON)
    assert lab.peer.ids() == [0]
    client.close()
    arrives(lab, 0, 1)
    assert lab.peer.got == [(1, 0), (1, 1)]
    lab.proxy.wait_for("delivered EndTxn", SECONDS)
    events = [event["event"] for event in lab.proxy.events()]
    assert events.index("closed") < events.index("delivered")


def test_a_silent_hold_lets_the_client_wait(lab):
    lab.proxy.add_rule(action="hold", api="EndTxn", limit=1, ms=0, silent=True)
    client = lab.client()
    client.send(1)
    client.send(2)
    assert client.answer(SOON) == "nothing"
    assert lab.peer.ids() == []
    client.close()
    arrives(lab, 1)


@pytest.mark.parametrize("side, order", [("before", [2, 3, 4, 1, 5]), ("after", [2, 3, 4, 5, 1])])
def test_hold_until_the_same_producers_nth_request(lab, side, order):
    lab.proxy.add_rule(action="hold", api="EndTxn", limit=1, until={side: "Produce", "nth": 2, "settle": 50})
    client = lab.client(producer="p")
    client.send(1)
    assert client.answer() is None
    client.close()
    again, other = lab.client(producer="p"), lab.client(producer="q")
    for number, (sender, api) in enumerate([(again, "EndTxn"), (other, "Produce"), (again, "Produce"), (again, "Produce")], 2):
        sender.send(number, api)
        assert sender.answer() == number
    arrives(lab, *order)


def test_release_delivers_and_clear_does_not(lab):
    lab.proxy.add_rule(action="hold", api="EndTxn")
    client = lab.client()
    client.send(1)
    assert client.answer() is None
    client.close()
    lab.proxy.clear()
    time.sleep(SOON)
    assert (lab.peer.ids(), lab.proxy.held()) == ([], 1)
    lab.proxy.release()
    assert (lab.peer.ids(), lab.proxy.held()) == ([1], 0)
    [event] = lab.proxy.events("delivered")
    assert (event["error"], event["producer"], event["id"]) == (0, "p", 1)


def test_a_broker_that_was_away_gets_what_is_held_over_a_new_connection(lab):
    lab.proxy.add_rule(action="hold", api="EndTxn", limit=2)
    for number in (1, 2):
        client = lab.client()
        client.send(number)
        assert client.answer() is None
        client.close()
        until(lambda: len(lab.proxy.events("closed")) == number, SECONDS, "the client's close to be seen")
        lab.peer.close()
        until(lambda: len(lab.proxy.events("gone")) == number, SECONDS, "the broker's close to be seen")
        if number == 1:
            lab.proxy.release()
            assert lab.proxy.counts()["undelivered EndTxn"] == 1
            lab.peer = Peer(lab.inner)
        else:
            lab.peer = Peer(lab.inner)
            lab.proxy.release()
    assert lab.peer.got == [(1, 2)]
    assert lab.proxy.counts() == {"hold EndTxn request": 2, "undelivered EndTxn": 1, "delivered EndTxn": 1}


def test_reorder_lets_another_connections_request_pass(lab):
    lab.proxy.add_rule(action="reorder", api="EndTxn", limit=1, ms=SECONDS * 1000)
    first, second = lab.client(), lab.client()
    first.send(1)
    lab.proxy.wait_for("reorder EndTxn request", SECONDS)
    first.send(2)  # On the same connection nothing can overtake.
    second.send(3, api="Fetch")  # Of another kind.
    assert second.answer() == 3
    assert lab.peer.ids() == [3]
    second.send(4)
    arrives(lab, 3, 4, 1, 2)


def test_reorder_does_not_wait_for_ever(lab):
    lab.proxy.add_rule(action="reorder", api="EndTxn", limit=1, ms=100)
    client = lab.client()
    client.send(1)
    assert client.answer() == 1


def test_a_produce_that_wants_no_answer_confuses_nothing(lab):
    client = lab.client()
    lab.peer.silent = True
    client.send(1, api="Produce")
    arrives(lab, 1)
    lab.peer.silent = False
    client.send(2)
    assert client.answer() == 2


def test_nonsense_ends_the_connection_and_is_noted(lab):
    client = lab.client()
    client._socket.sendall(struct.pack(">i", -5))
    assert client.answer() is None
    until(lambda: lab.proxy.events("nonsense"), SECONDS, "a line in the history")
    other = lab.client()
    other.send(1)
    assert other.answer() == 1


def test_rules_go_and_errors_are_told(lab):
    rule = lab.proxy.add_rule(action="drop", api="EndTxn")
    with pytest.raises(ProxyError, match="is no api"):
        lab.proxy.add_rule(action="drop", api="Nothing")
    lab.proxy.remove(rule)
    with pytest.raises(ProxyError, match=f"no rule {rule}"):
        lab.proxy.remove(rule)
    client = lab.client()
    client.send(1)
    assert client.answer() == 1


def test_the_history_tells_when_and_whom(lab):
    before = time.monotonic()
    lab.proxy.add_rule(action="drop", api="EndTxn", limit=1)
    client = lab.client(name="one", producer="two")
    client.send(5)
    client.send(6)
    assert client.answer() == 6
    [fault] = lab.proxy.events("fault")
    assert before <= fault.pop("at") <= time.monotonic()
    assert fault == {
        "event": "fault", "rule": 1, "action": "drop", "on": "request", "api": "EndTxn", "version": 0, "id": 5, "broker": 1,
        "client": "one", "producer": "two",
    }


def test_a_line_that_is_still_being_written_is_left_for_the_next_time(tmp_path):
    path = tmp_path / "proxy.jsonl"
    first, second = '{"at": 14.5, "event": "started"}\n', '{"at": 15.5, "event": "rule"}\n'
    for length in range(len(second)):
        path.write_text(first + second[:length])
        assert [line["at"] for line in read_history(path)] == [14.5]
    path.write_text(first + second)
    assert [line["at"] for line in read_history(path)] == [14.5, 15.5]


# --- a real broker ---


def test_clients_of_a_real_broker_stay_behind_the_proxy(cluster, proxy, bench):
    bench.topics(1)
    proxy.add_rule(action="delay", api="*", ms=0)  # It only counts.
    admin = KafkaAdminClient(bootstrap_servers=proxy.bootstrap)
    told = [broker["port"] for broker in admin.describe_cluster()["brokers"]]
    admin.close()
    assert told == [outer for _, outer, _ in cluster.routes]
    bench.generate(count=500, rate=0)
    seen = proxy.counts()
    assert seen["delay Produce request"] == 0  # The load goes its own way.
    weir = bench.weir(kafka={"bootstrap.servers": proxy.bootstrap})
    bench.drained()
    assert weir.stop() == 0
    bench.judge().assert_clean()
    for api in ("FindCoordinator", "JoinGroup", "OffsetFetch", "Fetch", "InitProducerId", "Produce", "EndTxn", "TxnOffsetCommit"):
        assert proxy.counts()[f"delay {api} request"] > 0, api
