"""The orders service."""

from flask import Flask

from central.application import application

from .api import api
from .goods import fill_shelves


def create_app() -> Flask:
    """The service, with products to order. Reads ``DATABASE_URL``."""
    app = application("Order service", api)
    with app.app_context():
        fill_shelves()
    return app
