"""Importing this fails, with the line to run, where the extra of this room is not installed."""

import importlib.util

__all__ = ["PACKAGES"]

PACKAGES = ("sqlalchemy", "greenlet", "aiosqlite", "alembic")

for _package in PACKAGES:
    if importlib.util.find_spec(_package) is None:
        raise ImportError(
            f"coterie.store needs the package {_package}: run pip install 'coterie[sql]'"
        )
