"""RegisterFile: what is registered, in a file that survives a restart."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from .records import InstanceRecord, ServiceRecord

__all__ = ["Kept", "RegisterFile", "RegisterFileError", "Write"]

T = TypeVar("T")

_VERSION = 1
_PATIENCE = 2.0
_TABLES = """
CREATE TABLE run (number INTEGER NOT NULL);
INSERT INTO run VALUES (0);
CREATE TABLE service (name TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE instance (
    service TEXT NOT NULL, id TEXT NOT NULL, record TEXT NOT NULL, PRIMARY KEY (service, id)
) WITHOUT ROWID;
"""

Write = tuple[str, tuple[str, ...]]
"""A statement and its values."""


class RegisterFileError(Exception):
    """The registry's file cannot be used as it is; the message names it and says what to do.

    Never begun anew in silence: whose name is whose would be forgotten.
    """

    def __init__(self, path: Path, problem: str, remedy: str) -> None:
        super().__init__(path, problem, remedy)
        self.path = path
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}. {self.remedy}."


class Kept(Struct, frozen=True):
    """What a file held when it was opened, and how often it has been opened."""

    run: int
    services: list[ServiceRecord]
    instances: list[tuple[str, InstanceRecord]]


class RegisterFile:
    """The file ``path``, an SQLite database of one process at a time.

    What was written is on the disk (WAL, synchronous=FULL) when `write` returns, all of it or none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._database: sqlite3.Connection
        self._thread: ThreadPoolExecutor | None = None

    async def open(self) -> Kept:
        """Open the file, made if there is none. Raises `RegisterFileError`."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="registry-file")
        try:
            return await self._do(self._open)
        except BaseException:
            self._thread.shutdown(wait=False)
            self._thread = None
            raise

    async def close(self) -> None:
        """Close it, after what is being written."""
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.get_running_loop().run_in_executor(thread, self._database.close)
            thread.shutdown(wait=False)

    async def write(self, writes: Sequence[Write]) -> None:
        """Carry out all of ``writes``. Raises `sqlite3.Error`, and then none of them happened."""
        await self._do(lambda: self._write(writes))

    async def _do(self, work: Callable[[], T]) -> T:
        if self._thread is None:
            raise sqlite3.OperationalError("the registry is not started")
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    # --- what is written ------------------------------------------------------------------------

    @staticmethod
    def put_service(record: ServiceRecord) -> Write:
        """Keep a service."""
        return "REPLACE INTO service VALUES (?, ?)", (record.name, _text(record))

    @staticmethod
    def drop_service(name: str) -> Write:
        """Keep a service no longer."""
        return "DELETE FROM service WHERE name = ?", (name,)

    @staticmethod
    def put_instance(service: str, record: InstanceRecord) -> Write:
        """Keep an instance."""
        return "REPLACE INTO instance VALUES (?, ?, ?)", (service, record.id, _text(record))

    @staticmethod
    def drop_instance(service: str, id: str) -> Write:
        """Keep an instance no longer."""
        return "DELETE FROM instance WHERE service = ? AND id = ?", (service, id)

    # --- in the thread --------------------------------------------------------------------------

    def _open(self) -> Kept:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.touch(mode=0o600)
            self._database = sqlite3.connect(
                self.path, isolation_level=None, timeout=_PATIENCE, check_same_thread=False
            )
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from error
        try:
            return self._read()
        except BaseException as error:
            self._database.close()
            # Among the operational ones, this alone says that a table is not as it was made.
            strange = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR
            if isinstance(error, sqlite3.OperationalError) and not strange:
                raise self._unusable(error) from error
            if isinstance(error, sqlite3.DatabaseError | msgspec.DecodeError):
                raise self._damaged(str(error)) from error
            raise

    def _read(self) -> Kept:
        database = self._database
        # One process alone: two that each hold the whole in memory would overwrite each other.
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if version > _VERSION:
            raise RegisterFileError(
                self.path,
                f"a newer Coterie wrote it (version {version} of its tables, {_VERSION} is ours)",
                "Update Coterie, or give the registry another file",
            )
        if version == 0:
            tables = f"BEGIN IMMEDIATE;{_TABLES}PRAGMA user_version = {_VERSION};COMMIT;"
            database.executescript(tables)
        elif (found := database.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise sqlite3.DatabaseError(found)
        services = database.execute("SELECT record FROM service").fetchall()
        instances = database.execute("SELECT service, record FROM instance").fetchall()
        kept = Kept(
            int(database.execute("SELECT number FROM run").fetchone()[0]) + 1,
            [msgspec.json.decode(text, type=ServiceRecord) for (text,) in services],
            [(name, msgspec.json.decode(text, type=InstanceRecord)) for name, text in instances],
        )
        # Last, so that a file that cannot be read stays as it was.
        self._write([("UPDATE run SET number = number + 1", ())])
        return kept

    def _write(self, writes: Sequence[Write]) -> None:
        database = self._database
        database.execute("BEGIN IMMEDIATE")
        try:
            for statement, values in writes:
                database.execute(statement, values)
            database.execute("COMMIT")
        except BaseException:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise

    def _unusable(self, error: OSError | sqlite3.Error) -> RegisterFileError:
        if "locked" in str(error):
            return RegisterFileError(
                self.path,
                "another process has the registry's file open",
                "Stop that process, or give this registry a file of its own",
            )
        return RegisterFileError(
            self.path,
            f"the registry's file cannot be opened: {getattr(error, 'strerror', None) or error}",
            "Let the user who runs the registry own and write its folder, and make room there",
        )

    def _damaged(self, problem: str) -> RegisterFileError:
        return RegisterFileError(
            self.path,
            f"the registry's file is damaged: {problem}",
            "Restore it from a backup, or move it away: a new one is begun then, and every"
            " program registers again",
        )


def _text(record: Any) -> str:
    return msgspec.json.encode(record).decode()
