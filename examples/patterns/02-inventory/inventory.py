"""The inventory: a catalogue of the services there are, kept in one place."""

import json
import os
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, request
from flask.typing import ResponseReturnValue
from werkzeug import Response as Answer
from werkzeug.exceptions import HTTPException

# A database file, so that the catalogue outlives the program, and several workers share it.
FILE = Path(os.environ.get("INVENTORY_FILE", Path(__file__).with_name("inventory.sqlite3")))
FILE.parent.mkdir(parents=True, exist_ok=True)

TABLE = """
    CREATE TABLE IF NOT EXISTS services
        (name TEXT PRIMARY KEY, url TEXT NOT NULL, description TEXT NOT NULL)
"""
REGISTER = """
    INSERT INTO services VALUES (:name, :url, coalesce(:description, ''))
        ON CONFLICT (name) DO UPDATE
        SET url = :url, description = coalesce(:description, description)
"""
UPDATE = """
    UPDATE services
        SET url = coalesce(:url, url), description = coalesce(:description, description)
        WHERE name = :name
"""

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 16 * 1024


@app.post("/register")
def register() -> ResponseReturnValue:
    """Take a service in. A name that is known already gets the new URL."""
    told = told_in_json()
    name, url, description = told.get("name"), told.get("url"), told.get("description")
    if not (is_name(name) and is_url(url) and is_description(description)):
        return invalid()
    with catalogue() as services:
        services.execute(REGISTER, {"name": name, "url": url, "description": description})
    return {"message": f"Service {name} registered successfully"}, 201


@app.get("/discover/<service_name>")
def discover(service_name: str) -> ResponseReturnValue:
    """Where a service is."""
    with catalogue() as services:
        found = services.execute("SELECT url FROM services WHERE name = ?", (service_name,))
        row = found.fetchone()
    return {"service_url": row["url"]} if row else unknown(service_name)


@app.get("/services")
def list_services() -> ResponseReturnValue:
    """All services, by name."""
    with catalogue() as services:
        rows = services.execute("SELECT * FROM services ORDER BY name").fetchall()
    return {"services": [dict(row) for row in rows]}


@app.get("/services/<service_name>")
def describe(service_name: str) -> ResponseReturnValue:
    """All that is known of a service."""
    with catalogue() as services:
        found = services.execute("SELECT * FROM services WHERE name = ?", (service_name,))
        row = found.fetchone()
    return dict(row) if row else unknown(service_name)


@app.put("/services/<service_name>")
def update(service_name: str) -> ResponseReturnValue:
    """Change the URL or the description of a service, or both; what is not given stays."""
    told = told_in_json()
    url, description = told.get("url"), told.get("description")
    if url is None and description is None:
        return invalid()
    if not ((url is None or is_url(url)) and is_description(description)):
        return invalid()
    with catalogue() as services:
        changes = {"name": service_name, "url": url, "description": description}
        changed = services.execute(UPDATE, changes)
    if not changed.rowcount:
        return unknown(service_name)
    return {"message": f"Service {service_name} updated successfully"}


@app.delete("/services/<service_name>")
def remove(service_name: str) -> ResponseReturnValue:
    """Take a service out."""
    with catalogue() as services:
        gone = services.execute("DELETE FROM services WHERE name = ?", (service_name,))
    if not gone.rowcount:
        return unknown(service_name)
    return {"message": f"Service {service_name} removed successfully"}


@contextmanager
def catalogue() -> Generator[sqlite3.Connection]:
    """The table of services; what is done to it in the block is kept as a whole, or not at all."""
    with closing(sqlite3.connect(FILE)) as connection, connection:
        connection.row_factory = sqlite3.Row
        connection.execute(TABLE)
        yield connection


def told_in_json() -> dict[str, Any]:
    """The JSON object that was sent; an empty one where it was anything else."""
    try:
        sent = request.get_json(silent=True)
    except RecursionError:  # nested too deeply to be meant
        return {}
    return sent if isinstance(sent, dict) else {}


def is_name(value: object) -> bool:
    """A printable text that can stand between two slashes of a path."""
    if not isinstance(value, str) or value in ("", ".", "..") or len(value) > 100:
        return False
    return value.isprintable() and value == value.strip() and "/" not in value


def is_url(value: object) -> bool:
    """The address of a service that speaks HTTP: a scheme, a host, perhaps a port and a path."""
    if not isinstance(value, str) or len(value) > 1000 or not value.isprintable() or " " in value:
        return False
    try:
        address = urlsplit(value)
        return address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
    except ValueError:  # a port that is none, half of an IPv6 address
        return False


def is_description(value: object) -> bool:
    """A printable text, or none."""
    return value is None or (isinstance(value, str) and len(value) <= 500 and value.isprintable())


def invalid() -> ResponseReturnValue:
    """What was sent is no registration."""
    return {"error": "Invalid service registration data"}, 400


def unknown(name: str) -> ResponseReturnValue:
    """Nobody registered this name."""
    return {"error": f"Service {name} not found"}, 404


@app.errorhandler(HTTPException)
def refused(problem: HTTPException) -> Answer:
    """Whatever else is wrong is told in JSON too, and nothing of the inside with it."""
    answer = problem.get_response()
    answer.data = json.dumps({"error": problem.name})
    answer.content_type = "application/json"
    return answer


if __name__ == "__main__":
    host, port = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "5001"))
    app.run(host, port, debug=False)  # a debugger would run what its visitors type
