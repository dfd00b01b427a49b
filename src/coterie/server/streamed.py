"""Streamed answers: made in the circumstances of their call, sent while somebody reads them."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from typing import Any, Self

from msgspec import structs

from coterie.call import Context, Spawner, current, entered, spawning

from .body import Disconnected, Incoming, Receive

__all__ = ["belonging", "closed", "pour"]

Method = Callable[..., Awaitable[AsyncIterable[bytes]]]


def belonging(method: Method, spawner: Spawner) -> Method:
    """``method``, whose stream is made in the context of the call that asked for it.

    The body of an async generator runs in the context of whoever takes the next part: of the
    server, after the call has ended. Calls made there would lose trace, token and principal.
    The deadline limits the reply, not the reading of what it streams, and is left behind.

    Raises `TypeError` for a result that is no async iterator, while it can still be told.
    """

    async def begin(**arguments: Any) -> AsyncIterator[bytes]:
        parts = aiter(await method(**arguments))
        return _Belonging(parts, structs.replace(current(), deadline=None), spawner)

    return begin


class _Belonging:
    """Takes and closes ``parts`` in ``context``."""

    __slots__ = ("_context", "_parts", "_spawner")

    def __init__(self, parts: AsyncIterator[bytes], context: Context, spawner: Spawner) -> None:
        self._parts = parts
        self._context = context
        self._spawner = spawner

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        with entered(self._context):
            token = spawning.set(self._spawner)
            try:
                return await anext(self._parts)
            finally:
                spawning.reset(token)

    async def aclose(self) -> None:
        with entered(self._context):
            await closed(self._parts)


async def pour(
    parts: AsyncIterator[bytes],
    send: Callable[[bytes], Awaitable[None]],
    receive: Receive,
    upload: Incoming | None,
) -> None:
    """Hand ``parts`` to ``send`` one after the other, and close them however it ends.

    ``send`` waits for a slow reader; for one who went away it waits no more, and says nothing.
    So ``receive`` is asked too, once an ``upload`` in the same request has come in whole.

    Raises `Disconnected` when the reader went away, and whatever making a part raises.
    """
    pump = asyncio.create_task(_pump(parts, send))
    watch = asyncio.create_task(_departure(receive, upload))
    try:
        await asyncio.wait((pump, watch), return_when=asyncio.FIRST_COMPLETED)
    finally:
        watch.cancel()
        pump.cancel()
        await asyncio.wait((pump, watch))
    if pump.cancelled():
        raise Disconnected
    error = pump.exception()
    if error is not None:
        # Who reads what a client sends may well break off when it leaves; that is no defect.
        raise Disconnected if upload is not None and upload.left else error


async def closed(parts: AsyncIterator[bytes]) -> None:
    """Let go of what was not read."""
    close = getattr(parts, "aclose", None)
    if close is not None:
        await close()


async def _pump(parts: AsyncIterator[bytes], send: Callable[[bytes], Awaitable[None]]) -> None:
    try:
        async for part in parts:
            if part:
                await send(part)
            # Where neither making nor sending waits, nobody else would ever have a turn.
            await asyncio.sleep(0)
    finally:
        await closed(parts)


async def _departure(receive: Receive, upload: Incoming | None) -> None:
    if upload is not None:
        await upload.whole.wait()
    while (await receive())["type"] != "http.disconnect":
        pass
