"""The registry: services tell it where they are, callers ask it, while both run."""

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

# A database file, so that what is registered outlives the program, and several workers share it.
FILE = Path(os.environ.get("REGISTRY_FILE", Path(__file__).with_name("registry.sqlite3")))
FILE.parent.mkdir(parents=True, exist_ok=True)

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 16 * 1024


@app.post("/register")
def register() -> ResponseReturnValue:
    """A service is at a URL from now on, wherever it was before."""
    told = told_in_json()
    name, url = told.get("name"), told.get("url")
    if not (is_name(name) and is_url(url)):
        return {"error": "Invalid service registration data"}, 400
    with addresses() as table:
        table.execute("INSERT OR REPLACE INTO addresses VALUES (?, ?)", (name, url))
    return {"message": f"Service {name} registered successfully"}, 201


@app.get("/discover/<service_name>")
def discover(service_name: str) -> ResponseReturnValue:
    """Where a service is."""
    with addresses() as table:
        found = table.execute("SELECT url FROM addresses WHERE name = ?", (service_name,))
        row = found.fetchone()
    if row is None:
        return {"error": f"Service {service_name} not found"}, 404
    return {"service_url": row[0]}


@contextmanager
def addresses() -> Generator[sqlite3.Connection]:
    """The table of names and URLs; what is done to it in the block is kept on the disk."""
    with closing(sqlite3.connect(FILE)) as connection, connection:
        connection.execute("CREATE TABLE IF NOT EXISTS addresses (name PRIMARY KEY, url NOT NULL)")
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


@app.errorhandler(HTTPException)
def refused(problem: HTTPException) -> Answer:
    """Whatever else is wrong is told in JSON too, and nothing of the inside with it."""
    answer = problem.get_response()
    answer.data = json.dumps({"error": problem.name})
    answer.content_type = "application/json"
    return answer


if __name__ == "__main__":
    host, port = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "5000"))
    app.run(host, port, debug=False)  # a debugger would run what its visitors type
