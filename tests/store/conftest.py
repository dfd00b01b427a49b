"""The same tests on every engine: a SQLite file, and a PostgreSQL database made for this run."""

import asyncio
import os
import secrets
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg  # type: ignore[import-untyped]
import pytest

from coterie.store import Database
from tests.store.shop import Model


@pytest.fixture(scope="session")
def postgres(postgres_url: str) -> Iterator[str]:
    """The URL of a database that is ours alone, dropped at the end."""
    name = f"coterie_test_{os.getpid()}_{secrets.token_hex(3)}"
    _apart(_statements(postgres_url, f"CREATE DATABASE {name}"))
    parts = urlsplit(postgres_url)
    yield urlunsplit(parts._replace(path=f"/{name}"))
    _apart(_statements(postgres_url, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/shop.db"
    found: str = request.getfixturevalue("empty_postgres")
    return found


@pytest.fixture
def empty_postgres(postgres: str) -> str:
    _apart(_statements(postgres, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public"))
    return postgres


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/shop.db"


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """Open, with the tables of `tests.store.shop`, empty."""
    async with Database(url, wait=5.0, busy_timeout=0) as database:
        await with_tables(database)
        yield database


@pytest.fixture
async def file(sqlite: str) -> AsyncIterator[Database]:
    """The same, on SQLite only."""
    async with Database(sqlite, wait=5.0, busy_timeout=0) as database:
        await with_tables(database)
        yield database


@pytest.fixture
async def server(empty_postgres: str) -> AsyncIterator[Database]:
    """The same, on PostgreSQL only."""
    async with Database(empty_postgres, wait=5.0) as database:
        await with_tables(database)
        yield database


async def with_tables(database: Database) -> None:
    async with database.transaction():
        connection = await (await database.session()).connection()
        await connection.run_sync(Model.metadata.create_all)


async def _statements(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def _apart(work: Coroutine[Any, Any, None]) -> None:
    """Run ``work`` in a loop and a thread of its own, whatever loop the test has."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(work)
        except BaseException as error:  # noqa: BLE001  # raised below, in the test's thread
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
