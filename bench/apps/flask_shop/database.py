# mypy: ignore-errors
# The peers are not in the environment of the checks.
"""One SQLite file a service, with the same journal and the same durability as Coterie's shop."""

import os

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event


def application(name: str) -> Flask:
    """A Flask application whose database is the file that `DATABASE_FOLDER` holds for `name`."""
    app = Flask(name)
    folder = os.environ["DATABASE_FOLDER"]
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{folder}/{name}.db"
    return app


def open_database(app: Flask, db: SQLAlchemy) -> None:
    """Join them; every new connection gets the journal and the synchronous level."""
    db.init_app(app)
    with app.app_context():
        event.listen(db.engine, "connect", _durable)


def _durable(connection, record) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()
