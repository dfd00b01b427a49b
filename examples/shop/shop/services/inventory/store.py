"""What the inventory service keeps."""

from typing import Any

from sqlalchemy import RowMapping, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from coterie.store import Database
from shop.contracts.inventory import NewProduct, SkuTaken
from shop.contracts.stock import Goods, NoSuchProduct, OutOfStock

from .tables import products, reservations


class GoodsStore:
    """Products and reservations, in a database of their own."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def add(self, product: NewProduct) -> int:
        """Add a product; its new id. Raises `SkuTaken`."""
        row = {
            "sku": product.sku,
            "name": product.name,
            "price": product.price,
            "currency": product.currency,
            "available": product.available,
        }
        try:
            async with self.database.savepoint():
                added = await self.database.execute(
                    insert(products).values(row).returning(products.c.id)
                )
                return added.scalar_one()
        except IntegrityError:
            raise SkuTaken(product.sku) from None

    async def product(self, product_id: int) -> RowMapping:
        """A product on sale. Raises `NoSuchProduct`."""
        query = select(products).where(products.c.id == product_id, products.c.active)
        row = (await self.database.execute(query)).mappings().one_or_none()
        if row is None:
            raise NoSuchProduct(product_id)
        return row

    async def page(self, limit: int, after: int) -> list[RowMapping]:
        """Up to ``limit`` products on sale with ids above ``after``."""
        query = (
            select(products)
            .where(products.c.id > after, products.c.active)
            .order_by(products.c.id)
            .limit(limit)
        )
        return list((await self.database.execute(query)).mappings())

    async def change(self, product_id: int, values: dict[str, Any]) -> None:
        """Set columns of a product on sale. Raises `NoSuchProduct`."""
        changed = await self.database.execute(
            update(products).where(products.c.id == product_id, products.c.active).values(values)
        )
        if changed.rowcount != 1:
            raise NoSuchProduct(product_id)

    async def reservation(self, reservation: str) -> Goods | None:
        """What a reservation holds."""
        query = select(reservations).where(reservations.c.id == reservation)
        row = (await self.database.execute(query)).mappings().one_or_none()
        return None if row is None else Goods(row["product_id"], row["quantity"])

    async def hold(self, reservation: str, goods: Goods) -> None:
        """Note what a reservation holds from now on."""
        row = {"product_id": goods.product_id, "quantity": goods.quantity}
        changed = await self.database.execute(
            update(reservations).where(reservations.c.id == reservation).values(row)
        )
        if changed.rowcount == 0:
            await self.database.execute(insert(reservations).values(id=reservation, **row))

    async def forget(self, reservation: str) -> bool:
        """Remove a reservation; whether there was one."""
        removed = await self.database.execute(
            delete(reservations).where(reservations.c.id == reservation)
        )
        return removed.rowcount == 1

    async def take(self, goods: Goods) -> RowMapping:
        """Take goods out of stock in one conditional statement; the product afterwards.

        Raises `NoSuchProduct`, `OutOfStock`.
        """
        taken = await self.database.execute(
            update(products)
            .where(
                products.c.id == goods.product_id,
                products.c.active,
                products.c.available >= goods.quantity,
            )
            .values(available=products.c.available - goods.quantity)
            .returning(*products.c)
        )
        row = taken.mappings().one_or_none()
        if row is None:
            left = await self.product(goods.product_id)
            raise OutOfStock(goods.product_id, left["available"])
        return row

    async def put_back(self, goods: Goods) -> None:
        """Put goods back into stock, also those no longer on sale."""
        await self.database.execute(
            update(products)
            .where(products.c.id == goods.product_id)
            .values(available=products.c.available + goods.quantity)
        )
