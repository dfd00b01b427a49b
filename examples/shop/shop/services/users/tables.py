"""The tables of the users service."""

from sqlalchemy import Boolean, Column, DateTime, Integer, MetaData, String, Table, func

metadata = MetaData()

users = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("username", String(64), nullable=False, unique=True),
    Column("password_hash", String(256), nullable=False),
    Column("address", String(200), nullable=False),
    Column("admin", Boolean, nullable=False, server_default="0"),
    Column("created_at", DateTime, nullable=False, server_default=func.current_timestamp()),
    # A number is never given to a second user: an old token must not open a new account.
    sqlite_autoincrement=True,
)

login_failures = Table(
    "login_failures",
    metadata,
    Column("username", String(64), primary_key=True),
    Column("count", Integer, nullable=False),
    Column("last_at", Integer, nullable=False),
)
