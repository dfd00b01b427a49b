"""Intake: a body that arrives in the loop and is read in a thread."""

import asyncio
import io
import threading
from collections import deque
from collections.abc import Iterable
from typing import Any

from .asgi import Receive

__all__ = ["Broken", "Intake"]

_HIGH = 256 * 1024
"""Octets that wait for a thread to read them; then the client waits."""


class Broken(OSError):
    """The body will not come whole: its client left, or it is longer than is taken."""


class Intake(io.RawIOBase):
    """The body of one request, which begins with ``first`` and goes on with what ``receive`` gives.

    `pump` runs in the loop for as long as the request; it calls ``left`` when the client goes
    away. A thread reads; reading raises `Broken` where the rest will not come.
    """

    def __init__(self, first: Iterable[bytes], receive: Receive, limit: int, left: Any) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._receive = receive
        self._left = left
        self._limit = limit
        self._chunks = deque(first)
        self._waiting = self._total = sum(len(chunk) for chunk in self._chunks)
        self._more = threading.Condition()
        self._room = asyncio.Event()
        self._whole = False
        self._broken = ""

    async def pump(self) -> None:
        """Take in what comes, as fast as it is read; then wait for the client to leave."""
        while True:
            if self._waiting > _HIGH:
                self._room.clear()
                await self._room.wait()
                continue
            message = await self._receive()
            body: bytes = message.get("body", b"")
            with self._more:
                if message["type"] == "http.disconnect":
                    self._broken = self._broken or "the client went away before its body was whole"
                elif not self._whole:
                    self._total += len(body)
                    if self._total > self._limit:
                        self._broken = f"the body is larger than {self._limit} bytes"
                    elif body:
                        self._chunks.append(body)
                        self._waiting += len(body)
                    self._whole = not message.get("more_body", False)
                self._more.notify()
            if message["type"] == "http.disconnect":
                self._left()
                return

    def end(self) -> None:
        """Nothing more will come: whoever reads is told so."""
        with self._more:
            self._broken = self._broken or "the request has ended"
            self._more.notify()

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Wait for some octets, in a thread; 0 at the end of the body."""
        view = memoryview(buffer).cast("B")
        with self._more:
            while not self._chunks:
                if self._whole and not self._broken:
                    return 0
                if self._broken:
                    raise Broken(self._broken)
                self._more.wait()
            chunk = self._chunks.popleft()
            taken = min(len(view), len(chunk))
            view[:taken] = chunk[:taken]
            if taken < len(chunk):
                self._chunks.appendleft(chunk[taken:])
            self._waiting -= taken
            room = self._waiting <= _HIGH // 2
        if room and not self._room.is_set():
            self._loop.call_soon_threadsafe(self._room.set)
        return taken
