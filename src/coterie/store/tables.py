"""What services and the store itself put into a database: names of constraints, own tables."""

from sqlalchemy import Column, DateTime, MetaData, String, Table, func

__all__ = ["SEEDS", "metadata"]

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
