"""What can go wrong between a service and its database, each with what to do next."""

__all__ = [
    "AddressError",
    "CommitFailed",
    "Conflict",
    "CorruptDatabase",
    "MigrationError",
    "Misuse",
    "NewerDatabase",
    "StoreError",
    "Unavailable",
]


class StoreError(Exception):
    """Anything the store itself reports.

    ::

        StoreError
        ├── AddressError      the URL or the path names nothing that can be opened
        ├── Unavailable       the database does not answer now; the same call may work later
        ├── Conflict          lost against another change; the whole unit may be run again
        ├── CommitFailed      the last step failed; `unknown` says whether its outcome is known
        ├── Misuse            the code uses the database in a way that cannot work
        ├── CorruptDatabase   what is stored cannot be read any more
        └── MigrationError    the schema cannot be brought to where the code needs it
            └── NewerDatabase the database is ahead of the code

    Errors about a statement itself (a constraint, a missing table) stay what they are:
    `sqlalchemy.exc.IntegrityError` and its kin. The driver's own error is the ``__cause__``.
    """


class AddressError(StoreError):
    """The URL, or the path in it, names nothing that can be opened. Never shows a password."""


class Unavailable(StoreError):
    """The database does not answer now: unreachable, too busy, or its disk is full.

    ``lost`` is true where the connection broke with a request under way.
    """

    def __init__(self, message: str, *, lost: bool = False) -> None:
        super().__init__(message)
        self.lost = lost


class Conflict(StoreError):
    """Another transaction got in the way (deadlock, serialization failure). Nothing was kept."""


class CommitFailed(StoreError):
    """The unit of work could not be committed.

    ``unknown`` is false where certainly nothing was kept, true where the connection broke
    during the commit: then look before trying again.
    """

    def __init__(self, message: str, *, unknown: bool) -> None:
        super().__init__(message)
        self.unknown = unknown


class Misuse(StoreError):
    """A mistake in the code: outside of a call, nested, or writing where only reading is."""


class CorruptDatabase(StoreError):
    """What is stored cannot be read any more, or was never a database."""


class MigrationError(StoreError):
    """The migrations do not fit together, or one of them failed; nothing was changed."""


class NewerDatabase(MigrationError):
    """The database was migrated by a newer version of the service than this one."""
