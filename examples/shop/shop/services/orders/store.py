"""What the orders service keeps."""

from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import RowMapping, delete, insert, select, text, update

from coterie.store import Database
from shop.contracts.orders import NewOrder
from shop.contracts.stock import Goods
from shop.contracts.users import NoSuchUser

from .tables import orders

# What every order runs: built once, so that only the values change from call to call.
ADD = insert(orders).returning(orders.c.id)
BUYER = text(
    "INSERT INTO buyers (user_id, closed) VALUES (:user, false)"
    " ON CONFLICT (user_id) DO UPDATE SET closed = buyers.closed RETURNING closed"
)
CLOSE = text(
    "INSERT INTO buyers (user_id, closed) VALUES (:user, :closed)"
    " ON CONFLICT (user_id) DO UPDATE SET closed = excluded.closed"
)


class OrderStore:
    """Orders, in a database of their own."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def add(self, order: NewOrder, unit_price: int, reservation: str) -> int:
        """Add an order; its new id. Raises `NoSuchUser` for one who is about to leave."""
        if await self.database.scalar(BUYER, {"user": order.user_id}):
            raise NoSuchUser(order.user_id)
        row = {
            "user_id": order.user_id,
            "product_id": order.product_id,
            "quantity": order.quantity,
            "date": order.date,
            "unit_price": unit_price,
            "reservation": reservation,
        }
        added = await self.database.execute(ADD, row)
        order_id: int = added.scalar_one()
        return order_id

    async def close(self, user_id: int, *, closed: bool) -> None:
        """Say whether a user's orders are refused from now on."""
        await self.database.execute(CLOSE, {"user": user_id, "closed": closed})

    async def by_id(self, order_id: int) -> RowMapping | None:
        """The order with this id."""
        found = await self.database.execute(select(orders).where(orders.c.id == order_id))
        return found.mappings().one_or_none()

    async def look(self, order_id: int) -> RowMapping | None:
        """The order as it is now, before this call calls others and then writes."""
        async with self.database.reading():
            return await self.by_id(order_id)

    async def page(self, limit: int, after: int, user_id: int | None = None) -> list[RowMapping]:
        """Up to ``limit`` orders with ids above ``after``, of one user or of all."""
        query = select(orders).where(orders.c.id > after).order_by(orders.c.id).limit(limit)
        if user_id is not None:
            query = query.where(orders.c.user_id == user_id)
        return list((await self.database.execute(query)).mappings())

    async def change(self, order_id: int, values: dict[str, Any], goods: Goods) -> bool:
        """Set columns of an order; whether there is such an order, still of these ``goods``."""
        statement = update(orders).where(orders.c.id == order_id)
        if "product_id" in values:
            statement = statement.where(
                orders.c.product_id == goods.product_id, orders.c.quantity == goods.quantity
            )
        return (await self.database.execute(statement.values(values))).rowcount == 1

    async def remove(self, order_id: int) -> bool:
        """Remove an order; whether there was one."""
        removed = await self.database.execute(delete(orders).where(orders.c.id == order_id))
        return removed.rowcount == 1

    def if_undone(self, action: Callable[[], Awaitable[object]]) -> None:
        """Do ``action`` should this call's changes be rolled back after all."""
        self.database.unit.after_rollback(action)
