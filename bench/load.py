"""The load generator: raw sockets, prebuilt requests, every answer checked.

An answer that is wrong in status or value, cut short, or missing is an error: counted by kind,
never as an answer. The generator runs in the process of the harness, on a core of its own.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

from msgspec import Struct

from bench.round import Round

PATIENCE = 10.0
"""Seconds after the end of a round within which the answers still under way must come."""

HEAD_LIMIT = 65_536
SPELLINGS = 64
"""How many different byte forms of one right answer are remembered for the quick comparison."""


class Exchange(Struct, frozen=True):
    """A request, ready for the socket, and the JSON value that must answer it."""

    request: bytes
    answer: Any


class Load:
    """Sends `exchanges` in turn over `connections` sockets, one request in flight on each.

    A server that answers `Connection: close` gets a new connection for the next request, as it
    would from any client.
    """

    def __init__(
        self, port: int, exchanges: Sequence[Exchange], *, connections: int, status: int = 200
    ) -> None:
        self.port = port
        self.requests = [exchange.request for exchange in exchanges]
        self.status = b"%d" % status
        self.connections = connections
        self.errors: Counter[str] = Counter()
        self.counted = 0
        self.answered = 0
        self.times: list[float] = []
        self.end = 0.0
        self._right = [_canonical(exchange.answer) for exchange in exchanges]
        self._seen: list[set[bytes]] = [set() for _ in exchanges]
        self._next = 0

    async def run(self, seconds: float) -> Round:
        """One round of `seconds`: connect first, then start the clock; counts what came in time."""
        self.errors, self.counted, self.answered, self.times = Counter(), 0, 0, []
        loop = asyncio.get_running_loop()
        lines = [_Connection(self) for _ in range(self.connections)]
        try:
            for line in lines:
                await line.open()
            started, cpu = time.perf_counter(), time.process_time()
            self.end = started + seconds
            for line in lines:
                line.ask()
            watch = loop.call_at(loop.time() + seconds + PATIENCE, _give_up, lines)
            try:
                await asyncio.gather(*(line.done for line in lines))
            finally:
                watch.cancel()
            busy = (time.process_time() - cpu) / (time.perf_counter() - started)
        finally:
            for line in lines:
                line.close()
        return Round.of(
            self.counted, seconds, self.times, errors=self.errors, total=self.answered, busy=busy
        )

    def take(self) -> int:
        """The number of the exchange to send next."""
        turn = self._next
        self._next = (turn + 1) % len(self.requests)
        return turn

    def check(self, turn: int, status: bytes, body: bytes) -> str | None:
        """What is wrong with this answer, or None. Bytes seen right before are right again."""
        if status != self.status:
            return f"status {status.decode('latin-1')}"
        if body in self._seen[turn]:
            return None
        try:
            given = _canonical(json.loads(body))
        except ValueError:
            return "answer is not JSON"
        if given != self._right[turn]:
            return "wrong answer"
        if len(self._seen[turn]) < SPELLINGS:
            self._seen[turn].add(body)
        return None


class _Connection(asyncio.Protocol):
    """One socket of a load: asks, waits for the whole answer, checks it, asks again."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport | None = None
        self.buffer = b""
        self.asked = 0.0
        self.turn = -1  # the exchange in flight; -1: none
        self.again = False  # open anew as soon as the old socket is gone
        self.opening: asyncio.Task[None] | None = None

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self, "127.0.0.1", self.load.port)

    def ask(self) -> None:
        transport = self.transport
        if transport is None:
            self.fail("connection closed")
            return
        self.turn = self.load.take()
        self.asked = time.perf_counter()
        transport.write(self.load.requests[self.turn])

    def close(self) -> None:
        self.again = False
        if self.opening is not None:
            self.opening.cancel()
        if self.transport is not None:
            self.transport.abort()

    def fail(self, what: str) -> None:
        """Count an error and end this connection's part in the round."""
        self.turn = -1
        if not self.done.done():
            self.load.errors[what] += 1
            self.done.set_result(None)
        self.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one in deed, not in name

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if self.again:
            self.again = False
            self.opening = asyncio.get_running_loop().create_task(self._reopen())
        elif self.turn >= 0:
            self.fail("closed before the answer")

    def data_received(self, data: bytes) -> None:
        if self.buffer:
            data = self.buffer + data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            if len(data) > HEAD_LIMIT:
                self.fail("endless header")
            self.buffer = data
            return
        head = data[: end + 2].lower()
        begin = head.find(b"\r\ncontent-length:")
        if begin < 0:
            self.fail("answer without Content-Length")
            return
        length = head[begin + 17 : head.find(b"\r\n", begin + 2)].strip()
        if not length.isdigit():
            self.fail("malformed Content-Length")
            return
        missing = end + 4 + int(length) - len(data)
        if missing > 0:
            self.buffer = data
            return
        self.buffer = b""
        if missing < 0 or self.turn < 0:
            self.fail("more bytes than asked for")
            return
        self._answered(data[9:12], data[end + 4 :], closes=b"\r\nconnection: close" in head)

    def _answered(self, status: bytes, body: bytes, *, closes: bool) -> None:
        load, now, turn = self.load, time.perf_counter(), self.turn
        self.turn = -1
        wrong = load.check(turn, status, body)
        if wrong is not None:
            load.errors[wrong] += 1
        else:
            load.answered += 1
            if now <= load.end:
                load.counted += 1
                load.times.append(now - self.asked)
        if now >= load.end:
            if not self.done.done():
                self.done.set_result(None)
        elif closes and self.transport is not None:
            self.again = True
            self.transport.close()
        else:
            self.ask()

    async def _reopen(self) -> None:
        try:
            await self.open()
        except OSError as error:
            self.fail(f"connect: {error.strerror}")
        else:
            self.ask()


def _give_up(lines: Sequence[_Connection]) -> None:
    for line in lines:
        if not line.done.done():
            line.fail("no answer")


def _canonical(value: object) -> str:
    """One spelling a JSON value: unlike `==`, it tells 1 from 1.0 and from true."""
    return json.dumps(value, sort_keys=True)
