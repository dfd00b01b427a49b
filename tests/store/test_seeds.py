"""Initial data is sown once per database."""

import asyncio

import pytest

from coterie.store import Database, seed_once
from tests.store.shop import Product, count


async def test_a_seed_is_sown_once(database: Database) -> None:
    """The second time, and by another service's seed of the same name, nothing is doubled."""

    async def sow() -> None:
        database.add(Product(available=1))

    assert await seed_once(database, "shop", "products", sow)
    assert not await seed_once(database, "shop", "products", sow)
    assert await seed_once(database, "stock", "products", sow)
    assert await count(database, Product) == 2


async def test_a_seed_that_fails_is_sown_next_time(database: Database) -> None:
    """It leaves no row and no note that it ran."""

    async def fail() -> None:
        database.add(Product(available=1))
        await database.flush()
        raise LookupError("no such file")

    async def sow() -> None:
        database.add(Product(available=1))

    with pytest.raises(LookupError):
        await seed_once(database, "shop", "products", fail)
    assert await count(database, Product) == 0
    assert await seed_once(database, "shop", "products", sow)
    assert await count(database, Product) == 1


async def test_seeds_sown_at_once_are_sown_once(url: str, database: Database) -> None:
    """Many at a time, over two Databases: one of them sows."""
    async with Database(url, busy_timeout=0) as other:

        async def sow(into: Database) -> bool:
            async def rows() -> None:
                into.add(Product(available=1))

            return await seed_once(into, "shop", "products", rows)

        results = await asyncio.gather(*(sow(one) for one in [database, other] * 5))
    assert sorted(results) == [False] * 9 + [True]
    assert await count(database, Product) == 1
