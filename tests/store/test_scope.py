"""A unit of work belongs to one call: where statements may be, and where they may not."""

import asyncio
import time

import pytest
from sqlalchemy import select
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncSession

from coterie.call import held, separate
from coterie.store import Database, Misuse, unit_of_work
from tests.store.conftest import with_tables
from tests.store.shop import BUY, LOOK, Product, answering, call, count


async def test_calls_may_not_leave_while_a_call_writes(database: Database) -> None:
    """From its first statement on, a call that writes holds locks: the reason is there to read."""
    reasons: list[str | None] = []

    async def buy() -> None:
        reasons.append(held())
        await database.execute(select(Product))
        reasons.append(held())

    end = separate()
    await answering(unit_of_work(database), buy)(call())
    reasons.append(held())
    await answering(unit_of_work(database), buy)(call(LOOK))
    end()
    before, during, after, reading, still_reading = reasons
    assert before is None
    assert during is not None
    assert "database.reading()" in during
    assert BUY.id in during
    assert (after, reading, still_reading) == (None, None, None)


async def test_a_nested_call_has_a_unit_of_its_own(database: Database) -> None:
    """Called within a process before the caller writes, a service commits for itself."""
    policy = unit_of_work(database)

    async def inner() -> None:
        database.add(Product(id=1, available=10))

    async def outer() -> None:
        await answering(policy, inner)(call())
        database.add(Product(id=2, available=10))
        await database.flush()
        raise LookupError

    with pytest.raises(LookupError):
        await answering(policy, outer)(call())
    assert await count(database, Product) == 1


async def test_nested_readers_never_wait_for_each_other(url: str) -> None:
    """Callers that hold all connections and call services that need one each: all answer."""
    async with Database(url, connections=3, wait=5.0) as database:
        await with_tables(database)
        policy = unit_of_work(database)
        all_hold = asyncio.Barrier(3)

        async def inner() -> int:
            return len((await database.scalars(select(Product))).all())

        async def outer() -> object:
            await database.execute(select(Product))
            await all_hold.wait()
            return (await answering(policy, inner)(call(LOOK))).value

        began = time.monotonic()
        replies = await asyncio.gather(*(answering(policy, outer)(call(LOOK)) for _ in range(9)))
        assert [reply.value for reply in replies] == [0] * 9
        assert time.monotonic() - began < 4  # nobody waited for a connection in vain


async def test_outside_of_a_call_statements_are_refused(database: Database) -> None:
    """Nobody would commit them; the message says what to write."""
    with pytest.raises(Misuse, match=r"async with database\.transaction"):
        await database.execute(select(Product))
    with pytest.raises(Misuse, match=r"async with database\.transaction"):
        database.add(Product(id=1, available=1))


async def test_work_that_outlives_its_call_is_told_so(database: Database) -> None:
    """A task left behind finds the unit over, and may open one of its own."""
    go = asyncio.Event()
    left: list[asyncio.Task[None]] = []

    async def later() -> None:
        await go.wait()
        with pytest.raises(Misuse, match="is over"):
            await database.execute(select(Product))
        async with database.transaction():
            database.add(Product(id=1, available=1))

    async def buy() -> None:
        await database.execute(select(Product))
        left.append(asyncio.create_task(later()))

    await answering(unit_of_work(database), buy)(call())
    go.set()
    await left[0]
    assert await count(database, Product) == 1


async def test_an_object_kept_beyond_its_call_reaches_no_connection(database: Database) -> None:
    """Its loaded values stay readable; its session is closed for good."""
    kept: list[tuple[Product, AsyncSession]] = []

    async def buy() -> None:
        product = Product(id=1, available=10)
        database.add(product)
        kept.append((product, await database.session()))

    await answering(unit_of_work(database), buy)(call())
    product, session = kept[0]
    assert product.available == 10
    with pytest.raises(InvalidRequestError):
        await session.execute(select(Product))


@pytest.mark.parametrize("verb", ["commit", "rollback", "close", "reset", "invalidate"])
async def test_user_code_cannot_end_the_transaction(database: Database, verb: str) -> None:
    """The session does everything but what belongs to the unit of work."""
    async with database.transaction():
        session = await database.session()
        with pytest.raises(Misuse, match="the unit of work"):
            await getattr(session, verb)()
        with pytest.raises(Misuse, match="the unit of work"):
            session.begin()


async def test_a_second_transaction_within_a_call_must_be_meant(database: Database) -> None:
    """Inside a call it is refused, unless it is independent; then it outlives a failed call."""

    async def log_in() -> None:
        with pytest.raises(Misuse, match="independent=True"):
            async with database.transaction():
                pass
        async with database.transaction(independent=True):
            database.add(Product(id=1, available=1))
        raise PermissionError("wrong password")

    with pytest.raises(PermissionError):
        await answering(unit_of_work(database), log_in)(call())
    assert await count(database, Product) == 1


async def test_an_unopened_unit_asks_nothing_of_the_database(url: str) -> None:
    """A call without statements costs no connection: it works even if there is no database."""
    database = Database(url)  # never started
    reply = await answering(unit_of_work(database), _nothing)(call())
    assert reply.value is None
    with pytest.raises(Misuse, match="start the Database first"):
        async with database.transaction():
            await database.execute(select(Product))


async def _nothing() -> None:
    return None
