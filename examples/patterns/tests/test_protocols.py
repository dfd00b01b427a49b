"""01-soa by other protocols: the same greeting through a broker, and on an open connection.

With a producer, and without one, the consumers are run by test_readmes.py.
"""

import socketserver
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from time import monotonic
from types import ModuleType
from uuid import uuid4

import pika
import pytest
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve

from peers import BAD, Closing, Hanging, away, patience, peer
from programs import PATIENCE, Program, load, run, started, starting
from tests.engines import amqp_url

GREETING = "Hello from Service A!"
FAILED = "Failed to get greeting from Service A"


@pytest.fixture
def queue() -> str:
    """The name of a queue that nobody else uses."""
    return f"greet-{uuid4()}"


@contextmanager
def reading(queue: str) -> Generator[Program]:
    """ServiceA, at that queue."""
    with starting("01-soa/service_a_amqp.py", AMQP_URL=amqp_url(), QUEUE=queue) as service_a:
        assert service_a.until(lambda said: "Press CTRL+C" in said), service_a.said
        yield service_a


def over_amqp(monkeypatch: pytest.MonkeyPatch, url: str, queue: str, timeout: float) -> ModuleType:
    """The consumer, with these settings."""
    consumer = load("01-soa/consumer_amqp.py")
    monkeypatch.setattr(consumer, "AMQP_URL", url)
    monkeypatch.setattr(consumer, "QUEUE", queue)
    monkeypatch.setattr(consumer, "TIMEOUT", timeout)
    return consumer


def over_websocket(monkeypatch: pytest.MonkeyPatch, url: str, timeout: float) -> ModuleType:
    """The consumer, with these settings."""
    consumer = load("01-soa/consumer_websocket.py")
    monkeypatch.setattr(consumer, "SERVICE_A_URL", url.replace("http://", "ws://"))
    monkeypatch.setattr(consumer, "TIMEOUT", timeout)
    return consumer


@pytest.mark.promise("S0-02")
def test_each_of_many_consumers_has_its_own_answer(queue: str) -> None:
    """The broker brings it to who asked; a producer that is stopped is missed at once."""
    with reading(queue) as service_a:
        settings = {"AMQP_URL": amqp_url(), "QUEUE": queue, "TIMEOUT": PATIENCE}
        printed: list[str] = []
        asking = [
            threading.Thread(
                target=lambda: printed.append(run("01-soa/consumer_amqp.py", **settings))
            )
            for _ in range(4)
        ]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join()
        assert printed == [f"Received greeting: {GREETING}\n"] * 4
        service_a.stop()
        before = monotonic()
        assert run("01-soa/consumer_amqp.py", **settings) == f"Received greeting: {FAILED}\n"
        assert monotonic() - before < PATIENCE / 2


