"""How a service is put together: Flask, its REST interface, the central database."""

import os
from typing import Any

from flask import Flask, request
from flask_restx import Api, Namespace
from jsonschema import FormatChecker
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import UnsupportedMediaType

from .database import DEFAULT_URL, open_database


def application(title: str, namespace: Namespace) -> Flask:
    """A service with one namespace; `/` shows its Swagger UI. Reads ``DATABASE_URL``.

    Raises `WrongAddressError`.
    """
    app = Flask(title)
    app.config["MAX_CONTENT_LENGTH"] = 16 * 1024
    app.config["RESTX_MASK_SWAGGER"] = False  # `X-Fields` is not for our customers
    app.config["RESTX_ERROR_404_HELP"] = False
    open_database(app, os.environ.get("DATABASE_URL", DEFAULT_URL))
    api = Api(
        app,
        title=title,
        version="1.0",
        validate=True,
        format_checker=FormatChecker(("date",)),
        catch_all_404s=True,
    )
    api.add_namespace(namespace)
    api.errorhandler(OperationalError)(_no_database)
    api.errorhandler(RecursionError)(_unreadable)
    api.errorhandler(UnicodeEncodeError)(_unreadable)
    api.errorhandler(UnsupportedMediaType)(_no_json)
    return app


def _no_database(_: OperationalError) -> tuple[Any, ...]:
    """The database does not answer."""
    return {"message": "The database does not answer; try again."}, 503, {"Retry-After": "1"}


def _unreadable(_: Exception) -> tuple[Any, ...]:
    """The JSON cannot be read."""
    # It is nested too deeply, or holds half a character, which cannot be stored.
    return {"message": "This JSON cannot be read."}, 400


def _no_json(_: UnsupportedMediaType) -> tuple[Any, ...]:
    """There is no payload, or it is called something else."""
    if not request.get_data():  # then no Content-Type is wrong
        return {"message": "The payload is missing."}, 400
    return {"message": "Send JSON, and say so: `Content-Type: application/json`."}, 415
