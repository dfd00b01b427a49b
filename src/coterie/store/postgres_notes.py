"""Notes: a few PostgreSQL connections whose commits do not wait for the disk."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from .errors import Unavailable

__all__ = ["Notes"]


class Notes:
    """At most ``connections`` that ``connect`` opens when they are needed, each for one statement.

    The driver itself runs it, in one journey with its commit; SQLAlchemy and its pool would take
    three, and as long again.
    """

    def __init__(self, connect: Callable[[], Awaitable[AsyncConnection]], connections: int) -> None:
        self._connect = connect
        self._connections = connections
        self._free = asyncio.Semaphore(connections)
        self._idle: list[tuple[AsyncConnection, Any]] = []
        self._stopped = False

    async def run(self, name: str, sql: str, values: tuple[Any, ...], wait: float) -> Any:
        """Run a statement and commit it: the first row it returns, if any.

        Raises `Unavailable` where none of the connections is free for ``wait`` seconds, what
        ``connect`` raises, and the driver's own errors. ``name`` is whom to name in messages.
        """
        if self._free.locked():
            try:
                async with asyncio.timeout(wait):
                    await self._free.acquire()
            except TimeoutError:
                raise Unavailable(
                    f"{name} waited {wait:g} s while {self._connections} others were written: the"
                    " server is slow, look at its log"
                ) from None
        else:
            await self._free.acquire()
        try:
            held = await self._taken()
            try:
                row = await held[1].fetchrow(sql, *values)
            except asyncio.CancelledError:
                # Sound: before its next statement the driver waits for the end of this one.
                await self._back(held)
                raise
            except Exception:
                await _dropped(held[0])
                raise
            await self._back(held)
            return row
        finally:
            self._free.release()

    async def _taken(self) -> tuple[AsyncConnection, Any]:
        while self._idle:
            held = self._idle.pop()
            if not held[1].is_closed():
                return held
            await _dropped(held[0])
        connection = await self._connect()
        return connection, (await connection.get_raw_connection()).driver_connection

    async def _back(self, held: tuple[AsyncConnection, Any]) -> None:
        if self._stopped:
            await _dropped(held[0])
        else:
            self._idle.append(held)

    async def stop(self) -> None:
        """Close all, those at work when that is done. Never raises."""
        self._stopped = True
        while self._idle:
            connection, _ = self._idle.pop()
            with suppress(Exception):
                await connection.close()


async def _dropped(connection: AsyncConnection) -> None:
    with suppress(Exception):
        await connection.invalidate()
    with suppress(Exception):
        await connection.close()
