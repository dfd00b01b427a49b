"""Users: to manage user data."""

from .app import create_app

__all__ = ["create_app"]
