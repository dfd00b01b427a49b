"""Watching: who waits for the next change, and who is told of every one."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from time import monotonic

import msgspec

from .directory import Directory
from .refusal import Refused
from .views import Watched

__all__ = ["Watching", "index_of"]

_STILL_HERE = 15.0
_INDEX_DIGITS = 16


class Watching:
    """The watchers of a directory, as many as its limits allow.

    Nothing gathers for one who is slow: the next change is taken when the one before has left. One
    who is further behind than changes are kept is told everything anew.
    """

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._watchers = 0
        self._closed = False

    def open(self) -> None:
        """Let watchers in."""
        self._closed = False

    def close(self) -> None:
        """Answer all who wait, end every stream, let nobody in."""
        self._closed = True
        self._directory.changes.wake()

    async def poll(self, index: int, wait: float, service: str | None) -> Watched:
        """What changed after ``index``, as soon as something has; nothing after ``wait`` seconds.

        Raises `Refused` (503) where too many watch.
        """
        self.check_room()
        with self._counted():
            until = monotonic() + wait
            while True:
                told, turn = self._after(index, service)
                if told.reset or told.changes or self._closed:
                    return told
                index = told.index
                try:
                    async with asyncio.timeout(until - monotonic()):
                        await turn.wait()
                except TimeoutError:
                    return told

    async def stream(self, index: int | None, service: str | None) -> AsyncGenerator[bytes]:
        """Server-sent events: each change with its index as id, until `close`.

        One who knows no index, or one that is not kept any more, is told everything first (``reset``).
        Ask `check_room` before.
        """
        with self._counted():
            index = -1 if index is None else index
            # Who watches knows at once that the stream stands.
            yield b"retry: 1000\n\n"
            while not self._closed:
                told, turn = self._after(index, service)
                if told.reset:
                    yield _event("reset", told.index, msgspec.json.encode(told))
                for change in told.changes or ():
                    yield _event(change.event, change.index, msgspec.json.encode(change))
                index = told.index
                try:
                    async with asyncio.timeout(_STILL_HERE):
                        await turn.wait()
                except TimeoutError:
                    yield b": still here\n\n"

    def _after(self, index: int, service: str | None) -> tuple[Watched, asyncio.Event]:
        changes = self._directory.changes
        turn = changes.turn
        since = changes.since(index)
        if since is None:
            services = self._directory.services()
            found = tuple(one for one in services if service is None or one.name == service)
            return Watched(index=changes.index, reset=True, services=found), turn
        mine = tuple(change for change in since if service is None or change.service == service)
        return Watched(index=changes.index, reset=False, changes=mine), turn

    @contextmanager
    def _counted(self) -> Generator[None]:
        self._watchers += 1
        try:
            yield
        finally:
            self._watchers -= 1

    def check_room(self) -> None:
        """Raise `Refused` (503) where too many watch already."""
        if self._closed or self._watchers >= self._directory.limits.watchers:
            what = (
                "Too many watch this registry: come back later, or ask for /services now and then"
            )
            raise Refused(503, what, {"Retry-After": "5"})


def index_of(text: str | None) -> int | None:
    """An index as text; ``None`` for what is none."""
    if text is None or not (text.isascii() and text.isdecimal() and len(text) <= _INDEX_DIGITS):
        return None
    return int(text)


def _event(name: str, index: int, data: bytes) -> bytes:
    return b"event: %s\nid: %d\ndata: %s\n\n" % (name.encode(), index, data)
