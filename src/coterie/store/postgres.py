"""PostgreSQL as an engine, through asyncpg: a pool, read-only transactions for those who read."""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncGenerator, Generator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from functools import partial
from types import MappingProxyType
from typing import Any

from sqlalchemy import URL, NullPool, event, exc, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from .address import PostgresAddress
from .errors import AddressError, Conflict, CorruptDatabase, Misuse, StoreError, Unavailable
from .port import Claim, Value, holding
from .postgres_notes import Notes

__all__ = ["PostgresEngine"]

_NO_SETTINGS: Mapping[str, str] = MappingProxyType({})
_UNUSABLE = ("InterfaceError", "InternalClientError")  # asyncpg's own, beyond the server's
_NOTING = 4  # connections for notes, opened when there are any: each is held for one statement
_ALTER_WAIT = 60  # seconds that a migration waits for the locks of others
# One number for everybody who changes the schema; advisory locks are named by 64 bits.
_ALTER_LOCK = int.from_bytes(hashlib.blake2b(b"coterie.store", digest_size=7).digest())


class PostgresEngine:
    """One database on a server. ``connections`` at most are open at a time, and four for notes.

    ``wait`` is how many seconds a unit of work waits for one of them, ``statement_timeout`` how
    many a statement may take.
    """

    def __init__(
        self,
        address: PostgresAddress,
        *,
        connections: int,
        wait: float,
        statement_timeout: float,
    ) -> None:
        self._address = address
        self._connections = connections
        self._wait = wait
        self._statement = statement_timeout
        self._pool: AsyncEngine | None = None
        self._spare: AsyncEngine | None = None
        self._notes: Notes | None = None
        self._leased = 0

    def __str__(self) -> str:
        return str(self._address)

    async def start(self) -> None:
        """Open the database and prove that it answers."""
        self._pool = self._engine(
            self._statement,
            pool_size=self._connections,
            max_overflow=0,
            pool_timeout=self._wait,
            pool_use_lifo=True,
        )
        event.listen(self._pool.sync_engine, "checkout", _refuse_closed)
        self._spare = self._engine(self._statement, poolclass=NullPool)
        swift = self._engine(self._statement, {"synchronous_commit": "off"}, poolclass=NullPool)
        self._notes = Notes(partial(self._connected, swift), _NOTING)
        await (await self._connected(self._pool)).close()

    async def stop(self) -> None:
        """Close every connection."""
        if self._notes is not None:
            await self._notes.stop()
        for engine in (self._pool, self._spare):
            if engine is not None:
                await engine.dispose()
        self._pool = self._spare = self._notes = None

    async def acquire(self, claim: Claim) -> "_Leased":
        """A connection from the pool."""
        if self._pool is None or self._spare is None:
            raise Misuse(f"{self} is not open: start the Database first (async with database)")
        pool = self._spare if self._leased >= self._connections and holding(claim) else self._pool
        try:
            connection = await self._connected(pool)
        except exc.TimeoutError as error:
            raise Unavailable(
                f"{claim.name} waited {self._wait:g} s while all {self._connections} connections"
                f" to {self} were in use: make units of work shorter, or allow more connections"
            ) from error
        if not claim.write:
            _ = await connection.execution_options(postgresql_readonly=True)
        self._leased += 1
        return _Leased(connection, self)

    def returned(self) -> None:
        """Count a connection that came back."""
        self._leased -= 1

    async def note(self, name: str, sql: str, *values: Value) -> tuple[Any, ...] | None:
        """One statement on one of a few connections whose commits do not wait for the disk."""
        if self._notes is None:
            raise Misuse(f"{self} is not open: start the Database first (async with database)")
        with self._told():
            row = await self._notes.run(name, sql, values, self._wait)
        return None if row is None else tuple(row)

    async def write(self, connection: AsyncConnection, sql: str, *values: Value) -> int:
        """One statement on ``connection``, through the driver where its transaction is open."""
        raw = await connection.get_raw_connection()
        driver: Any = raw.driver_connection
        if not driver.is_in_transaction():
            await connection.execute(text("SELECT 1"))  # SQLAlchemy's way to begin one
        with self._told():
            told: str = await driver.execute(sql, *values)
        return int(told.rpartition(" ")[2])

    @contextmanager
    def _told(self) -> Generator[None]:
        """The driver's own errors, translated as SQLAlchemy's are."""
        try:
            yield
        except Exception as error:
            told = self._noted(error)
            if told is None:
                raise
            raise told from error

    def _noted(self, error: Exception) -> StoreError | None:
        """What the driver's own ``error`` means."""
        if isinstance(error, TimeoutError):
            return self._slow()
        if isinstance(error, OSError) or type(error).__name__ in _UNUSABLE:
            return self._broken()
        return self._answered(_state(error), error)

    def _slow(self) -> StoreError:
        return Unavailable(
            f"{self} took over {self._statement:g} s for one statement: add an index, or"
            " raise statement_timeout",
            lost=True,
        )

    def _broken(self) -> StoreError:
        return Unavailable(
            f"the connection to {self} broke; the next call opens a new one", lost=True
        )

    @asynccontextmanager
    async def alter(self) -> AsyncGenerator[AsyncConnection]:
        """A connection that holds the lock of all who change the schema."""
        engine = self._engine(None, poolclass=NullPool)  # a migration may take its time
        try:
            async with aclosing(await self._connected(engine)) as connection, connection.begin():
                await connection.execute(text(f"SET LOCAL lock_timeout = '{_ALTER_WAIT}s'"))
                await connection.execute(text(f"SELECT pg_advisory_xact_lock({_ALTER_LOCK})"))
                yield connection
        finally:
            await engine.dispose()

    @asynccontextmanager
    async def scratch(self) -> AsyncGenerator[AsyncConnection]:
        """A schema that is never committed."""
        engine = self._engine(None, poolclass=NullPool)
        name = f"coterie_scratch_{secrets.token_hex(6)}"
        try:
            async with aclosing(await self._connected(engine)) as connection:
                # DDL is transactional in PostgreSQL: nobody else ever sees this schema.
                await connection.execute(text(f"CREATE SCHEMA {name}"))
                await connection.execute(text(f"SET LOCAL search_path TO {name}"))
                yield connection
                await connection.rollback()
        finally:
            await engine.dispose()

    async def _connected(self, engine: AsyncEngine) -> AsyncConnection:
        try:
            return await engine.connect()
        except OSError as error:  # the network's own errors, which SQLAlchemy does not translate
            raise self._unreachable(error) from error

    def _engine(
        self,
        statement_timeout: float | None,
        settings: Mapping[str, str] = _NO_SETTINGS,
        **pool: Any,
    ) -> AsyncEngine:
        address = self._address
        connect: dict[str, Any] = {
            "timeout": address.timeout,
            "command_timeout": statement_timeout,
            "server_settings": {"application_name": address.application, **settings},
        }
        if address.ssl is not None:
            connect["ssl"] = address.ssl
        url = URL.create(
            "postgresql+asyncpg",
            username=address.user,
            password=address.password,
            host=address.host,
            port=address.port,
            database=address.database,
        )
        engine = create_async_engine(
            url,
            connect_args=connect,
            hide_parameters=True,  # errors end in logs, and the values may be passwords
            **pool,
        )
        event.listen(engine.sync_engine, "handle_error", self._translate)
        return engine

    def _translate(self, context: ExceptionContext) -> StoreError | None:
        error = context.original_exception
        if isinstance(error, asyncio.CancelledError):
            return None
        if context.connection is None:
            return self._unreachable(error)
        if isinstance(error, TimeoutError):
            return self._slow()
        if context.is_disconnect:
            return self._broken()
        if "InvalidCachedStatement" in type(error).__name__:
            return Conflict(f"{self}: a table was changed meanwhile; run it again")
        return self._answered(_state(error), error)

    def _answered(self, state: str, error: BaseException) -> StoreError | None:
        """What the server said no with (https://www.postgresql.org/docs/current/errcodes-appendix.html)."""
        match state:
            case "40001" | "40P01":
                return Conflict(
                    f"{self}: another transaction got in the way ({error}); run it again"
                )
            case "55P03":
                return Unavailable(f"{self}: a lock was not free in time; try again")
            case "25006":
                return Misuse(
                    "a safe operation, or a transaction that only reads, tried to write: declare"
                    " the operation as post, put, patch or delete"
                )
            case "XX001" | "XX002":
                return CorruptDatabase(f"{self} is damaged ({error}): restore a backup")
            case _ if state.startswith(("53", "57P", "08")):
                return Unavailable(f"{self} cannot serve now ({error}): look at its log")
            case _:
                return None

    def _unreachable(self, error: BaseException) -> StoreError:
        match _state(error):
            case "3D000":
                return AddressError(
                    f"{self}: there is no such database; run createdb {self._address.database}"
                )
            case "28P01" | "28000":
                return AddressError(
                    f"{self}: the server refuses this user or password; correct the URL"
                )
            case _:
                return Unavailable(
                    f"{self} cannot be reached ({str(error) or type(error).__name__}): start the server,"
                    " or correct the URL"
                )


class _Leased:
    def __init__(self, connection: AsyncConnection, engine: PostgresEngine) -> None:
        self.connection = connection
        self._engine = engine

    async def release(self) -> None:
        self._engine.returned()
        await self.connection.close()


def _refuse_closed(connection: Any, _record: object, _proxy: object) -> None:
    """A connection that died while idle is not handed out; the driver knows without asking."""
    if connection.driver_connection.is_closed():
        raise exc.DisconnectionError("closed by the server while idle")


def _state(error: BaseException) -> str:
    """The SQLSTATE that any error of the chain carries, or nothing."""
    for link in _chain(error):
        state = getattr(link, "sqlstate", None)
        if isinstance(state, str):
            return state
    return ""


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
