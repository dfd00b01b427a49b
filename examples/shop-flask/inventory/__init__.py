"""Inventory: to manage products, and how many of each there are."""

from .app import create_app

__all__ = ["create_app"]
