"""Real engines for tests: there, or the test is skipped with the reason.

With COTERIE_REQUIRE_ENGINES=1, as in continuous integration, an absent engine is a failure.
"""

import os
import socket
from typing import NoReturn
from urllib.parse import urlsplit

import pytest

__all__ = ["absent", "amqp_url", "postgres_url"]


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
    return _there(
        "PostgreSQL", "COTERIE_TEST_POSTGRES", "postgresql://postgres@localhost:5432/test"
    )


def amqp_url() -> str:
    """A RabbitMQ that tests may use: COTERIE_TEST_AMQP, or the guest's on localhost.

    Tests share it with others that run at the same time: use queues of your own.
    """
    return _there("RabbitMQ", "COTERIE_TEST_AMQP", "amqp://guest:guest@localhost:5672/")


def _there(engine: str, variable: str, usual: str) -> str:
    url = os.environ.get(variable, usual)
    parts, default = urlsplit(url), urlsplit(usual)
    address = (parts.hostname or "localhost", parts.port or default.port or 0)
    try:
        socket.create_connection(address, timeout=2).close()
    except OSError as error:
        absent(engine, f"{error}; start one or set {variable}={default.scheme}://...")
    return url
