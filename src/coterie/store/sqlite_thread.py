"""SqliteThread: one sqlite3 connection on a thread of its own, as SQLAlchemy's asyncio wants it.

SQLAlchemy's aiosqlite dialect asks its driver for a cursor, an execution, the rows and a close,
and with aiosqlite each of them is a journey to another thread and back. Here a statement is one
journey: it begins the transaction where none is open (PEP 249), runs, and brings its rows along.

Source: the driver interface of ``sqlalchemy.dialects.sqlite.aiosqlite`` (``async_creator``).
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from queue import SimpleQueue
from threading import Thread
from typing import Any, NamedTuple, Self, TypeVar

__all__ = ["SqliteThread"]

T = TypeVar("T")

_CHUNK = 256  # rows that come along with a statement; more are fetched when asked for
_NORMAL = 1  # the number of PRAGMA synchronous=NORMAL
_PAUSES = (0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.025)  # as SQLite's own busy handler


class _Busy(sqlite3.OperationalError):
    """Another process holds the write lock."""


class _Job(NamedTuple):
    future: "asyncio.Future[Any]"
    work: Callable[..., Any]
    arguments: tuple[Any, ...]


class SqliteThread:
    """The driver connection.

    ``connect`` opens the sqlite3 connection, on the thread. A transaction that writes begins with
    ``BEGIN IMMEDIATE``, and waits for another process ``patience`` seconds at most.
    """

    isolation_level = ""  # not None: SQLAlchemy takes None for autocommit

    def __init__(
        self, connect: Callable[[], sqlite3.Connection], *, write: bool, patience: float
    ) -> None:
        self._connect = connect
        self._write = write
        self._begin = "BEGIN IMMEDIATE" if write else "BEGIN"
        self._patience = patience
        self._connection: sqlite3.Connection | None = None
        self._begun = False
        self._level: int | None = None  # of PRAGMA synchronous, asked once
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()

    async def open(self) -> "SqliteThread":
        """Start the thread and open the connection on it."""
        Thread(target=_serve, args=(self._jobs,), name="coterie-sqlite", daemon=True).start()
        try:
            self._connection = await self.run(self._connect)
        except BaseException:
            self._jobs.put(None)
            raise
        return self

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Call ``work`` on the thread.

        Cancelled, it interrupts the running statement and comes back when that has ended: whoever
        cancels may be sure that nothing goes on behind.
        """
        try:
            return await self._post(work, *arguments)
        except asyncio.CancelledError:
            if self._connection is not None:
                self._connection.interrupt()
            await self._idle()
            raise

    def _post(self, work: Callable[..., T], *arguments: Any) -> "asyncio.Future[T]":
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put(_Job(future, work, arguments))
        return future

    async def _idle(self) -> None:
        future = self._post(_nothing)
        while not future.done():
            try:
                await asyncio.wait((future,))
            except asyncio.CancelledError:
                continue  # once is enough, and our caller is about to raise it

    @property
    def open_connection(self) -> sqlite3.Connection:
        """The connection, for work on the thread."""
        if self._connection is None:
            raise sqlite3.OperationalError("Connection closed")  # SQLAlchemy knows these words
        return self._connection

    def ready(self, sql: str) -> sqlite3.Connection:
        """On the thread: make sure that a transaction is open before ``sql``."""
        connection = self.open_connection
        if connection.in_transaction:
            return connection
        if self._begun:
            raise sqlite3.OperationalError(
                "SQLite rolled the transaction back after the error before this statement;"
                " let that error end the unit of work"
            )
        if not sql.startswith("PRAGMA"):
            self._begin_now(connection)
            self._begun = True
        return connection

    def _begin_now(self, connection: sqlite3.Connection) -> None:
        try:
            connection.execute(self._begin)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                raise _Busy(*error.args) from error
            raise

    async def patiently(self, work: Callable[..., T], *arguments: Any) -> T:
        """Like `run`; while another process holds the write lock, try again.

        The waiting happens here and not in SQLite's busy handler, which cannot be cancelled.
        """
        until = time.monotonic() + self._patience
        tries = 0
        while True:
            try:
                return await self.run(work, *arguments)
            except _Busy as busy:
                pause = _PAUSES[min(tries, len(_PAUSES) - 1)]
                if time.monotonic() + pause > until:
                    raise busy.__cause__ or busy from None
                tries += 1
                await asyncio.sleep(pause)

    async def note(self, sql: str, values: Sequence[Any]) -> tuple[Any, ...] | None:
        """Run one statement in a transaction of its own; the first row it returns, if any.

        The commit does not wait for the disk. In WAL mode that loses nothing but the last commits,
        and only if power fails; the next one that waits takes it along
        (https://sqlite.org/pragma.html#pragma_synchronous).
        """
        return await self.patiently(self._note, sql, values)

    def _note(self, sql: str, values: Sequence[Any]) -> tuple[Any, ...] | None:
        connection = self.open_connection
        level = self._level
        if level is None:
            (level,) = connection.execute("PRAGMA synchronous").fetchone()
            self._level = level
        if level > _NORMAL:
            connection.execute("PRAGMA synchronous=NORMAL")
        try:
            self._begin_now(connection)
            rows = connection.execute(sql, values).fetchall()
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        finally:
            if level > _NORMAL:
                connection.execute(f"PRAGMA synchronous={level}")
        return rows[0] if rows else None

    async def write(self, sql: str, values: Sequence[Any]) -> int:
        """Run one statement in the present transaction, or begin it: how many rows it changed."""
        return await self.patiently(self._write_now, sql, values)

    def _write_now(self, sql: str, values: Sequence[Any]) -> int:
        return self.ready(sql).execute(sql, values).rowcount

    def cursor(self) -> "_Cursor":
        """A cursor; costs no journey."""
        return _Cursor(self)

    async def commit(self) -> None:
        """Commit, where anything was begun."""
        if self._begun:
            await self._end(self._commit)

    async def _end(self, work: Callable[[], None]) -> None:
        if self._write:
            await self.run(work)
        else:
            # Nothing depends on the end of a transaction that only read, and the next statement
            # queues behind it: no need to wait.
            _ = self._post(self._rollback)

    def _commit(self) -> None:
        connection = self.open_connection
        self._begun = False
        if not connection.in_transaction:
            raise sqlite3.OperationalError(
                "SQLite rolled the transaction back after an error; nothing was kept"
            )
        try:
            connection.execute("COMMIT")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    async def rollback(self) -> None:
        """Roll back, where anything was begun."""
        if self._begun:
            await self._end(self._rollback)

    def _rollback(self) -> None:
        self._begun = False
        connection = self._connection  # none any more: then closing it has rolled back
        if connection is not None and connection.in_transaction:
            connection.execute("ROLLBACK")

    async def create_function(
        self, name: str, arguments: int, function: Callable[..., Any], *, deterministic: bool
    ) -> None:
        """Make a Python function callable from SQL."""
        await self.run(self._create_function, name, arguments, function, deterministic)

    def _create_function(
        self, name: str, arguments: int, function: Callable[..., Any], deterministic: Any
    ) -> None:
        self.open_connection.create_function(
            name, arguments, function, deterministic=bool(deterministic)
        )

    async def close(self) -> None:
        """Close the connection and end the thread; what was not committed is rolled back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                await self.run(connection.close)
            finally:
                self._jobs.put(None)

    def stop(self) -> None:
        """Like `close`, without waiting for it: for a loop that cannot wait any more."""
        connection, self._connection = self._connection, None
        if connection is not None:
            _ = self._post(connection.close)
            self._jobs.put(None)


class _Cursor:
    """One statement at a time. The first rows are here when `execute` returns."""

    def __init__(self, thread: SqliteThread) -> None:
        self._thread = thread
        self._open: sqlite3.Cursor | None = None
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> "_Cursor":
        await self._thread.patiently(self._execute, sql, parameters)
        return self

    def _execute(self, sql: str, parameters: Sequence[Any]) -> None:
        cursor = self._thread.ready(sql).execute(sql, parameters)
        self.description = cursor.description
        if cursor.description is not None:
            self._rows = cursor.fetchmany(_CHUNK)
            self._open = cursor if len(self._rows) == _CHUNK else None
        self.rowcount = cursor.rowcount
        self.lastrowid = cursor.lastrowid

    async def executemany(self, sql: str, parameters: Iterable[Sequence[Any]]) -> "_Cursor":
        await self._thread.patiently(self._executemany, sql, parameters)
        return self

    def _executemany(self, sql: str, parameters: Iterable[Sequence[Any]]) -> None:
        cursor = self._thread.ready(sql).executemany(sql, parameters)
        self.rowcount = cursor.rowcount
        self.lastrowid = cursor.lastrowid

    async def fetchall(self) -> list[Any]:
        rows, self._rows = self._rows, []
        if self._open is not None:
            rows += await self._thread.run(self._open.fetchall)
            self._open = None
        return rows

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        size = size or self.arraysize
        if not self._rows and self._open is not None:
            wanted = max(size, _CHUNK)
            self._rows = await self._thread.run(self._open.fetchmany, wanted)
            if len(self._rows) < wanted:
                self._open = None
        rows, self._rows = self._rows[:size], self._rows[size:]
        return rows

    async def fetchone(self) -> Any:
        rows = await self.fetchmany(1)
        return rows[0] if rows else None

    async def close(self) -> None:
        cursor, self._open = self._open, None
        if cursor is not None:
            await self._thread.run(cursor.close)


def _nothing() -> None:
    pass


def _serve(jobs: "SimpleQueue[_Job | None]") -> None:
    """The thread: one job after the other, until ``None``."""
    while (job := jobs.get()) is not None:
        result: Any = None
        failure: BaseException | None = None
        try:
            result = job.work(*job.arguments)
        except BaseException as error:  # noqa: BLE001  # whatever it is, it belongs to the caller
            failure = error
        try:
            job.future.get_loop().call_soon_threadsafe(_settle, job.future, result, failure)
        except RuntimeError:
            # The loop is closed: nobody waits for the answer. Go on, the close may still come.
            continue
        finally:
            del job, result, failure  # or they live until the next job comes


def _settle(future: "asyncio.Future[Any]", result: object, failure: BaseException | None) -> None:
    if future.done():
        return
    if failure is None:
        future.set_result(result)
    else:
        future.set_exception(failure)
