"""The central database: one SQLite file, opened by every worker of all services."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import URL, Connection, event, make_url

from .goods import fill_shelves
from .tables import Base

DEFAULT_URL = f"sqlite:///{Path(__file__).parents[1] / 'database' / 'centraldb.sqlite3'}"

# Seconds to wait while another worker writes.
PATIENCE = 20

db = SQLAlchemy(metadata=Base.metadata, session_options={"expire_on_commit": False})


class WrongAddressError(ValueError):
    """DATABASE_URL is not the address of a file that all services would find."""


def file_url(address: str) -> URL:
    """The address of a SQLite file. Raises `WrongAddressError`."""
    url = make_url(address)
    if url.get_backend_name() != "sqlite" or not Path(url.database or "").is_absolute():
        raise WrongAddressError(
            f"DATABASE_URL is {url.render_as_string()}: make it sqlite:/// and an absolute path, "
            "so four slashes in all. A relative path would lead each service to a file of its own."
        )
    return url


def open_database(app: Flask, address: str) -> None:
    """Join the application to the file; makes the file, its tables and first goods if there are none."""
    url = file_url(address)
    Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"connect_args": {"timeout": PATIENCE}}
    db.init_app(app)
    with app.app_context():
        event.listen(db.engine, "connect", _connected)
        event.listen(db.engine, "begin", _begin)
        # Workers start at the same moment; holding the write lock, one of them makes all.
        with writing():
            connection = db.session.connection()
            Base.metadata.create_all(connection)
            fill_shelves(connection)


@contextmanager
def reading() -> Generator[None]:
    """One transaction to look things up in; it ends with the block."""
    with db.session.begin():
        yield


@contextmanager
def writing() -> Generator[None]:
    """One transaction that holds SQLite's one write lock: what it reads stays true to its end."""
    with db.session.begin():
        db.session.connection(execution_options={"writes": True})
        yield


def _connected(connection: Any, _: object) -> None:
    connection.isolation_level = None  # we say BEGIN, not the driver
    connection.execute("PRAGMA foreign_keys = ON")


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
