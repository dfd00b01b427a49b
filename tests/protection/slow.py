"""Clients that are slow on purpose, many at once, in a process of their own.

Run as ``python -m tests.protection.slow KIND PORT COUNT [PATH]`` it opens COUNT connections to the
loopback and keeps each busy with as little as it can:

* ``head``: a line of headers a second, and never the last;
* ``body``: an octet a second of a body that is announced longer;
* ``read``: a request for ``PATH``, and a few octets of its answer a second.

It says ``open`` once all are connected. Whenever a line comes in it tells, as JSON, what has become
of them; it ends with its standard input.
"""

import asyncio
import json
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from tests.server.talk import soon

__all__ = ["KINDS", "Slow", "slow_clients"]

KINDS = ("head", "body", "read")

_SMALL = 2048  # octets that the kernel keeps for who reads slowly
_SIP = 64
_ARRIVING = 3.0
_PATIENCE = 30.0

_FIRST = {
    "head": b"GET %s HTTP/1.1\r\nhost: lab\r\n",
    "body": b"POST %s HTTP/1.1\r\nhost: lab\r\ncontent-type: application/json\r\n"
    b"content-length: 10000\r\n\r\n",
    "read": b"GET %s HTTP/1.1\r\nhost: lab\r\n\r\n",
}
_NEXT = {"head": b"x-slow: 1\r\n", "body": b" ", "read": b""}


class _Crowd:
    """The connections, and what became of each."""

    def __init__(self, kind: str, port: int, path: str) -> None:
        self.kind = kind
        self.port = port
        self.first = _FIRST[kind] % path.encode()
        self.open = 0
        self.ended = 0
        self.statuses: Counter[int] = Counter()

    async def one(self, number: int, count: int) -> None:
        loop = asyncio.get_running_loop()
        # Not all at the same instant: what is shown is slowness, not a burst.
        await asyncio.sleep(number / count * _ARRIVING)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as talk:
            talk.setblocking(False)  # the socket's own signature
            if self.kind == "read":
                talk.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL)
            await loop.sock_connect(talk, ("127.0.0.1", self.port))
            self.open += 1
            heard = b""
            try:
                await loop.sock_sendall(talk, self.first)
                while True:
                    await asyncio.sleep(1)
                    with suppress(BlockingIOError):
                        got = talk.recv(_SIP if self.kind == "read" else 4096)
                        if not got:
                            return
                        heard = (heard + got)[:32]
                    if more := _NEXT[self.kind]:
                        await loop.sock_sendall(talk, more)
            except OSError:
                return
            finally:
                self.open -= 1
                self.ended += 1
                if heard.startswith(b"HTTP/1.1 "):
                    self.statuses[int(heard[9:12])] += 1

    def told(self) -> str:
        return json.dumps({"open": self.open, "ended": self.ended, "statuses": self.statuses})


async def _main(kind: str, port: int, count: int, path: str) -> None:
    crowd = _Crowd(kind, port, path)
    tasks = [asyncio.create_task(crowd.one(number, count)) for number in range(count)]
    while crowd.open + crowd.ended < count:  # noqa: ASYNC110  # a number has no event
        await asyncio.sleep(0.01)
    print("open", flush=True)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while await reader.readline():
        print(crowd.told(), flush=True)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


class Slow:
    """A crowd of slow clients that is at it."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def told(self) -> dict[str, Any]:
        """``open`` and ``ended`` connections, and the ``statuses`` that were answered."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"\n")
        found: dict[str, Any] = json.loads(await soon(self._process.stdout.readline(), _PATIENCE))
        return found

    async def all_ended(self, seconds: float) -> dict[str, Any]:
        """What is told as soon as none is open any more."""
        async with asyncio.timeout(seconds):
            while (told := await self.told())["open"]:  # noqa: ASYNC110  # a number has no event
                await asyncio.sleep(0.1)
        return told


@asynccontextmanager
async def slow_clients(kind: str, port: int, count: int, path: str = "/") -> AsyncGenerator[Slow]:
    """So many of a kind, for the length of the block; begins when all are connected."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.protection.slow", kind, str(port), str(count), path),
        stdin=PIPE,
        stdout=PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    try:
        assert await soon(process.stdout.readline(), _PATIENCE) == b"open\n"
        yield Slow(process)
    finally:
        with suppress(TimeoutError):
            await soon(process.communicate(b""), _PATIENCE)
        if process.returncode is None:
            process.kill()
            await process.communicate(b"")


if __name__ == "__main__":
    _kind, _port, _count, *_path = sys.argv[1:]
    asyncio.run(_main(_kind, int(_port), int(_count), _path[0] if _path else "/"))
