"""Open load: requests are sent when their time has come, whether or not others are answered.

Run as ``python -m bench.open_loop PORT CORES`` it reads one plan a line, as JSON, and answers each
with what came of it. Times are counted from the moment a request was *due*, so that what a slow
server keeps back is not left out (Gil Tene: coordinated omission). A request takes a connection
that is free, opens one, or waits for one. In a plan of ``connections`` each asks anew as soon as it is answered
instead: that finds out how much can be answered at most.
"""

import asyncio
import random
import sys
from collections import Counter, deque
from time import perf_counter
from typing import Any

import msgspec
import uvloop
from msgspec import Struct

from bench.cores import pin

__all__ = ["Plan", "Told"]

CONNECTIONS = 256
"""As many as a gateway keeps to one instance; what is due beyond waits, and its time counts."""

PATIENCE = 10.0
"""Seconds after the end of a plan within which answers are waited for."""


class Plan(Struct, frozen=True, kw_only=True):
    """``rate`` requests a second for ``seconds``, of ``paths`` in turn; when, is by chance.

    Answers later than ``deadline`` seconds are no use to anybody; what was due in the first
    ``skip`` seconds is not counted. ``number`` is where chance begins.
    """

    paths: list[str]
    rate: float = 0.0
    connections: int = 0
    seconds: float = 2.0
    skip: float = 0.0
    deadline: float = 1.0
    number: int = 1


class Told(Struct, frozen=True, kw_only=True):
    """What came of a plan. Times are in seconds; lists are sorted.

    ``good`` answers came in time, ``late`` ones did not; ``refused`` are the times of 429 and 503,
    of which ``silent`` many did not say when to come back; ``first`` is the time of the slowest
    refusal of the seconds that do not count. ``until`` is when the last was due that was refused or
    late, from the beginning, and ``drained`` how long after its end all were answered.
    """

    seconds: float
    asked: int
    good: list[float]
    late: int
    refused: list[float]
    silent: int
    first: float
    until: float
    drained: float
    others: dict[str, int]


class _Line(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, load: "_Load") -> None:
        self.load = load
        self.transport: Any = None
        self.due = 0.0
        self.buffer = b""
        self.waits = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def ask(self, request: bytes, due: float) -> None:
        self.due, self.waits = due, True
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        lowered = head.lower()
        at = lowered.find(b"content-length:")
        if len(body) < (int(lowered[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0):
            return
        self.buffer, self.waits = b"", False
        self.load.answered(self, int(head[9:12]), lowered)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.waits:
            self.waits = False
            self.load.broken()
        self.load.lost(self)


class _Load:
    def __init__(self, port: int, plan: Plan) -> None:
        chance = random.Random(plan.number)  # noqa: S311  # a load, and the same one each time
        requests = [f"GET {path} HTTP/1.1\r\nhost: lab\r\n\r\n".encode() for path in plan.paths]
        self.port = port
        self.plan = plan
        self._chance = chance
        self._requests = requests
        self._turn = -1
        self.loop = asyncio.get_running_loop()
        self.lines: set[_Line] = set()
        self.free: deque[_Line] = deque()
        self.opening: set[asyncio.Task[None]] = set()
        self.waiting: deque[tuple[bytes, float]] = deque()
        self.good: list[float] = []
        self.refused: list[float] = []
        self.late = self.silent = self.under_way = self.asked = 0
        self.first = self.bad = 0.0
        self.others: Counter[str] = Counter()
        self.began = self.from_ = self.until = 0.0
        self.ended = False

    def chosen(self) -> bytes:
        self._turn = (self._turn + 1) % len(self._requests)
        return self._requests[self._turn]

    async def run(self) -> Told:
        plan = self.plan
        began = perf_counter()
        self.began = began
        self.from_, self.until = began + plan.skip, began + plan.seconds
        if plan.connections:
            for _ in range(plan.connections):
                self._send(self.chosen(), perf_counter())
            await asyncio.sleep(plan.seconds)
        else:
            due = began
            while (due := due + self._chance.expovariate(self.plan.rate)) < self.until:
                if (wait := due - perf_counter()) > 0:
                    await asyncio.sleep(wait)
                self._send(self.chosen(), due)
        return await self._finished(plan)

    async def _finished(self, plan: Plan) -> Told:
        limit = perf_counter() + PATIENCE
        while self.under_way and perf_counter() < limit:  # noqa: ASYNC110  # a number has no event
            await asyncio.sleep(0.01)
        return Told(
            seconds=plan.seconds - plan.skip,
            asked=self.asked,
            good=sorted(self.good),
            late=self.late + self.under_way,
            refused=sorted(self.refused),
            silent=self.silent,
            first=self.first,
            until=max(0.0, self.bad - self.began),
            drained=max(0.0, perf_counter() - self.until),
            others=dict(self.others),
        )

    def _send(self, request: bytes, due: float) -> None:
        self.under_way += 1
        self.asked += due >= self.from_
        while self.free:
            line = self.free.pop()
            if not line.transport.is_closing():
                line.ask(request, due)
                return
        if len(self.lines) + len(self.opening) >= CONNECTIONS:
            self.waiting.append((request, due))
            return
        task = self.loop.create_task(self._opened(request, due))
        self.opening.add(task)
        task.add_done_callback(self.opening.discard)

    async def _opened(self, request: bytes, due: float) -> None:
        try:
            _, line = await self.loop.create_connection(lambda: _Line(self), "127.0.0.1", self.port)
        except OSError as error:
            self.under_way -= 1
            self.others[type(error).__name__] += 1
            return
        self.lines.add(line)
        line.ask(request, due)

    def answered(self, line: _Line, status: int, head: bytes) -> None:
        now = perf_counter()
        took, counts = now - line.due, line.due >= self.from_
        self.under_way -= 1
        if status != 200 or took > self.plan.deadline:
            self.bad = max(self.bad, line.due)
        if status in (429, 503):
            if counts:
                self.refused.append(took)
                self.silent += b"\r\nretry-after:" not in head
            else:
                self.first = max(self.first, took)
        elif status == 200:
            if self.plan.connections:
                counts = self.from_ <= now < self.until
            if counts and took <= self.plan.deadline:
                self.good.append(took)
            else:
                self.late += counts
        else:
            self.others[str(status)] += 1
        if b"\r\nconnection: close" in head:
            line.transport.close()
        elif self.waiting:
            line.ask(*self.waiting.popleft())
        elif self.plan.connections and now < self.until:
            self.under_way += 1
            line.ask(self.chosen(), now)
        else:
            self.free.append(line)

    def broken(self) -> None:
        self.under_way -= 1
        self.others["broken"] += 1

    def lost(self, line: _Line) -> None:
        self.lines.discard(line)
        if self.waiting and not self.ended:
            self.under_way -= 1
            self.asked -= self.waiting[0][1] >= self.from_
            self._send(*self.waiting.popleft())

    def end(self) -> None:
        """Let go of every connection."""
        self.ended = True
        self.waiting.clear()
        self.free.clear()
        for line in tuple(self.lines):
            line.waits = False
            line.transport.abort()


async def _main(port: int) -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        load = _Load(port, msgspec.json.decode(line, type=Plan))
        told = await load.run()
        load.end()
        sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")
        sys.stdout.flush()


if __name__ == "__main__":
    pin(frozenset(int(core) for core in sys.argv[2].split(",") if core))
    uvloop.run(_main(int(sys.argv[1])))
