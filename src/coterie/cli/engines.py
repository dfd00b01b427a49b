"""coterie engines: the real programs and drivers on this machine."""

import sqlite3
from importlib import metadata
from typing import Any

from coterie.engine import PROGRAMS, Missing, Program, find

from .options import Json
from .output import show_json, table

__all__ = ["verb"]

_COLUMNS = ("engine", "version", "for", "source", "where", "state")
_READY = "ready"
_DATABASES = {"SQLite": ("sql", "aiosqlite"), "PostgreSQL": ("postgres", "asyncpg")}


def verb(json: Json = False) -> None:
    """List the engines on this machine: broker, gateway, databases.

    \b
    Examples:
      coterie engines
      coterie engines --json
    """
    rows = [_program(program) for program in PROGRAMS.values()]
    rows += [_database(name, extra, driver) for name, (extra, driver) in _DATABASES.items()]
    if json:
        show_json(rows)
    else:
        titles = [name.upper() for name in _COLUMNS]
        table(titles, [[row[name] or "-" for name in _COLUMNS] for row in rows])


def _program(program: Program) -> dict[str, Any]:
    row = _row(program.name, None, program.purpose)
    try:
        found = find(program.name)
    except Missing as missing:
        state = "missing" if missing.why == "not found" else f"missing: {missing.why}"
        return {**row, "state": f"{state}. {missing.remedy}"}
    known = {"version": found.version, "source": found.source, "where": str(found.path)}
    return {**row, **known, "state": _READY}


def _database(name: str, extra: str, driver: str) -> dict[str, Any]:
    """SQLite is in Python itself, PostgreSQL is elsewhere: each needs its driver here."""
    version = sqlite3.sqlite_version if name == "SQLite" else None
    row = _row(name, version, "database")
    try:
        metadata.version("sqlalchemy")
        told = f"{driver} {metadata.version(driver)}"
    except metadata.PackageNotFoundError:
        return {**row, "state": f"missing: pip install 'coterie[{extra}]'"}
    return {**row, "source": "driver", "where": told, "state": _READY}


def _row(name: str, version: str | None, purpose: str) -> dict[str, Any]:
    known = {"engine": name, "version": version, "for": purpose}
    return {**known, "source": None, "where": None, "state": "missing"}
