"""UnitOfWork: everything one call does to one database, kept or forgotten together.

Source: Martin Fowler, *Patterns of Enterprise Application Architecture*, Unit of Work.
"""

import asyncio
import enum
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Self, TypeVar

from msgspec import structs
from sqlalchemy.exc import SQLAlchemyError

from coterie.call import current, entered, hold, separate

from .errors import CommitFailed, Misuse, Unavailable
from .port import Engine, Lease, Value
from .session import UnitSession

__all__ = ["Hook", "UnitOfWork", "innermost"]

T = TypeVar("T")
Hook = Callable[[], Awaitable[object]]

_log = logging.getLogger("coterie.store")
_innermost: "ContextVar[UnitOfWork | None]" = ContextVar("coterie_unit_of_work", default=None)
_HOOKS = 1_000  # more than this in one unit is a hook that adds itself again
_PATIENCE = 10.0  # seconds for each hook that runs once all is decided


class _State(enum.Enum):
    RUNNING = "running"
    ENDED = "over"


def innermost(engine: Engine) -> "UnitOfWork | None":
    """The unit of work of ``engine`` that the running code belongs to."""
    unit = _innermost.get()
    while unit is not None and unit.engine is not engine:
        unit = unit.outer
    return unit


class UnitOfWork:
    """One transaction, from the first statement to the end of an ``async with`` block.

    Nothing is asked of the database before the first statement. Leaving the block commits;
    leaving it by an exception, cancellation among them, rolls back. ``name`` is whom to name in
    messages; ``write`` whether anything may be changed.
    """

    def __init__(self, engine: Engine, *, name: str, write: bool) -> None:
        self.engine = engine
        self.name = name
        self.write = write
        self.outer: UnitOfWork | None = None
        self._state = _State.RUNNING
        self._turn = asyncio.Lock()
        self._session: UnitSession | None = None
        self._lease: Lease | None = None
        self._allow_calls: Callable[[], None] | None = None
        self._before: list[Hook] = []
        self._after: list[Hook] = []
        self._undone: list[Hook] = []
        self._kept = False
        self._leave: Callable[[], None] | None = None
        self._token: Token[UnitOfWork | None] | None = None

    @property
    def over(self) -> bool:
        """Whether it was committed or rolled back."""
        return self._state is _State.ENDED

    @property
    def connected(self) -> bool:
        """Whether a statement has opened it, and it has not ended."""
        return self._lease is not None

    def before_commit(self, hook: Hook) -> None:
        """Run ``hook`` inside the transaction, right before the commit; if it fails, all fails.

        For what must commit together with the effect: an outbox row, an idempotency key.
        """
        self._refuse_if_over()
        self._before.append(hook)

    def after_commit(self, hook: Hook) -> None:
        """Run ``hook`` once the commit is certain; if it fails, that is logged and no more.

        It has 10 seconds of its own, whatever is left of the call's deadline.
        """
        self._refuse_if_over()
        self._after.append(hook)

    def after_rollback(self, hook: Hook) -> None:
        """Run ``hook`` once all is rolled back, the last one first; failures are logged.

        For taking back what was done elsewhere, such as goods reserved at another service. Not
        run where the outcome of the commit is unknown: what was kept must not be taken back.
        Each has 10 seconds of its own: the call may fail because its deadline is over. Register it
        before what it takes back, which may happen although its answer never comes.
        """
        self._refuse_if_over()
        self._undone.append(hook)

    @property
    def session(self) -> UnitSession:
        """The session; it has a connection from the first `run` on."""
        self._refuse_if_over()
        if self._session is None:
            self._session = UnitSession()
        return self._session

    async def run(self, work: Callable[[UnitSession], Awaitable[T]]) -> T:
        """Do ``work`` with the session; tasks of the same call take turns."""
        async with self._turn:
            return await work(await self._opened())

    async def change(self, sql: str, *values: Value) -> int:
        """Run a statement of the store's own: how many rows it changed (see `Engine.write`)."""
        async with self._turn:
            session = await self._opened()
            # The session has to know of the transaction, or it would not commit it.
            lease = self._lease
            begun = lease is not None and lease.connection.in_transaction()
            connection = lease.connection if lease and begun else await session.connection()
            return await self.engine.write(connection, sql, *values)

    @asynccontextmanager
    async def savepoint(self) -> AsyncGenerator[None]:
        """A part that is undone alone when the block raises."""
        async with self._turn:
            nested = await (await self._opened()).begin_nested()
        try:
            yield
            async with self._turn:
                await nested.commit()
        except BaseException:
            async with self._turn:
                await nested.rollback()
            raise

    async def __aenter__(self) -> Self:
        self.outer = _innermost.get()
        self._leave = separate()
        self._token = _innermost.set(self)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        failed = error
        try:
            if failed is None:
                await self._commit()
        except BaseException as refused:
            failed = refused
            raise
        finally:
            cancelled = None if self.over else await _finish(self._rollback())
            if failed is not None and self._undone and not self._kept:
                cancelled = await _finish(self._take_back(failed)) or cancelled
            if self._leave is not None:
                self._leave()
            if self._token is not None:
                _innermost.reset(self._token)
            if cancelled is not None and not isinstance(error, asyncio.CancelledError):
                raise cancelled

    def _refuse_if_over(self) -> None:
        if self.over:
            raise Misuse(
                f"{self.name} is over, and its unit of work with it: work that goes on after the"
                " call, such as a background task or a streamed body, opens its own with"
                " `async with database.transaction():`"
            )

    async def _opened(self) -> UnitSession:
        session = self.session
        if self._lease is None:
            self._lease = await self.engine.acquire(self)
            session.join(self._lease.connection)
            if self.write:
                self._allow_calls = hold(
                    f"{self.name} has begun to write to {self.engine} and holds locks there until"
                    " it ends (to look something up before a call, read it in"
                    " `async with database.reading():`)"
                )
        return session

    async def _commit(self) -> None:
        await self._prepare()
        # From here on a cancellation waits: a commit that was sent cannot be taken back.
        cancelled = await _finish(self._keep())
        if self._after:
            cancelled = await _finish(self._follow_up()) or cancelled
        if cancelled is not None:
            raise cancelled

    async def _follow_up(self) -> None:
        for hook in self._after:
            try:
                await _on_its_own(hook)
            except Exception:  # noqa: BLE001  # too late to fail
                _log.exception("a hook after the commit of %s failed; the commit stands", self.name)

    async def _prepare(self) -> None:
        """Run the hooks, those that hooks add too, and send what the session has gathered."""
        done = 0
        while done < len(self._before):
            if done == _HOOKS:
                raise Misuse(
                    f"over {_HOOKS} hooks before the commit of {self.name}: one adds itself"
                )
            await self._before[done]()
            done += 1
        session = self._session
        if session is not None and (session.new or session.dirty or session.deleted):
            await self.run(UnitSession.flush)

    async def _keep(self) -> None:
        async with self._turn:
            if self._lease is not None:
                try:
                    await self.session.keep()
                except (Unavailable, SQLAlchemyError) as error:
                    raise self._failed(error) from error
            self._kept = True
            await self._end()

    def _failed(self, error: Exception) -> CommitFailed:
        unknown = isinstance(error, Unavailable) and error.lost
        return CommitFailed(
            f"{self.name} could not be committed: {error}; "
            + ("whether it was kept is unknown, so look first" if unknown else "nothing was kept"),
            unknown=unknown,
        )

    async def _rollback(self) -> None:
        async with self._turn:
            if self._session is not None and self._lease is not None:
                try:
                    await self._session.forget()
                except Exception:  # noqa: BLE001  # logged below
                    # The connection is of no use any more; the error that led here matters more.
                    _log.warning("rolling back %s failed", self.name, exc_info=True)
            await self._end()

    async def _take_back(self, failed: BaseException) -> None:
        if isinstance(failed, CommitFailed) and failed.unknown:
            _log.warning("%s: %s; nothing done elsewhere was taken back", self.name, failed)
            return
        for hook in reversed(self._undone):
            try:
                await _on_its_own(hook)
            except Exception:  # noqa: BLE001  # the failure that led here matters more
                _log.exception("a hook after the rollback of %s failed", self.name)

    async def _end(self) -> None:
        self._state = _State.ENDED
        try:
            if self._session is not None:
                await self._session.part()
        finally:
            lease, self._lease = self._lease, None
            if lease is not None:
                await lease.release()
            if self._allow_calls is not None:
                self._allow_calls()


async def _on_its_own(hook: Hook) -> None:
    """Run ``hook`` in the name of the call, yet neither by its deadline nor under its key."""
    deadline = time.monotonic() + _PATIENCE
    context = structs.replace(current(), deadline=deadline, idempotency_key=None)
    with entered(context):
        async with asyncio.timeout(_PATIENCE):
            await hook()


async def _finish(work: Coroutine[Any, Any, None]) -> asyncio.CancelledError | None:
    """Do ``work`` to its end; the cancellation that came meanwhile, if any, for later."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    return cancelled
