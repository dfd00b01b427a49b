"""The port: what a `Database` asks of an engine, and what an engine asks of a unit of work."""

from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

__all__ = ["Claim", "Engine", "Lease", "Value", "holding"]

Value = str | int | float | bytes | None
"""What a statement may be given where no SQLAlchemy stands in between."""


class Claim(Protocol):
    """Who asks for a connection: a unit of work, seen from below."""

    @property
    def name(self) -> str:
        """Whom to name in messages, such as ``orders.place``."""
        ...

    @property
    def write(self) -> bool:
        """Whether it may change anything."""
        ...

    @property
    def engine(self) -> object:
        """Whom it asks."""
        ...

    @property
    def connected(self) -> bool:
        """Whether it has a connection now."""
        ...

    @property
    def outer(self) -> "Claim | None":
        """The unit within whose code this one was begun, of whatever database."""
        ...


def holding(claim: Claim) -> bool:
    """Whether a unit around ``claim`` has a connection of the same engine."""
    outer = claim.outer
    while outer is not None:
        if outer.engine is claim.engine and outer.connected:
            return True
        outer = outer.outer
    return False


class Lease(Protocol):
    """A connection for the length of one unit of work."""

    @property
    def connection(self) -> AsyncConnection:
        """Not in a transaction yet: the first statement begins it."""
        ...

    async def release(self) -> None:
        """Give the connection back; what was not committed is rolled back. Never raises."""
        ...


class Engine(Protocol):
    """One database, as one vendor's driver reaches it.

    Errors of the vendor are translated into `StoreError` where the store has a word for them.
    """

    async def start(self) -> None:
        """Open, and prove that the database answers. Raises `StoreError`."""
        ...

    async def stop(self) -> None:
        """Close every connection. Never raises."""
        ...

    async def acquire(self, claim: Claim) -> Lease:
        """A connection for ``claim``, first come first served.

        A claim that writes can be sure that its first statement finds the database writable; one
        that does not write is refused every write. Waits a bounded time, then `Unavailable`;
        but a claim within another that has a connection here never waits for one: callers who
        hold what the called are waiting for would all stand still.
        """
        ...

    async def note(self, name: str, sql: str, *values: Value) -> tuple[Any, ...] | None:
        """Run one statement in a transaction of its own; the first row it returns, if any.

        Seen by everybody once this returns, and not on the disk before the next commit of a unit
        of work is: for what need not survive a loss of power that takes everything after it too.
        ``sql`` numbers its values as PostgreSQL does, ``$1``; ``name`` is whom to name in messages.
        Waits as a claim that writes does.
        """
        ...

    async def write(self, connection: AsyncConnection, sql: str, *values: Value) -> int:
        """Run one statement in the transaction of ``connection``: how many rows it changed.

        For the store's own statements, which know their engines and need nothing of what SQLAlchemy
        does to one; for a small one that is most of its time.
        """
        ...

    def alter(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """The one connection, among all processes, that may change the schema now.

        In a transaction that is committed at the end of the block and rolled back on an error.
        """
        ...

    def scratch(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """An empty place of the same kind to build a schema in; gone after the block."""
        ...
