"""UnitSession: SQLAlchemy's session, minus the ends of the transaction, which are not its own."""

from typing import NoReturn

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from .errors import Misuse

__all__ = ["UnitSession"]


class UnitSession(AsyncSession):
    """The session of one unit of work.

    Everything of `sqlalchemy.ext.asyncio.AsyncSession` but ``begin``, ``commit``, ``rollback``,
    ``reset``, ``invalidate`` and ``close``: the unit of work does these. Objects stay readable
    after the commit; ``begin_nested`` makes a savepoint.
    """

    def __init__(self) -> None:
        super().__init__(expire_on_commit=False, close_resets_only=False)

    def join(self, connection: AsyncConnection) -> None:
        """Run statements on ``connection`` from now on."""
        self.bind = connection

    async def keep(self) -> None:
        """Flush and commit."""
        await super().commit()

    async def forget(self) -> None:
        """Roll back."""
        await super().rollback()

    async def part(self) -> None:
        """Let go of the objects: one that is used later must not find its way to a connection."""
        if self.in_transaction():
            await super().close()
        else:
            self.sync_session.close()  # nothing to wait for, so no task of its own

    def begin(self) -> NoReturn:
        """Refused: the unit of work does it."""
        raise _refused("begin")

    async def commit(self) -> NoReturn:
        """Refused: the unit of work does it."""
        raise _refused("commit")

    async def rollback(self) -> NoReturn:
        """Refused: the unit of work does it."""
        raise _refused("roll back")

    async def reset(self) -> NoReturn:
        """Refused: the unit of work does it."""
        raise _refused("roll back")

    async def invalidate(self) -> NoReturn:
        """Refused: the unit of work does it."""
        raise _refused("roll back")

    async def close(self) -> NoReturn:
        """Refused: the unit of work does it."""
        raise _refused("close")

    async def __aexit__(self, *_: object) -> NoReturn:
        raise _refused("close")


def _refused(verb: str) -> Misuse:
    return Misuse(
        f"the unit of work begins, commits and rolls back, so the session cannot {verb}: return"
        " to commit, raise to roll back, use database.savepoint() to undo a part"
    )
