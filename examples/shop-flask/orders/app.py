"""The orders service."""

from flask import Flask

from central.application import application

from .api import api


def create_app() -> Flask:
    """The service. Reads ``DATABASE_URL``."""
    return application("Order service", api)
