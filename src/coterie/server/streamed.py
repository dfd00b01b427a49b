"""Streamed answers: made in the circumstances of their call, sent while somebody reads them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable
from typing import Any

from msgspec import structs

from coterie.call import Context, Spawner, current, current_context, spawning

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
        return _belonging(parts, structs.replace(current(), deadline=None), spawner)

    return begin


async def _belonging(
    parts: AsyncIterator[bytes], context: Context, spawner: Spawner
) -> AsyncGenerator[bytes]:
    try:
        while True:
            entered, spawns = current_context.set(context), spawning.set(spawner)
            try:
                part = await anext(parts)
            except StopAsyncIteration:
                return
            finally:
                spawning.reset(spawns)
                current_context.reset(entered)
            yield part
    finally:
        await closed(parts)


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
