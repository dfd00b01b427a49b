"""The port: what a `Database` asks of an engine, and what an engine asks of a unit of work."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

__all__ = ["Claim", "Engine", "Lease", "holding"]


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

    def alter(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """The one connection, among all processes, that may change the schema now.

        In a transaction that is committed at the end of the block and rolled back on an error.
        """
        ...

    def scratch(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """An empty place of the same kind to build a schema in; gone after the block."""
        ...
