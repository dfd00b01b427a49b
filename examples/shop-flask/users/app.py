"""The users service."""

import os

from flask import Flask
from werkzeug.security import generate_password_hash

from central.application import application

from .api import api


def create_app() -> Flask:
    """The service. Reads ``DATABASE_URL``, and ``PASSWORD_METHOD`` for cheap hashes in tests."""
    app = application("User service", api)
    method = os.environ.get("PASSWORD_METHOD", "scrypt")
    app.config["PASSWORD_METHOD"] = method
    # What the password of an unknown user is held against, so that it costs as much.
    app.config["NOBODYS_HASH"] = generate_password_hash("nobody's", method)
    return app
