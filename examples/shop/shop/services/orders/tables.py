"""The tables of the orders service."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    func,
)

metadata = MetaData()

orders = Table(
    "orders",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("user_id", Integer, nullable=False),
    Column("product_id", Integer, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("date", Date, nullable=False),
    Column("unit_price", Integer, nullable=False),
    Column("reservation", String(64), nullable=False, unique=True),
    Column("created_at", DateTime, nullable=False, server_default=func.current_timestamp()),
    CheckConstraint("quantity >= 1", name="orders_quantity"),
    Index("orders_user", "user_id", "id"),
    sqlite_autoincrement=True,
)

# One row a user. Whoever adds an order of a user, or closes the user, changes this row first, so
# that one of the two waits for the other.
buyers = Table(
    "buyers",
    metadata,
    Column("user_id", Integer, primary_key=True, autoincrement=False),
    Column("closed", Boolean, nullable=False),
)

# Goods that were taken, or are about to be, and that no order stands for (yet); see bookings.py.
bookings = Table(
    "bookings",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("reservation", String(64), nullable=False),
    Column("product_id", Integer),
    Column("quantity", Integer),
    Column("due", Integer, nullable=False),
    Column("given_up", Boolean, nullable=False),
)
