"""SQLite as an engine: one connection that writes, a few that read, all on one file in WAL mode.

``synchronous=FULL``: a commit that was acknowledged has reached the disk. ``foreign_keys=ON``.
Readers see the last commit and never wait for the writer (https://sqlite.org/wal.html).
"""

import asyncio
import sqlite3
import tempfile
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from sqlalchemy import NullPool, event, exc, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from .address import SqliteAddress
from .errors import AddressError, CorruptDatabase, MigrationError, Misuse, StoreError, Unavailable
from .port import Claim, Value, holding
from .sqlite_file import connect, prepare, why_not, write_ahead
from .sqlite_thread import SqliteThread
from .write_queue import WriteQueue, queue_of

__all__ = ["SqliteEngine"]

_WAL_LIMIT = 64 * 1024 * 1024  # bytes the write-ahead log may keep after a checkpoint
# Seconds. Whoever opens the file may meet another who is just closing it, and for that moment has it
# for itself; that has nothing to do with the writers for whom `busy_timeout` is.
_MOMENT = 1.0


class SqliteEngine:
    """One file. ``readers`` connections at most read at a time.

    ``wait`` is how many seconds a unit of work waits for its turn in this process, and
    ``busy_timeout`` how many for a writer of another process.
    """

    def __init__(
        self, address: SqliteAddress, *, readers: int, wait: float, busy_timeout: float
    ) -> None:
        self._address = address
        self._readers = readers
        self._wait = wait
        self._busy = busy_timeout
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._file = ""
        self._queue: WriteQueue | None = None
        self._writing: AsyncEngine | None = None
        self._reading: AsyncEngine | None = None
        self._spare: AsyncEngine | None = None
        self._leased = 0
        self._writer: AsyncConnection | None = None
        self._thread: SqliteThread | None = None

    def __str__(self) -> str:
        return str(self._address)

    async def start(self) -> None:
        """Open the database and prove that it answers."""
        if self._address.path is None:
            # A file in a folder of its own, not SQLite's :memory:, so that tests and trials have
            # readers beside the writer as in production.
            self._folder = tempfile.TemporaryDirectory(
                prefix="coterie-", ignore_cleanup_errors=True
            )
            self._file = str(Path(self._folder.name) / "memory.db")
        else:
            self._file = prepare(self._address.path)
        self._queue = queue_of(self._file)
        self._writing = self._engine(self._open_writer, write=True, size=1)
        self._reading = self._engine(self._open_reader, write=False, size=self._readers)
        self._spare = self._engine(self._open_reader, write=False, size=0)
        await self._queue.enter(_Opening(self, f"opening {self._file}"), self._wait)
        try:
            self._writer = await self._writing.connect()
            await self._writer.rollback()
            thread: Any = (await self._writer.get_raw_connection()).driver_connection
            self._thread = cast(SqliteThread, thread)
        finally:
            self._queue.leave()

    async def stop(self) -> None:
        """Close every connection."""
        if self._writer is not None:
            await self._writer.close()
        for engine in (self._reading, self._spare, self._writing):
            if engine is not None:
                await engine.dispose()
        if self._folder is not None:
            await asyncio.to_thread(self._folder.cleanup)
        self._writer = self._reading = self._spare = self._writing = None
        self._queue = self._folder = self._thread = None

    async def acquire(self, claim: Claim) -> "_Reading | _Writing":
        """A connection that reads, or the turn on the one that writes."""
        if not (self._queue and self._reading and self._spare and self._writer):
            raise Misuse(f"{self} is not open: start the Database first (async with database)")
        if claim.write:
            await self._queue.enter(claim, self._wait)
            return _Writing(self._writer, self._queue)
        pool = self._spare if self._leased >= self._readers and holding(claim) else self._reading
        try:
            connection = await pool.connect()
        except exc.TimeoutError as error:
            raise Unavailable(
                f"{claim.name} waited {self._wait:g} s while all {self._readers} connections to"
                f" {self} were reading: make units of work shorter, or allow more connections"
            ) from error
        self._leased += 1
        return _Reading(connection, self)

    def returned(self) -> None:
        """Count a reading connection that came back."""
        self._leased -= 1

    async def note(self, name: str, sql: str, *values: Value) -> tuple[Any, ...] | None:
        """One statement on the connection that writes, its commit not waiting for the disk."""
        queue, thread = self._queue, self._thread
        if queue is None or thread is None:
            raise Misuse(f"{self} is not open: start the Database first (async with database)")
        await queue.enter(_Opening(self, name), self._wait)
        try:
            with self._told():
                return await thread.note(_numbered(sql), values)
        finally:
            queue.leave()

    async def write(self, connection: AsyncConnection, sql: str, *values: Value) -> int:
        """One statement on ``connection``, in one journey to its thread."""
        with self._told():
            if connection is self._writer and self._thread is not None:
                return await self._thread.write(_numbered(sql), values)
            thread: Any = (await connection.get_raw_connection()).driver_connection
            return await cast(SqliteThread, thread).write(_numbered(sql), values)

    @contextmanager
    def _told(self) -> Generator[None]:
        """The driver's own errors, translated as SQLAlchemy's are."""
        try:
            yield
        except sqlite3.Error as error:
            told = self._translated(error, write=True)
            if told is None:
                raise
            raise told from error

    @asynccontextmanager
    async def alter(self) -> AsyncGenerator[AsyncConnection]:
        """A connection of its own that may change the schema."""
        if self._queue is None:
            raise Misuse(f"{self} is not open: start the Database first (async with database)")
        # Altering a table in SQLite means: make a new one, copy, drop the old, rename. With
        # foreign keys enforced the drop would delete what refers to the table, so they are off
        # and checked at the end (https://sqlite.org/lang_altertable.html, section 7).
        engine = self._engine(self._open_altering, write=True, size=1, patience=max(60, self._busy))
        await self._queue.enter(
            _Opening(self, f"changing the schema of {self._file}"), max(60, self._wait)
        )
        try:
            async with engine.connect() as connection, connection.begin():
                # Begins the transaction, and so takes the lock, before anything is looked at.
                await connection.execute(text("SELECT 1"))
                broken = await _broken_references(connection)
                yield connection
                new = await _broken_references(connection) - broken
                if new:
                    raise MigrationError(
                        f"{self}: rows of {', '.join(sorted(str(table) for table, *_ in new))} would"
                        " refer to rows that are not there; nothing was changed. Mend the data in"
                        " the migration before the constraint is made"
                    )
        finally:
            await engine.dispose()
            self._queue.leave()

    @asynccontextmanager
    async def scratch(self) -> AsyncGenerator[AsyncConnection]:
        """An empty database in memory."""
        engine = self._engine(lambda: connect(":memory:", 0), write=True, size=1)
        try:
            async with engine.connect() as connection:
                yield connection
        finally:
            await engine.dispose()

    def _engine(
        self,
        connect: Callable[[], sqlite3.Connection],
        *,
        write: bool,
        size: int,
        patience: float | None = None,
    ) -> AsyncEngine:
        wanted = self._busy if patience is None else patience

        async def creator(*_: Any, **__: Any) -> SqliteThread:
            return await SqliteThread(connect, write=write, patience=wanted).open()

        engine = create_async_engine(
            "sqlite+aiosqlite:///file",  # never opened by this name: the creator knows the file
            async_creator=creator,
            hide_parameters=True,  # errors end in logs, and the values may be passwords
            **(
                {"poolclass": NullPool}
                if size == 0
                else {
                    "pool_size": size,
                    "max_overflow": 0,
                    "pool_timeout": self._wait,
                    "pool_use_lifo": True,
                }
            ),
        )

        def translate(context: ExceptionContext) -> StoreError | None:
            if isinstance(context.original_exception, asyncio.CancelledError):
                # SqliteThread came back only after the statement had ended: the connection is
                # sound, and throwing it away would cost the next writer a new one.
                context.is_disconnect = False
            return self._translated(context.original_exception, write=write)

        event.listen(engine.sync_engine, "handle_error", translate)
        return engine

    def _translated(self, error: BaseException, *, write: bool) -> StoreError | None:
        if not isinstance(error, sqlite3.Error):
            return None
        match getattr(error, "sqlite_errorcode", 0) & 0xFF:  # the lower byte is the primary code
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                return Unavailable(
                    f"another process has been writing to {self} for over {self._busy:g} s: make"
                    " its units of work shorter, or give each service a database of its own"
                )
            case sqlite3.SQLITE_READONLY if not write:
                return Misuse(
                    "a safe operation, or a transaction that only reads, tried to write: declare"
                    " the operation as post, put, patch or delete"
                )
            case sqlite3.SQLITE_READONLY:
                return Unavailable(f"{self} is read-only: let this user write the file and folder")
            case sqlite3.SQLITE_FULL:
                return Unavailable(f"the disk of {self} is full: make room; nothing was kept")
            case sqlite3.SQLITE_IOERR:
                return Unavailable(
                    f"the disk of {self} fails ({error}): look at the system's log", lost=True
                )
            case sqlite3.SQLITE_CANTOPEN:
                return AddressError(f"{self} cannot be opened: {why_not(Path(self._file))}")
            case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
                return CorruptDatabase(
                    f"{self} is no SQLite database, or is damaged ({error}): put a backup in its"
                    " place, try `sqlite3 FILE .recover`, or move the file away to begin anew"
                )
            case _:
                return None

    def _open_writer(self) -> sqlite3.Connection:
        patience = max(self._busy, _MOMENT)
        connection = connect(self._file, patience)
        try:
            write_ahead(connection, self._file, patience)
            level = "OFF" if self._folder else "FULL"  # a temporary database need not survive
            connection.execute(f"PRAGMA synchronous={level}")
            connection.execute(f"PRAGMA journal_size_limit={_WAL_LIMIT}")
            connection.execute("PRAGMA foreign_keys=ON")
            # From here on SqliteThread does the waiting, because it can be cancelled.
            connection.execute("PRAGMA busy_timeout=0")
        except BaseException:
            connection.close()
            raise
        return connection

    def _open_altering(self) -> sqlite3.Connection:
        connection = self._open_writer()
        connection.execute("PRAGMA foreign_keys=OFF")
        return connection

    def _open_reader(self) -> sqlite3.Connection:
        connection = connect(self._file, max(self._busy, _MOMENT))
        connection.execute("PRAGMA query_only=ON")
        return connection


class _Opening:
    """The claim of the engine itself."""

    write = True
    connected = False
    outer = None

    def __init__(self, engine: SqliteEngine, name: str) -> None:
        self.engine = engine
        self.name = name


class _Reading:
    def __init__(self, connection: AsyncConnection, engine: SqliteEngine) -> None:
        self.connection = connection
        self._engine = engine

    async def release(self) -> None:
        self._engine.returned()
        await self.connection.close()


class _Writing:
    def __init__(self, connection: AsyncConnection, queue: WriteQueue) -> None:
        self.connection = connection
        self._queue = queue

    async def release(self) -> None:
        try:
            if self.connection.in_transaction():
                await self.connection.rollback()
        finally:
            self._queue.leave()


@lru_cache(maxsize=64)
def _numbered(sql: str) -> str:
    """``sql`` with its values numbered as SQLite does."""
    return sql.replace("$", "?")


async def _broken_references(connection: AsyncConnection) -> set[tuple[Any, ...]]:
    """Rows that refer to nothing: (table, row id, table referred to, which key)."""
    return {tuple(row) for row in await connection.execute(text("PRAGMA foreign_key_check"))}
