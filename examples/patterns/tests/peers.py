"""Servers that stand where a service is expected, and do as they are told: well, badly, not at all."""

import socket
import socketserver
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

__all__ = [
    "BAD",
    "NO_JSON",
    "Closing",
    "Dripping",
    "Hanging",
    "Peer",
    "away",
    "http",
    "patience",
    "peer",
]

Answer = Callable[[str], bytes]


def http(body: bytes | str, status: str = "200 OK", *headers: str) -> bytes:
    """An answer in HTTP; the connection stays open."""
    body = body.encode() if isinstance(body, str) else body
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


class Closing(bytes):
    """Said, and then the connection is closed."""

    __slots__ = ()


class Hanging(bytes):
    """Said, and then nothing more."""

    __slots__ = ()


class Dripping(Hanging):
    """Said, and then a byte at a time, which never comes to an end: no wait for a byte is long."""

    __slots__ = ()


HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"

BAD: dict[str, bytes] = {
    "hangs": Hanging(),
    "hangs in its answer": Hanging(HALF),
    "drips": Dripping(HALF.replace(b"10", b"100000")),
    "drips in its head": Dripping(b"HTTP/1.1 200 OK\r\nX-Slow: "),
    "closes": Closing(),
    "closes in its answer": Closing(HALF),
    "garbage": Closing(b"\x00\xff\x16\x03 garbage\r\n\r\n"),
    "500": http("Traceback: the secret of the database", "500 Internal Server Error"),
    "404": http("<html>no such page</html>", "404 Not Found", "Content-Type: text/html"),
    "204": http("", "204 No Content"),
    "redirects": http("", "302 Found", "Location: /greet"),
    "bad encoding": http(b"\x1f\x8bno", "200 OK", "Content-Encoding: gzip"),
}
"""What a service may do wrong, whatever it was asked for."""

NO_JSON = {
    "page": http("<html>Hello</html>", "200 OK", "Content-Type: text/html"),
    "nothing": http(""),
    "half": http('{"name": "Al'),
    "deep": http("[" * 100_000),
    "bytes": http(b"\xff\xfe\xfd\x00\x80"),
    "NaN": http('{"name": NaN, "age": NaN, "price": NaN, "service_url": NaN}'),
}
"""Answers that are no JSON, where some is expected."""


class Peer(socketserver.ThreadingTCPServer):
    """Listens on a free port. ``requests`` are those that came, ``accepted`` counts connections."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), _Talk)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.answer = answer
        self.requests: list[str] = []
        self.accepted = 0
        self.over = threading.Event()


class _Talk(socketserver.StreamRequestHandler):
    """One connection."""

    def handle(self) -> None:
        server = self.server
        assert isinstance(server, Peer)
        server.accepted += 1
        try:
            while request := self._request():
                server.requests.append(request)
                answer = server.answer(request)
                self.wfile.write(answer)
                if isinstance(answer, Dripping):
                    self._drip(server.over)
                elif isinstance(answer, Hanging):
                    server.over.wait()
                if isinstance(answer, Closing | Hanging):
                    return
        except OSError:
            return  # the other side did not wait

    def _drip(self, over: threading.Event) -> None:
        for _ in range(1200):  # a minute: whoever waits for the end is noticed, and not for ever
            if over.wait(0.05):
                return
            self.wfile.write(b"x")

    def _request(self) -> str:
        head, length = "", 0
        while (line := self.rfile.readline().decode("latin-1")).strip():
            head += line
            name, _, value = line.partition(":")
            if name.lower() == "content-length":
                length = int(value)
        return head + "\r\n" + self.rfile.read(length).decode() if head else ""


def patience(answer: bytes) -> float:
    """Seconds to wait for an answer: few only where none comes, so that a slow machine fails nothing."""
    return 0.3 if isinstance(answer, Hanging) else 20.0


@contextmanager
def peer(answer: Answer | bytes) -> Generator[Peer]:
    """A server that answers so until the block ends."""
    with Peer(answer if callable(answer) else lambda _: answer) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
            serving.join()


@contextmanager
def away() -> Generator[str]:
    """A URL where nobody listens, and nobody can begin to while the block lasts."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and without listen() every connection is refused
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"
