"""The orders service."""

import secrets
from typing import Any

from sqlalchemy import RowMapping

from coterie import Page, owner, require, role
from shop.contracts.answers import Created, Done
from shop.contracts.orders import (
    NewOrder,
    NoSuchOrder,
    Order,
    OrderCancelled,
    OrderChanges,
    OrderModified,
    OrderPlaced,
    Orders,
)
from shop.contracts.stock import Goods, NoSuchReservation, ReservationChanged, Stock
from shop.contracts.users import UserHasOrders, Users

from .bookings import Booking, Bookings
from .store import OrderStore

OWNER = owner("user_id") | role("admin")


class OrderService(Orders):
    """Takes orders. Calls come first and writes after, so no lock is held over the network."""

    def __init__(self, users: Users, stock: Stock, store: OrderStore, bookings: Bookings) -> None:
        self.users = users
        self.stock = stock
        self.store = store
        self.bookings = bookings

    async def place(self, order: NewOrder) -> Created:
        await self.users.user(order.user_id)
        booking = Booking(secrets.token_hex(16))
        # Before the call: goods may be taken although the answer never comes.
        await self.bookings.note(booking)
        held = await self.stock.reserve(booking.reservation, order.product_id, order.quantity)
        await self.bookings.confirm(booking)
        order_id = await self.store.add(order, held.unit_price, booking.reservation)
        await self.placed(OrderPlaced(order_id, order.user_id, order.product_id, order.quantity))
        return Created("Order placed successfully", f"/api/order/{order_id}")

    async def orders(self, limit: int = 100, cursor: str | None = None) -> Page[Order]:
        found = [_order(row) for row in await self.store.page(limit, int(cursor or 0))]
        return Page(found, str(found[-1].id) if len(found) == limit else None)

    async def order(self, order_id: int) -> Order:
        # It is also what `If-Match` of a change is held against, which then calls others.
        row = await self.store.look(order_id)
        return _order(_permitted(row, order_id))

    async def modify(self, order_id: int, changes: OrderChanges) -> Done:
        row = _permitted(await self.store.look(order_id), order_id)
        before = Goods(row["product_id"], row["quantity"])
        after = Goods(changes.product_id or before.product_id, changes.quantity or before.quantity)
        # What was not changed is not written: somebody else may have changed it since.
        values: dict[str, Any] = {}
        if changes.date is not None:
            values["date"] = changes.date
        if after != before:
            values["unit_price"] = await self._rebook(row, before, after)
            values |= {"product_id": after.product_id, "quantity": after.quantity}
        if values and not await self.store.change(order_id, values, before):
            if await self.store.by_id(order_id) is None:
                raise NoSuchOrder(order_id)
            raise ReservationChanged(row["reservation"])
        await self.modified(OrderModified(order_id, after.product_id, after.quantity))
        return Done("Order modified successfully")

    async def delete(self, order_id: int) -> Done:
        row = _permitted(await self.store.look(order_id), order_id)
        if not await self.store.remove(order_id):
            raise NoSuchOrder(order_id)
        await self.bookings.cancel(Booking(row["reservation"]))
        await self.cancelled(OrderCancelled(order_id))
        return Done("Order deleted successfully")

    async def of_user(self, user_id: int, limit: int = 100, after: int = 0) -> list[Order]:
        return [_order(row) for row in await self.store.page(limit, after, user_id)]

    async def close(self, user_id: int) -> None:
        await self.store.close(user_id, closed=True)
        if await self.store.page(1, 0, user_id):
            raise UserHasOrders(user_id)

    async def reopen(self, user_id: int) -> None:
        await self.store.close(user_id, closed=False)

    async def _rebook(self, row: RowMapping, before: Goods, after: Goods) -> int:
        """Hold the other goods, until this call fails; their price."""
        reservation, change = row["reservation"], secrets.token_hex(16)
        booking = Booking(reservation, change, before)
        await self.bookings.note(booking)
        try:
            held = await self.stock.rebook(reservation, change, before, after)
        except NoSuchReservation:
            raise NoSuchOrder(row["id"]) from None
        await self.bookings.confirm(booking)
        return held.unit_price


def _permitted(row: RowMapping | None, order_id: int) -> RowMapping:
    """The order, if there is one and the caller may see it."""
    if row is None:
        raise NoSuchOrder(order_id)
    require(OWNER, user_id=row["user_id"])
    return row


def _order(row: RowMapping) -> Order:
    return Order(
        row["id"],
        row["user_id"],
        row["product_id"],
        row["quantity"],
        row["date"],
        row["unit_price"],
    )
