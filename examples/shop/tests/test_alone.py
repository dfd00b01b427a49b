"""Services alone: without network, without the others, in milliseconds."""

import datetime
from typing import Any

import pytest

from coterie import Principal, calling
from coterie.testing import recording
from shop.contracts.orders import NewOrder, OrderPlaced, Orders
from shop.contracts.stock import OutOfStock, Reserved, Stock
from shop.contracts.users import NoSuchUser, User, Users
from shop.services.orders.service import OrderService

NEW = NewOrder(4, 1, 2, datetime.date(2023, 11, 28))


class FakeUsers(Users, abstract=True):
    """One user, number 4."""

    async def user(self, id: int) -> User:
        if id != 4:
            raise NoSuchUser(id)
        return User(4, "newUser", "new address")


class FakeStock(Stock, abstract=True):
    """Two pieces of everything."""

    async def reserve(self, reservation: str, product_id: int, quantity: int) -> Reserved:
        if quantity > 2:
            raise OutOfStock(product_id, 2)
        return Reserved(100, "EUR")


class FakeStore:
    """Orders in a list."""

    def __init__(self) -> None:
        self.orders: list[NewOrder] = []

    async def add(self, order: NewOrder, unit_price: int, reservation: str) -> int:
        self.orders.append(order)
        return len(self.orders)

    def if_undone(self, action: Any) -> None:
        """Nothing is ever undone here."""


def service(store: Any) -> OrderService:
    """The service under test."""
    return OrderService(FakeUsers(), FakeStock(), store)


@pytest.mark.promise("S3-05", "P2.10-9")
async def test_placing_an_order_keeps_it_and_says_so() -> None:
    """The order is stored once, and the event tells it."""
    store = FakeStore()
    async with recording(service(store)) as (orders, events):
        with calling(principal=Principal("4")):
            created = await orders.place(NEW)
    assert (created.response, created.location) == ("Order placed successfully", "/api/order/1")
    assert store.orders == [NEW]
    assert events.of(Orders.placed) == [OrderPlaced(1, 4, 1, 2)]


@pytest.mark.promise("S3-05")
@pytest.mark.parametrize(
    ("user_id", "quantity", "fault"), [(5, 1, NoSuchUser(5)), (4, 3, OutOfStock(1, 2))]
)
async def test_a_refused_order_leaves_nothing(user_id: int, quantity: int, fault: Any) -> None:
    """The fault of the other service reaches the caller as it was raised."""
    store = FakeStore()
    async with recording(service(store)) as (orders, events):
        with calling(principal=Principal("4")), pytest.raises(type(fault)) as caught:
            await orders.place(NewOrder(user_id, 1, quantity, NEW.date))
    assert caught.value == fault
    assert (store.orders, events.all) == ([], [])
