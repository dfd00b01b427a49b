"""Database: what a service is handed, and where it sends its statements."""

import logging
from collections.abc import AsyncGenerator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import Any, Self, TypeVar, TypeVarTuple, overload

from sqlalchemy import CursorResult, Executable, Result, ScalarResult, UpdateBase
from sqlalchemy.sql.selectable import TypedReturnsRows

from .address import SqliteAddress, address
from .errors import Misuse
from .port import Engine
from .postgres import PostgresEngine
from .session import UnitSession
from .sqlite import SqliteEngine
from .unit import UnitOfWork, innermost

__all__ = ["Database"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
Parameters = dict[str, Any] | list[dict[str, Any]]

_log = logging.getLogger("coterie.store")


class Database:
    """A database, and the present unit of work on it.

    ::

        class OrderStore:
            def __init__(self, database: Database) -> None:
                self.database = database

            async def take(self, product: int, quantity: int) -> bool:
                taken = await self.database.execute(
                    update(Product)
                    .where(Product.id == product, Product.available >= quantity)
                    .values(available=Product.available - quantity)
                )
                return taken.rowcount == 1

    Inside a call every statement joins the call's `UnitOfWork`, which begins with the first of
    them and commits once the reply is encoded. Elsewhere (start hooks, scripts, tests) open one
    with `transaction`. Nothing here commits: return to commit, raise to roll back.

    ``url`` is ``sqlite:///relative.db``, ``sqlite:////absolute.db``, ``sqlite:///:memory:`` (gone
    with `stop`) or ``postgresql://user:password@host:5432/name``. ``connections`` is how many may
    be open at a time (SQLite: to read; one more writes), ``wait`` the seconds a unit of work waits
    for its turn, ``busy_timeout`` the seconds SQLite waits for a writer in another process, and
    ``statement_timeout`` the seconds PostgreSQL may take for one statement.

    Raises `AddressError` for a URL that cannot be right; opens nothing before `start`.
    """

    def __init__(
        self,
        url: str,
        *,
        connections: int = 10,
        wait: float = 10.0,
        busy_timeout: float = 5.0,
        statement_timeout: float = 60.0,
    ) -> None:
        found = address(url)
        self._note: str | None = None
        self.engine: Engine
        if isinstance(found, SqliteAddress):
            self._note = found.note
            self.engine = SqliteEngine(
                found, readers=connections, wait=wait, busy_timeout=busy_timeout
            )
        else:
            self.engine = PostgresEngine(
                found, connections=connections, wait=wait, statement_timeout=statement_timeout
            )

    def __repr__(self) -> str:
        return f"<Database {self.engine}>"

    async def start(self) -> None:
        """Open, and prove that the database answers. Raises `StoreError`."""
        if self._note is not None:
            _log.warning("%s", self._note)
        try:
            await self.engine.start()
        except BaseException:
            await self.engine.stop()
            raise

    async def stop(self) -> None:
        """Close all connections."""
        await self.engine.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    def unit_of_work(self, name: str, *, write: bool) -> UnitOfWork:
        """A new unit, for ``async with``. For policies; a service uses what is there."""
        return UnitOfWork(self.engine, name=name, write=write)

    @asynccontextmanager
    async def transaction(
        self, *, read_only: bool = False, independent: bool = False
    ) -> AsyncGenerator[UnitOfWork]:
        """A unit of work outside of calls: for start hooks, scripts, tests, background tasks.

        Within a call the statements have a unit already, and a second would commit by itself:
        that is `Misuse`, unless ``independent`` says it is meant so (a counter of failed
        logins outlives the failed call). SQLite has one writer: begin it before the call writes.
        """
        outer = innermost(self.engine)
        if outer is not None and not outer.over and not independent:
            raise Misuse(
                f"{outer.name} has a unit of work already, and commits it at its end: leave out"
                " transaction(), or write transaction(independent=True) for one that is kept"
                " even if the call fails"
            )
        async with self.unit_of_work("a transaction", write=not read_only) as unit:
            yield unit

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[None]:
        """A look before the write: a read-only transaction of its own, over with the block.

        For a call that reads, then asks another service or computes for long, then writes: its
        unit of work, and the locks that go with it, begin only with the first statement after
        this block. What was read may have changed by then, so let the write check it.
        """
        async with self.transaction(read_only=True, independent=True):
            yield

    @property
    def unit(self) -> UnitOfWork:
        """The present unit of work. Raises `Misuse` outside of one."""
        unit = innermost(self.engine)
        if unit is None:
            raise Misuse(
                "no call is being served here, so nobody would commit: write"
                " `async with database.transaction():` around it"
            )
        return unit

    async def session(self) -> UnitSession:
        """The unit's SQLAlchemy session, connected: for what has no shortcut here."""
        return await self.unit.run(_itself)

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        """Undo a part of the unit, and only that, when the block raises.

        ::

            try:
                async with self.database.savepoint():
                    self.database.add(User(email=email))
            except IntegrityError:
                raise EmailTaken(email=email) from None
        """
        return self.unit.savepoint()

    @overload
    async def execute(
        self, statement: TypedReturnsRows[*Ts], parameters: Parameters | None = None
    ) -> Result[*Ts]: ...

    @overload
    async def execute(
        self, statement: UpdateBase, parameters: Parameters | None = None
    ) -> CursorResult[*tuple[Any, ...]]: ...

    @overload
    async def execute(
        self, statement: Executable, parameters: Parameters | None = None
    ) -> Result[*tuple[Any, ...]]: ...

    async def execute(self, statement: Executable, parameters: Parameters | None = None) -> Any:
        """Run a statement; its rows, or for a change its ``rowcount``."""
        return await self.unit.run(lambda session: session.execute(statement, parameters))

    @overload
    async def scalar(
        self, statement: TypedReturnsRows[T], parameters: Parameters | None = None
    ) -> T | None: ...

    @overload
    async def scalar(self, statement: Executable, parameters: Parameters | None = None) -> Any: ...

    async def scalar(self, statement: Executable, parameters: Parameters | None = None) -> Any:
        """The first column of the first row, or ``None``."""
        return await self.unit.run(lambda session: session.scalar(statement, parameters))

    @overload
    async def scalars(
        self, statement: TypedReturnsRows[T], parameters: Parameters | None = None
    ) -> ScalarResult[T]: ...

    @overload
    async def scalars(
        self, statement: Executable, parameters: Parameters | None = None
    ) -> ScalarResult[Any]: ...

    async def scalars(self, statement: Executable, parameters: Parameters | None = None) -> Any:
        """The first column of every row."""
        return await self.unit.run(lambda session: session.scalars(statement, parameters))

    async def get(self, entity: type[T], key: object) -> T | None:
        """The object with this primary key, or ``None``; a tuple for a key of several columns."""
        return await self.unit.run(lambda session: session.get(entity, key))

    def add(self, instance: object) -> None:
        """Insert a new object, at the next statement, `flush` or commit."""
        self.unit.session.add(instance)

    def add_all(self, instances: Iterable[object]) -> None:
        """Insert new objects, at the next statement, `flush` or commit."""
        self.unit.session.add_all(instances)

    async def delete(self, instance: object) -> None:
        """Delete an object, at the next statement, `flush` or commit."""
        await self.unit.run(lambda session: session.delete(instance))

    async def flush(self) -> None:
        """Send what `add`, `delete` and assignments gathered: keys are known, constraints hold."""
        await self.unit.run(UnitSession.flush)

    async def refresh(self, instance: object) -> None:
        """Read an object anew."""
        await self.unit.run(lambda session: session.refresh(instance))


async def _itself(session: UnitSession) -> UnitSession:
    return session
