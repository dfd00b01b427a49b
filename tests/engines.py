"""Real engines for tests: there, or the test is skipped with the reason.

With COTERIE_REQUIRE_ENGINES=1, as in continuous integration, an absent engine is a failure.
"""

import os
import socket
from typing import NoReturn
from urllib.parse import urlsplit

import pytest

__all__ = ["absent", "postgres_url"]


def absent(engine: str, remedy: str) -> NoReturn:
    """Ends the running test: skipped, or failed where engines are required."""
    reason = f"{engine} is absent: {remedy}"
    if os.environ.get("COTERIE_REQUIRE_ENGINES") == "1":
        pytest.fail(f"{reason} (COTERIE_REQUIRE_ENGINES=1 makes this a failure)", pytrace=False)
    pytest.skip(reason)


def postgres_url() -> str:
    """A database of PostgreSQL that tests may fill: COTERIE_TEST_POSTGRES, or `test` on localhost.

    Tests share it with others that run at the same time: make a schema or tables of your own.
    """
    url = os.environ.get("COTERIE_TEST_POSTGRES", "postgresql://postgres@localhost:5432/test")
    parts = urlsplit(url)
    address = (parts.hostname or "localhost", parts.port or 5432)
    try:
        socket.create_connection(address, timeout=2).close()
    except OSError as error:
        absent("PostgreSQL", f"{error}; start one or set COTERIE_TEST_POSTGRES=postgresql://...")
    return url
