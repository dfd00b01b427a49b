"""A call that is cancelled, at whatever moment, leaves nothing behind and blocks nobody."""

import asyncio
import random
import time

import pytest
from sqlalchemy import select, text

from coterie.store import Database, unit_of_work
from tests.store.shop import BUY, LOOK, Order, Product, answering, call, count


async def test_a_cancelled_call_leaves_nothing_and_blocks_nobody(database: Database) -> None:
    """Cancelled in the middle of its work, a call undoes what it did, and the next one runs."""
    begun = asyncio.Event()

    async def buy() -> None:
        database.add(Product(id=1, available=10))
        await database.flush()
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.ensure_future(answering(unit_of_work(database), buy)(call()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await count(database, Product) == 0
    await works_again(database)


async def works_again(database: Database) -> None:
    async def buy() -> None:
        database.add(Product(id=2, available=10))

    before = await count(database, Product)
    await answering(unit_of_work(database), buy)(call())
    assert await count(database, Product) == before + 1


SLOW = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000)"
    " SELECT count(*) FROM n",
    "postgresql": "SELECT pg_sleep(30)",
}


async def test_a_statement_that_is_cancelled_ends_at_once(database: Database, url: str) -> None:
    """A deadline that strikes in the middle of a statement stops it: no hidden work goes on."""
    statement = text(SLOW[url.partition(":")[0]])

    async def buy() -> None:
        database.add(Product(id=1, available=10))
        await database.flush()
        await database.execute(statement)

    began = time.monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await answering(unit_of_work(database), buy)(call())
    assert await count(database, Product) == 0
    await works_again(database)
    assert time.monotonic() - began < 5


async def test_a_cancellation_during_the_commit_waits_for_it(database: Database) -> None:
    """A commit that was sent cannot be taken back: it is finished, its hooks run, then we stop."""
    told: list[str] = []

    async def buy() -> None:
        database.add(Product(id=1, available=10))

        async def told_after() -> None:
            told.append("committed")

        async def cancel_soon() -> None:
            # The next time this task waits is inside the commit.
            asyncio.get_running_loop().call_soon(task.cancel)

        await database.flush()
        database.unit.before_commit(cancel_soon)
        database.unit.after_commit(told_after)

    task = asyncio.ensure_future(answering(unit_of_work(database), buy)(call()))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert told == ["committed"]
    assert await count(database, Product) == 1


async def test_a_storm_of_cancellations_leaves_only_whole_calls(database: Database) -> None:
    """Cancelled at random moments: what answered is there, and nothing is there by half."""
    number = random.randrange(10**9)  # noqa: S311  # for moments, not for secrets
    print(f"run {number}")
    chance = random.Random(number)  # noqa: S311

    async def buy(one: int) -> int:
        database.add(Product(id=one, available=1))
        await database.flush()
        database.add(Order(product_id=one, note=str(one)))
        return one

    async def look() -> int:
        return len((await database.scalars(select(Product.id))).all())

    async def impatient(one: int) -> int | None:
        method, operation = (look, LOOK) if one % 3 == 0 else (lambda: buy(one), BUY)
        try:
            async with asyncio.timeout(chance.uniform(0, 0.15)):
                await answering(unit_of_work(database), method)(call(operation))
        except TimeoutError:
            return None
        return one

    results = await asyncio.gather(*(impatient(one) for one in range(1, 151)))
    async with database.transaction(read_only=True):
        products = set((await database.scalars(select(Product.id))).all())
        orders = set((await database.scalars(select(Order.product_id))).all())
    assert products == orders
    answered = {one for one in results if one is not None and one % 3}
    assert answered <= products
    assert len(answered) < 100, "nothing was cancelled: the control of this test"
    replies = await asyncio.gather(
        *(answering(unit_of_work(database), look)(call(LOOK)) for _ in range(30))
    )
    assert {reply.value for reply in replies} == {len(products)}
