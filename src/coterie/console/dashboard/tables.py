"""The tables of the console's history, and the file they lie in."""

import logging
import sqlite3
import time
from pathlib import Path

__all__ = ["VERSION", "forgetful", "opened"]

log = logging.getLogger("coterie.console")

VERSION = 2
"""Of these tables; a file says in its ``user_version`` which it has."""

_TABLES = """
CREATE TABLE span (
    id INTEGER PRIMARY KEY,
    trace TEXT NOT NULL, span TEXT NOT NULL, kind TEXT NOT NULL, parent TEXT,
    service TEXT NOT NULL, operation TEXT NOT NULL,
    ended REAL NOT NULL, seconds REAL NOT NULL, code TEXT, notes TEXT,
    UNIQUE (trace, span, kind)
);
CREATE TABLE trace (
    trace TEXT PRIMARY KEY,
    rank INTEGER NOT NULL, began REAL NOT NULL, ended REAL NOT NULL,
    service TEXT NOT NULL, operation TEXT NOT NULL,
    seconds REAL NOT NULL, code TEXT, failed INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX trace_ended ON trace (ended);
CREATE INDEX trace_failed ON trace (ended) WHERE failed;
CREATE TABLE line (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL, source TEXT NOT NULL, level INTEGER NOT NULL,
    trace TEXT NOT NULL, text TEXT NOT NULL
);
CREATE INDEX line_trace ON line (trace) WHERE trace != '';
CREATE TABLE sample (
    name TEXT NOT NULL, at INTEGER NOT NULL,
    rate REAL NOT NULL, in_flight INTEGER NOT NULL, memory INTEGER,
    PRIMARY KEY (name, at)
) WITHOUT ROWID;
"""


_RENEWED = "ALTER TABLE span ADD COLUMN notes TEXT;"
"""Makes of the tables of version 1 those of version 2."""


def opened(path: Path) -> sqlite3.Connection:
    """A connection to the history at ``path``, made if there is none.

    A file that is damaged, no database, or of a newer version is moved aside, with a message,
    and a new one begun. Raises `OSError` or `sqlite3.Error` where there can be no file at all.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        return _connected(path)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        _set_aside(path, str(error))
        return _connected(path)


def forgetful() -> sqlite3.Connection:
    """A connection to a history that lies nowhere and ends with it."""
    database = sqlite3.connect(":memory:", isolation_level=None)
    database.executescript(_TABLES)
    return database


def _connected(path: Path) -> sqlite3.Connection:
    path.touch(mode=0o600)
    database = sqlite3.connect(path, isolation_level=None)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        # A history may lose its last second when the power goes, and must not cost an fsync each.
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute("PRAGMA journal_size_limit = 8388608")
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise sqlite3.DatabaseError(
                f"a newer Coterie wrote it (version {version} of its tables, {VERSION} is ours)"
            )
        if version == 0:
            database.executescript(f"BEGIN;{_TABLES}PRAGMA user_version = {VERSION};COMMIT;")
        elif database.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("it is damaged")
        elif version == 1:
            database.executescript(f"BEGIN;{_RENEWED}PRAGMA user_version = {VERSION};COMMIT;")
    except BaseException:
        database.close()
        raise
    return database


def _set_aside(path: Path, why: str) -> None:
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    aside = path.with_name(f"{path.name}.aside-{stamp}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.aside-{stamp}-{number}")
    path.rename(aside)
    for end in ("-wal", "-shm"):
        beside = path.with_name(path.name + end)
        if beside.exists():
            beside.rename(aside.with_name(aside.name + end))
    log.warning(
        "the console's history %s cannot be read: %s. It lies at %s now, and a new one begins;"
        " delete it if you do not need it",
        path, why, aside,
    )  # fmt: skip
