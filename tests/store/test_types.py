"""Statements keep their types through the Database: what a service gets is what it selected."""

from typing import Any, assert_type

from sqlalchemy import CursorResult, Result, ScalarResult, insert, select, text, update

from coterie.store import Database
from tests.store.shop import Product


async def test_results_have_the_types_that_were_selected(database: Database) -> None:
    """Checked by mypy and pyright; run to see that the values agree."""
    async with database.transaction():
        made = await database.execute(
            insert(Product).values(id=1, available=5).returning(Product.id)
        )
        assert_type(made, Result[int])
        changed = await database.execute(update(Product).values(available=4))
        assert_type(changed, CursorResult[*tuple[Any, ...]])
        assert changed.rowcount == 1
        rows = await database.execute(select(Product.id, Product.available))
        assert_type(rows, Result[int, int])
        assert rows.one() == (1, 4)
        assert_type(await database.scalar(select(Product.available)), int | None)
        products = await database.scalars(select(Product))
        assert_type(products, ScalarResult[Product])
        assert_type(await database.get(Product, 1), Product | None)
        assert await database.scalar(text("SELECT 1")) == 1
