"""Orders: to manage the orders of products by users."""

from .app import create_app

__all__ = ["create_app"]
