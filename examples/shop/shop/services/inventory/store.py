"""What the inventory service keeps."""

from typing import Any

from msgspec import Struct
from sqlalchemy import RowMapping, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from coterie.store import Database
from shop.contracts.inventory import NewProduct, SkuTaken
from shop.contracts.stock import Goods, NoSuchProduct, OutOfStock

from .tables import products, reservations

# What every order runs: built once, so that only the values change from call to call.
TAKE = (
    update(products)
    .where(
        products.c.id == bindparam("product"),
        products.c.active,
        products.c.available >= bindparam("quantity"),
    )
    .values(available=products.c.available - bindparam("quantity"))
    .returning(*products.c)
)
TAKE_ONCE = TAKE.where(
    ~select(reservations.c.id).where(reservations.c.id == bindparam("reservation")).exists()
)
RESERVATION = select(
    reservations.c.product_id, reservations.c.quantity, reservations.c.change
).where(reservations.c.id == bindparam("reservation"))
RESERVE = insert(reservations)


class Held(Struct, frozen=True):
    """What a reservation holds, and the name of the last change to it."""

    goods: Goods
    change: str | None


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
                product_id: int = added.scalar_one()
                return product_id
        except IntegrityError:
            raise SkuTaken(product.sku) from None

    async def product(self, product_id: int) -> RowMapping:
        """A product on sale. Raises `NoSuchProduct`."""
        query = select(products).where(products.c.id == product_id, products.c.active)
        row = (await self.database.execute(query)).mappings().one_or_none()
        if row is None:
            raise NoSuchProduct(product_id)
        return row

    async def any_product(self, product_id: int) -> RowMapping:
        """A product, on sale or not. Raises `NoSuchProduct`."""
        query = select(products).where(products.c.id == product_id)
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

    async def reservation(self, reservation: str) -> Held | None:
        """What a reservation holds."""
        found = await self.database.execute(RESERVATION, {"reservation": reservation})
        row = found.one_or_none()
        return None if row is None else Held(Goods(row.product_id, row.quantity), row.change)

    async def hold(self, reservation: str, goods: Goods, change: str | None) -> None:
        """Note what a reservation holds from now on, and by which change."""
        row = {"product_id": goods.product_id, "quantity": goods.quantity, "change": change}
        await self.database.execute(
            update(reservations).where(reservations.c.id == reservation).values(row)
        )

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
            TAKE, {"product": goods.product_id, "quantity": goods.quantity}
        )
        row = taken.mappings().one_or_none()
        if row is None:
            left = await self.product(goods.product_id)
            raise OutOfStock(goods.product_id, left["available"])
        return row

    async def reserve(self, reservation: str, goods: Goods) -> RowMapping | None:
        """Take goods out of stock under a new name; ``None`` where the name holds some already.

        Raises `NoSuchProduct`, `OutOfStock`.
        """
        values = {"product": goods.product_id, "quantity": goods.quantity}
        taken = await self.database.execute(TAKE_ONCE, {**values, "reservation": reservation})
        row = taken.mappings().one_or_none()
        if row is not None:
            await self.database.execute(
                RESERVE,
                {"id": reservation, "product_id": goods.product_id, "quantity": goods.quantity},
            )
            return row
        if await self.reservation(reservation) is None:
            left = await self.product(goods.product_id)
            raise OutOfStock(goods.product_id, left["available"])
        return None

    async def put_back(self, goods: Goods) -> None:
        """Put goods back into stock, also those no longer on sale."""
        await self.database.execute(
            update(products)
            .where(products.c.id == goods.product_id)
            .values(available=products.c.available + goods.quantity)
        )