@pytest.mark.promise("S0-02", "S0-08")
def test_a_producer_that_takes_requests_and_never_answers(
    queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Is given up after TIMEOUT; what nobody took by then is forgotten."""
    consumer = over_amqp(monkeypatch, amqp_url(), queue, 0.3)
    with pika.BlockingConnection(pika.URLParameters(amqp_url())) as connection:
        channel = connection.channel()
        channel.queue_declare(queue, exclusive=False, auto_delete=False)
        try:
            assert consumer.consume_greeting() == FAILED
            until = monotonic() + PATIENCE
            while channel.queue_declare(queue, passive=True).method.message_count:
                assert monotonic() < until, "the request is still waiting"
                connection.process_data_events(0.02)
        finally:
            channel.queue_delete(queue)


# Frames of AMQP 0-9-1: kind, channel, length, payload, end. The first method is connection.start.
START = b"\x00\x0a\x00\x0a\x00\x09\x00\x00\x00\x00\x00\x00\x00\x05PLAIN\x00\x00\x00\x05en_US"
FRAME = b"\x01\x00\x00" + len(START).to_bytes(4, "big") + START + b"\xce"
BROKERS = {
    "hangs": Hanging(),
    "hangs in its greeting": Hanging(FRAME[:20]),
    "hangs after its greeting": Hanging(FRAME),
    "closes": Closing(),
    "closes after its greeting": Closing(FRAME),
    "another version": Closing(b"AMQP\x01\x01\x00\x0a"),
    "garbage": Closing(b"\x00\xff\x16\x03 garbage\r\n\r\n"),
    "web server": Closing(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
}


class Broker(socketserver.StreamRequestHandler):
    """Says one thing, and then no more."""

    said: bytes
    over: threading.Event

    def handle(self) -> None:
        self.request.recv(8)
        self.wfile.write(self.said)
        if isinstance(self.said, Hanging):
            self.over.wait()


@contextmanager
def broker(said: bytes) -> Generator[str]:
    """A URL where something like a broker listens."""
    over = threading.Event()
    handler = type("This", (Broker,), {"said": said, "over": over})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        try:
            yield f"amqp://guest:guest@127.0.0.1:{server.server_address[1]}/"
        finally:
            over.set()
            server.shutdown()
            serving.join()


@pytest.mark.promise("S0-02", "S0-08")
@pytest.mark.parametrize("way", BROKERS)
def test_whatever_a_broker_does_wrong_it_is_no_greeting(
    way: str, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It hangs, it closes, it is none at all: `consume_greeting()` raises nothing."""
    with broker(BROKERS[way]) as url:
        consumer = over_amqp(monkeypatch, url, queue, patience(BROKERS[way]))
        before = monotonic()
        assert consumer.consume_greeting() == FAILED
        assert monotonic() - before < 5


@pytest.mark.promise("S0-08")
def test_without_a_broker_the_producer_says_so() -> None:
    """In a line, and with what it looked for; and the consumer has no greeting."""
    with away() as url:
        broker = url.replace("http://", "amqp://guest:guest@")
        with starting("01-soa/service_a_amqp.py", AMQP_URL=broker) as service_a:
            assert service_a.until(lambda said: said.startswith("The broker at AMQP_URL is lost"))
            assert service_a.process.wait(PATIENCE) == 1
        assert "Traceback" not in service_a.said
        said = run("01-soa/consumer_amqp.py", AMQP_URL=broker)
        assert said == f"Received greeting: {FAILED}\n"


@pytest.mark.promise("S0-02")
def test_one_connection_serves_many_greetings() -> None:
    """A client that vanishes without a word takes nothing from the others."""
    with started("01-soa/service_a_websocket.py") as service_a:
        url = service_a.url.replace("http://", "ws://")
        with connect(f"{url}/greet", proxy=None) as one, connect(url, proxy=None) as rude:
            rude.socket.close()
            for _ in range(3):
                one.send("greet")
                assert one.recv(PATIENCE) == GREETING
        settings = {"SOA_SERVICE_A_WS_URL": url, "TIMEOUT": PATIENCE}
        said = run("01-soa/consumer_websocket.py", **settings)
        assert said == f"Received greeting: {GREETING}\n"
    assert "Traceback" not in service_a.said


@pytest.mark.promise("S0-02", "S0-08")
@pytest.mark.parametrize("way", BAD)
def test_whatever_answers_instead_it_is_no_greeting(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that a web server may say is taken for one."""
    with peer(BAD[way]) as bad:
        consumer = over_websocket(monkeypatch, bad.url, patience(BAD[way]))
        before = monotonic()
        assert consumer.consume_greeting() == FAILED
        assert monotonic() - before < 5


def silent(connection: ServerConnection) -> None:
    """Listens, and never answers."""
    for _ in connection:
        continue


def rude(connection: ServerConnection) -> None:
    """Closes where an answer is waited for."""
    connection.recv()


def binary(connection: ServerConnection) -> None:
    """Answers with bytes."""
    for _ in connection:
        connection.send(b"\x00\xff")


@pytest.mark.promise("S0-02", "S0-08")
@pytest.mark.parametrize("handler", [silent, rude, binary])
def test_a_connection_that_brings_no_greeting(
    handler: Callable[[ServerConnection], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was opened well, and that is all."""
    with serve(handler, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
            consumer = over_websocket(monkeypatch, url, 0.3 if handler is silent else PATIENCE)
            assert consumer.consume_greeting() == FAILED
        finally:
            server.shutdown()
            thread.join()
