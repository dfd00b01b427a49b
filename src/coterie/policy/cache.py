"""Kept answers: what a service has said holds for a while is not asked again meanwhile."""

import time
from collections.abc import Callable, Hashable
from typing import Annotated

import msgspec
from msgspec import Meta, Struct, structs

from coterie.call import Call, Failure, Handler, Policy, Reply, Sent
from coterie.contract import Code, Fault

from .caching import Kept, Reads, Shelf, place
from .copies import own
from .question import question
from .tally import Tally, untold

__all__ = ["Cache", "Caching", "cache"]

_AWAY = (Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED, Code.RESOURCE_EXHAUSTED, Code.INTERNAL)
_NOT_BEGUN = (Sent.NOT_SENT, Sent.REFUSED, Sent.SHED)

_BESIDE = 512
"""Bytes that an answer takes besides what it says, roughly."""


class Caching(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many answers are kept. How long, each says itself (RFC 9111).

    Raises `ValueError` for values that make no sense.
    """

    entries: Annotated[
        int,
        Meta(
            title="a whole number, 1 or more",
            description="How many answers are kept at most.",
            examples=[1000],
        ),
    ] = 1000
    size: Annotated[
        int,
        Meta(
            title="a number of bytes, 1024 or more",
            description="How many bytes all of them may have together.",
            examples=[16777216],
        ),
    ] = 16 * 2**20
    stale: Annotated[
        float,
        Meta(
            title="seconds, 0 or more",
            description=(
                "How long beyond its time an answer is used while the service is away, where it"
                " does not say so itself."
            ),
            examples=[60.0],
        ),
    ] = 0.0

    def __post_init__(self) -> None:
        if self.entries < 1:
            raise ValueError(
                f"entries = {self.entries}: take a number of answers, such as 1000; cache = false"
                " keeps none"
            )
        if self.size < 1024:
            raise ValueError(f"size = {self.size}: take a number of bytes, such as 16777216")
        if not 0 <= self.stale < float("inf"):
            raise ValueError(f"stale = {self.stale}: take a number of seconds, such as 60.0")


class Cache:
    """The answers of one service that a process keeps.

    One for all operations of the service, the unsafe ones too: they drop what they change. Held by
    one event loop. ``clock`` gives seconds that never go back, ``wall`` seconds since 1970.
    """

    def __init__(
        self,
        settings: Caching,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.wall = wall
        self.shelf = Shelf(settings.entries, settings.size)
        self.reads = Reads()

    def __repr__(self) -> str:
        return f"<Cache: {len(self.shelf)} answers, {self.shelf.size} bytes>"


def cache(kept: Cache, tally: Tally = untold) -> Policy:
    """Answer with what the service has answered before, for as long as it said that this holds.

    A private cache after RFC 9111. ``Cache-Control`` counts (``max-age``, ``no-store``,
    ``no-cache``, ``must-revalidate``, and ``stale-if-error`` of RFC 5861), ``Expires``, ``Age``,
    ``Date`` and ``Vary``; nothing is guessed where an answer says nothing. One whose time is over,
    but which has an entity tag, is asked after with ``If-None-Match`` and kept on 304. Answers that
    never crossed a wire have no headers: for them the operation's ``max_age`` counts.

    An answer is for who asked: for others, by token or principal, and with other baggage, it is
    another question. Each caller gets a copy of its own of what can be changed.

    An operation that is not safe drops, when it ends, what was kept of the same path, and of those
    above and below; unless it certainly was not begun. So who writes through this process reads its
    own writes, as far as paths tell. What others write is seen when the answer's time is over.

    Tells ``tally``: ``hit``; ``stored``; ``revalidated``, where it was still current; ``stale``,
    where the service was away; ``invalidated``.

    Source: RFC 9111; RFC 9110, 13.1.2; RFC 5861, 4.
    """

    def policy(handler: Handler) -> Handler:
        return _Keeping(handler, kept, tally).handle

    return policy


class _Keeping:
    """One handler, with what it has answered."""

    def __init__(self, handler: Handler, cache: Cache, tally: Tally) -> None:
        self._handler = handler
        self._cache = cache
        self._shelf = cache.shelf
        self._tally = tally

    async def handle(self, call: Call) -> Reply:
        operation = call.operation
        if not operation.safe:
            return await self._changing(call)
        if operation.result.stream or operation.result.redirect:
            return await self._handler(call)
        key = question(call)
        if key is None or call.validator is not None:
            return await self._handler(call)
        kept = self._shelf.get(key)
        if kept is None:
            return await self._ask(key, call, None)
        if kept.fresh(self._cache.clock()):
            self._tally("cache", "hit", call)
            return Reply(own(kept.value), kept.status, kept.headers)
        try:
            return await self._ask(key, call, kept)
        except Failure as failure:
            cache = self._cache
            away = failure.code in _AWAY and failure.fault is None
            if not away or not kept.bearable(cache.clock(), cache.settings.stale):
                raise
            self._tally("cache", "stale", call, failure.code.value)
        return Reply(own(kept.value), kept.status, kept.headers)

    async def _ask(self, key: Hashable, call: Call, kept: Kept | None) -> Reply:
        """Ask the service; with ``kept``, whether that is still current."""
        cache, where = self._cache, place(call)
        if kept is not None and kept.tag is not None:
            call = structs.replace(call, validator=kept.tag)
        asked = cache.clock()
        read = cache.reads.begin(call.operation.contract, key, where)
        current = False
        try:
            reply = await self._handler(call)
        finally:
            current = cache.reads.end(read)
        now, wall = cache.clock(), cache.wall()
        if reply.status == 304 and kept is not None and call.validator is not None:
            self._tally("cache", "revalidated", call)
            kept.confirm(reply.headers, asked=asked, now=now, wall=wall)
            if not current or not kept.worth:
                self._shelf.drop(key)
            return Reply(own(kept.value), kept.status, kept.headers)
        self._shelf.drop(key)
        if current:
            found = Kept(
                reply,
                None,
                asked=asked,
                now=now,
                wall=wall,
                otherwise=call.operation.max_age,
            )
            if found.worth:
                self._keep(key, found, call, reply, where)
        return reply

    def _keep(self, key: Hashable, kept: Kept, call: Call, reply: Reply, where: str) -> None:
        try:
            size = len(msgspec.json.encode(reply.value))
        except (TypeError, ValueError, OverflowError):
            return
        kept.value = own(reply.value)
        kept.size = size + len(repr(key)) + len(repr(kept.headers)) + _BESIDE
        self._shelf.put(key, kept, call.operation.contract, where)
        self._tally("cache", "stored", call)

    async def _changing(self, call: Call) -> Reply:
        begun = True
        try:
            return await self._handler(call)
        except Fault:
            begun = False  # it was refused, and so changed nothing
            raise
        except Failure as failure:
            begun = failure.sent not in _NOT_BEGUN
            raise
        finally:
            if begun:
                contract, where = call.operation.contract, place(call)
                self._cache.reads.written(contract, where)
                if self._shelf.spoil(contract, where):
                    self._tally("cache", "invalidated", call)
