"""Whoever answers where a registry is expected, and is none: two errors for all of it, and no other."""

import socketserver
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import pytest

from coterie.members.registry import Discovery, RegistryAway, RegistryClient, RegistryRefused

A = "http://localhost:5000"


def http(body: str, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


@contextmanager
def stranger(answer: bytes) -> Generator[str]:
    """Says this to everybody, and hangs up."""

    class Talk(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            length = 0
            while (line := self.rfile.readline().strip()) != b"":
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            self.rfile.read(length)
            self.wfile.write(answer)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talk) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/registry"
        finally:
            server.shutdown()


STRANGE = {
    "nothing": b"",
    "garbage": b"\x00\xff\r\n\r\n",
    "half": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}",
    "headers": b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n",
    "500": http("no", "500 Internal Server Error"),
    "429": http("no", "429 Too Many Requests"),
    "302": http("", "302 Found"),
    "201": http("{}", "201 Created"),
    "page": http("<html>"),
    "empty": http(""),
    "deep": http("[" * 100_000),
    "list": http("[]"),
    "null": http("null"),
    "object": http("{}"),
    "other types": http('{"service_url": 5, "instances": {"a": 1}}'),
    "no URL": http('{"service_url": null, "instances": [{"status": "UP"}]}'),
    "no instance": http('{"service_url": [], "instances": ["billing"]}'),
    "URL of another type": http('{"service_url": {}, "instances": [{"status": "UP", "url": 5}]}'),
}

ASKED: dict[str, Callable[[RegistryClient], Any]] = {
    "discover_service": lambda client: client.discover_service("billing"),
    "instances": lambda client: client.instances("billing"),
    "Discovery": lambda client: Discovery(client).discover("billing"),
}


@pytest.mark.promise("S0-82", "S0-84")
@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("way", STRANGE)
def test_an_answer_that_is_none_is_away_or_a_refusal(way: str, asked: str) -> None:
    """Whoever asks for a URL gets one, or one of the two errors that are promised."""
    with (
        stranger(STRANGE[way]) as url,
        pytest.raises((RegistryAway, RegistryRefused), match="the registry"),
    ):
        ASKED[asked](RegistryClient(url, token="a-token-that-is-long-enough"))


def test_what_a_registry_says_is_believed() -> None:
    """Control: the same, when it answers as one."""
    told = f'{{"service_url": "{A}", "instances": [{{"url": "{A}", "status": "UP"}}]}}'
    with stranger(http(told)) as url:
        client = RegistryClient(url)
        assert client.discover_service("billing") == A
        assert client.instances("billing") == [{"url": A, "status": "UP"}]
        assert Discovery(client).discover("billing") == A
