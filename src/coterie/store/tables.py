"""What services and the store itself put into a database: names of constraints, own tables."""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Double,
    LargeBinary,
    MetaData,
    String,
    Table,
    func,
)

__all__ = ["KEYS", "SEEDS", "metadata"]

# A constraint without a name cannot be dropped by a later migration. These names are the ones
# that PostgreSQL users know from Alembic's documentation ("The Importance of Naming Constraints").
_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def metadata() -> MetaData:
    """A `MetaData` for the tables of one service, whose constraints all get names.

    ::

        class Model(DeclarativeBase):
            metadata = metadata()
    """
    return MetaData(naming_convention=_NAMES)


_own = metadata()

SEEDS = Table(
    "coterie_seed",
    _own,
    Column("service", String(200), primary_key=True),
    Column("name", String(200), primary_key=True),
    Column("sown_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
"""Which seeds a database has received."""

KEYS = Table(
    "coterie_idempotency",
    _own,
    Column("service", String(200), primary_key=True),
    Column("key", LargeBinary(32), primary_key=True),
    Column("fingerprint", LargeBinary(32), nullable=False),
    Column("claim", BigInteger, nullable=False),
    Column("leased", Double, nullable=False),
    Column("expires", Double, nullable=False),
    Column("reply", LargeBinary),
    # Each call with a key writes here twice: one tree to write to, and room for the second row
    # beside the first (PostgreSQL's heap-only tuples), make that as cheap as it can be.
    sqlite_with_rowid=False,
    postgresql_with={"fillfactor": 70},
)
"""Which idempotency keys were used, by whom for what, and what the reply was.

``leased`` and ``expires`` are moments in seconds since 1970: until when the claim of a call that
runs holds, and when the row may go.
"""
