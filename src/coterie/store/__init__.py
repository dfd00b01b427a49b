"""The store: one unit of work a call, on SQLite or PostgreSQL, with migrations and seeds.

Knows databases: where they are, who may write when, what their errors mean, and that whatever
one call changes is kept or forgotten together. Service code writes SQLAlchemy statements.

Deliberately knows no service's tables, no wire, no bus: an outbox or an idempotency key hangs
itself into the unit's hooks.
"""

_EXTRA = frozenset({"sqlalchemy", "alembic", "aiosqlite", "greenlet"})

try:
    from .database import Database
    from .errors import (
        AddressError,
        CommitFailed,
        Conflict,
        CorruptDatabase,
        MigrationError,
        Misuse,
        NewerDatabase,
        StoreError,
        Unavailable,
    )
    from .policy import unit_of_work
    from .unit import UnitOfWork
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] not in _EXTRA:
        raise
    raise ImportError(
        f"coterie.store needs the package {error.name}: run pip install 'coterie[sql]'"
    ) from error

__all__ = [
    "AddressError",
    "CommitFailed",
    "Conflict",
    "CorruptDatabase",
    "Database",
    "MigrationError",
    "Misuse",
    "NewerDatabase",
    "StoreError",
    "Unavailable",
    "UnitOfWork",
    "unit_of_work",
]
