"""What PostgreSQL alone must prove: lost connections, conflicts, and what is said of them."""

import asyncio
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg  # type: ignore[import-untyped]
import pytest
from sqlalchemy import select, text, update

from coterie.call import Failure
from coterie.contract import Code
from coterie.store import (
    AddressError,
    CommitFailed,
    Conflict,
    Database,
    Misuse,
    Unavailable,
    unit_of_work,
)
from tests.store.conftest import with_tables
from tests.store.shop import LOOK, Order, Product, answering, call, count

_MY_PID = text("SELECT pg_backend_pid()")


async def _kill(url: str, pid: object) -> None:
    connection = await asyncpg.connect(url)
    try:
        assert await connection.fetchval("SELECT pg_terminate_backend($1, 5000)", pid)
    finally:
        await connection.close()


async def test_the_settings_are_those_that_keep_promises(server: Database) -> None:
    """Read back from the running server: a commit is on the disk when it is acknowledged."""
    async with server.transaction(read_only=True):
        assert await server.scalar(text("SHOW synchronous_commit")) == "on"
        assert await server.scalar(text("SHOW fsync")) == "on"
        assert await server.scalar(text("SHOW transaction_read_only")) == "on"


async def test_a_connection_killed_in_a_call_is_unavailable_and_the_next_call_works(
    server: Database, empty_postgres: str
) -> None:
    """The caller hears that it may try again; nothing is kept; the pool heals itself."""

    async def buy() -> None:
        server.add(Product(id=1, available=1))
        await server.flush()
        await _kill(empty_postgres, await server.scalar(_MY_PID))
        await server.execute(select(Product))

    async def buy_again() -> None:
        server.add(Product(id=1, available=1))

    with pytest.raises(Failure) as failure:
        await answering(unit_of_work(server), buy)(call())
    assert failure.value.code is Code.UNAVAILABLE
    assert failure.value.retryable
    assert isinstance(failure.value.__cause__, Unavailable)
    assert failure.value.__cause__.lost
    await answering(unit_of_work(server), buy_again)(call())
    assert await count(server, Product) == 1


async def test_connections_killed_while_idle_are_never_noticed(
    server: Database, empty_postgres: str
) -> None:
    """After a restart of the server, idle connections are replaced before a call meets them."""

    async def look() -> Any:
        return await server.scalar(_MY_PID)

    handler = answering(unit_of_work(server), look)
    replies = await asyncio.gather(*(handler(call(LOOK)) for _ in range(5)))
    pids = {reply.value for reply in replies}
    for pid in pids:
        await _kill(empty_postgres, pid)
    replies = await asyncio.gather(*(handler(call(LOOK)) for _ in range(5)))
    assert pids.isdisjoint(reply.value for reply in replies)


async def test_a_connection_lost_at_the_commit_leaves_the_outcome_unknown(
    server: Database, empty_postgres: str
) -> None:
    """Then nobody may say that nothing was kept: it is not retried, and nothing is taken back."""
    taken_back: list[str] = []

    async def buy() -> None:
        server.add(Product(id=1, available=1))
        pid = await server.scalar(_MY_PID)
        server.unit.before_commit(lambda: _kill(empty_postgres, pid))
        server.unit.after_rollback(take_back)

    async def take_back() -> None:
        taken_back.append("goods")

    with pytest.raises(Failure) as failure:
        await answering(unit_of_work(server), buy)(call())
    assert failure.value.code is Code.UNKNOWN
    assert not failure.value.retryable
    cause = failure.value.__cause__
    assert isinstance(cause, CommitFailed)
    assert cause.unknown
    assert taken_back == []
    assert await count(server, Product) == 0  # this time we can look


async def test_a_deadlock_is_a_conflict_that_may_be_run_again(server: Database) -> None:
    """One of the two is told ABORTED and keeps nothing; the other one goes through."""
    async with server.transaction():
        server.add_all([Product(id=1, available=0), Product(id=2, available=0)])
    both = asyncio.Barrier(2)

    async def add(*products: int) -> None:
        first, second = products
        await server.execute(update(Product).where(Product.id == first).values(available=1))
        await both.wait()
        await server.execute(update(Product).where(Product.id == second).values(available=1))

    policy = unit_of_work(server)
    results = await asyncio.gather(
        answering(policy, lambda: add(1, 2))(call()),
        answering(policy, lambda: add(2, 1))(call()),
        return_exceptions=True,
    )
    failures = [result for result in results if isinstance(result, Failure)]
    assert [failure.code for failure in failures] == [Code.ABORTED]
    assert isinstance(failures[0].__cause__, Conflict)
    async with server.transaction(read_only=True):
        assert (await server.scalars(select(Product.available))).all() == [1, 1]


async def test_waiting_for_a_connection_is_bounded(empty_postgres: str) -> None:
    """When all connections are in use for too long, the message says how many and what to do."""
    async with Database(empty_postgres, connections=1, wait=0.1) as database:
        begun, go = asyncio.Event(), asyncio.Event()

        async def slow() -> None:
            async with database.transaction():
                await database.execute(_MY_PID)
                begun.set()
                await go.wait()

        first = asyncio.create_task(slow())
        await begun.wait()
        with pytest.raises(Unavailable, match="all 1 connections"):
            await slow()
        go.set()
        await first
        await slow()


async def test_a_statement_that_takes_too_long_is_given_up(empty_postgres: str) -> None:
    """Bounded, and the connection is sound or gone afterwards."""
    async with Database(empty_postgres, statement_timeout=0.1) as database:
        with pytest.raises(Unavailable, match=r"over 0\.1 s for one statement"):
            async with database.transaction():
                await database.execute(text("SELECT pg_sleep(10)"))
        async with database.transaction():
            assert await database.scalar(text("SELECT 1")) == 1


async def test_a_server_that_is_not_there_is_named() -> None:
    """Starting fails with the address and what to do, without the password."""
    with pytest.raises(Unavailable, match=r"ann@127\.0\.0\.1:1/shop cannot be reached") as failed:
        await Database("postgresql://ann:geheim@127.0.0.1:1/shop").start()
    assert "geheim" not in str(failed.value)


async def test_a_database_that_is_not_there_is_named(postgres: str) -> None:
    """And the line that makes it."""
    url = urlunsplit(urlsplit(postgres)._replace(path="/nowhere_at_all"))
    with pytest.raises(AddressError, match="run createdb nowhere_at_all"):
        await Database(url).start()


async def test_a_write_in_a_read_only_transaction_is_told(server: Database) -> None:
    """By the same words as on SQLite."""
    with pytest.raises(Misuse, match="declare the operation as post"):
        async with server.transaction(read_only=True):
            server.add(Order(product_id=1))


async def test_changed_tables_do_not_break_running_services(empty_postgres: str) -> None:
    """A migration elsewhere while statements are prepared here costs one retryable failure."""
    async with Database(empty_postgres, connections=1) as database:
        await with_tables(database)
        everything = text("SELECT * FROM product")
        async with database.transaction(read_only=True):
            await database.execute(everything)
        connection = await asyncpg.connect(empty_postgres)
        await connection.execute("ALTER TABLE product ADD COLUMN price INTEGER")
        await connection.close()
        tried = []
        for _ in range(2):
            try:
                async with database.transaction(read_only=True):
                    await database.execute(everything)
                tried.append("read")
            except Conflict:
                tried.append("conflict")
        assert tried[-1] == "read"
