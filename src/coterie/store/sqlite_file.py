"""A SQLite file: its folder made, opened with sqlite3, switched to WAL, errors with a remedy."""

import os
import sqlite3
import time
from pathlib import Path

from .errors import AddressError

__all__ = ["connect", "prepare", "why_not", "write_ahead"]


def connect(file: str, busy: float) -> sqlite3.Connection:
    """Open ``file``; SQLite itself waits ``busy`` seconds for the locks of others."""
    return sqlite3.connect(
        file,
        timeout=busy,
        isolation_level=None,  # SqliteThread begins transactions itself
        check_same_thread=False,  # interrupt() comes from the loop's thread, as SQLite allows
        cached_statements=256,
    )


def prepare(path: Path) -> str:
    """Make the folder; the path without links, so that two names of a file are one."""
    if path.is_dir():
        raise AddressError(f"{path} is a folder: name a file in it, such as {path / 'data.db'}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AddressError(
            f"the folder of {path} cannot be made ({error.strerror}): make it, or choose another"
            " path; an absolute path has four slashes (sqlite:////absolute/file.db)"
        ) from error
    return str(path.resolve())


def why_not(file: Path) -> str:
    """The likely reason that ``file`` cannot be opened, and what to do."""
    if not file.parent.is_dir():
        return f"the folder {file.parent} does not exist; make it"
    target = file if file.exists() else file.parent
    if not os.access(target, os.W_OK):
        return f"this user may not write {target}; change its owner or its mode"
    return "look at its owner and mode, and at the limit of open files (ulimit -n)"


def write_ahead(connection: sqlite3.Connection, file: str, patience: float) -> None:
    """Switch to WAL. SQLite's busy handler does not cover this switch, so we wait ourselves."""
    until = time.monotonic() + patience
    mode = ""
    while not mode:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.005)
    if mode != "wal":
        raise AddressError(
            f"{file} cannot be used in WAL mode (SQLite answers '{mode}'): the file system does"
            " not offer shared memory; choose a local disk, or PostgreSQL"
        )
