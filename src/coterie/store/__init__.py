"""The store: one unit of work a call, on SQLite or PostgreSQL, with migrations and seeds.

Knows databases: where they are, who may write when, what their errors mean, and that whatever
one call changes is kept or forgotten together. Service code writes SQLAlchemy statements.

Deliberately knows no service's tables, no wire, no bus, and no policy: it keeps idempotency keys,
and what these mean for a call is decided elsewhere.
"""

from . import extra as extra  # first: it says what to install where something is missing
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
from .idempotency import KeyStore
from .migrations import Migration, migrate, pending
from .policy import unit_of_work
from .revisions import new_migration
from .seeds import seed_once
from .tables import metadata
from .unit import UnitOfWork

__all__ = [
    "AddressError",
    "CommitFailed",
    "Conflict",
    "CorruptDatabase",
    "Database",
    "KeyStore",
    "Migration",
    "MigrationError",
    "Misuse",
    "NewerDatabase",
    "StoreError",
    "Unavailable",
    "UnitOfWork",
    "metadata",
    "migrate",
    "new_migration",
    "pending",
    "seed_once",
    "unit_of_work",
]
