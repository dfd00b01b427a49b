"""Services alone: without network, without the others, in milliseconds."""

import datetime
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Self

import msgspec
import pytest

from coterie import Failure, Principal, calling
from coterie.store import Database
from coterie.testing import recording
from shop.contracts.orders import NewOrder, OrderChanges, OrderPlaced, Orders
from shop.contracts.stock import Goods, OutOfStock, ReservationChanged, Reserved, Stock
from shop.contracts.users import NoSuchUser, User, Users
from shop.services.orders.bookings import Booking, Bookings
from shop.services.orders.bookings import Settings as OrderSettings
from shop.services.orders.service import OrderService
from shop.services.orders.store import OrderStore
from shop.services.orders.tables import metadata
from shop.services.users.service import Settings, UserService

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

    async def rebook(self, reservation: str, change: str, held: Goods, wanted: Goods) -> Reserved:
        return Reserved(100, "EUR")


class Unheard(FakeStock, abstract=True):
    """Takes goods, and its answer never comes."""

    def __init__(self) -> None:
        self.undone: list[str] = []

    async def reserve(self, reservation: str, product_id: int, quantity: int) -> Reserved:
        raise TimeoutError

    async def rebook(self, reservation: str, change: str, held: Goods, wanted: Goods) -> Reserved:
        raise TimeoutError

    async def release(self, reservation: str) -> None:
        self.undone.append("release")

    async def unbook(self, reservation: str, change: str, held: Goods) -> None:
        self.undone.append("unbook")
        raise ReservationChanged(reservation)


class FakeStore:
    """Orders in a list."""

    def __init__(self) -> None:
        self.orders: list[NewOrder] = []
        self.written: list[dict[str, Any]] = []
        self.goods = Goods(1, 2)
        self.undo: list[Any] = []

    async def by_id(self, order_id: int) -> dict[str, Any] | None:
        return {
            "id": order_id,
            "user_id": 4,
            "product_id": 1,
            "quantity": 2,
            "reservation": "reservation",
        }

    look = by_id

    async def change(self, order_id: int, values: dict[str, Any], goods: Goods) -> bool:
        self.written.append(values)
        return "product_id" not in values or self.goods == goods

    async def add(self, order: NewOrder, unit_price: int, reservation: str) -> int:
        self.orders.append(order)
        return len(self.orders)


class FakeBookings(Bookings):
    """Notes in a list, and no database."""

    def __init__(self) -> None:
        self.noted: list[Booking] = []
        self.confirmed: list[Booking] = []

    async def note(self, booking: Booking) -> None:
        self.noted.append(booking)

    async def confirm(self, booking: Booking) -> None:
        self.confirmed.append(booking)


def service(
    store: Any, stock: Stock | None = None, bookings: Bookings | None = None
) -> OrderService:
    """The service under test."""
    return OrderService(FakeUsers(), stock or FakeStock(), store, bookings or FakeBookings())


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


ASKED = [
    (lambda orders: orders.place(NEW), "release"),
    (lambda orders: orders.modify(1, OrderChanges(quantity=1)), "unbook"),
]


@asynccontextmanager
async def kept_bookings(stock: Stock, *, after: int = 60) -> AsyncGenerator[Bookings]:
    """Notes in a database; those of calls that fail are taken back by nobody but `settle`."""
    tokens: Any = Tokens()
    async with Database("sqlite:///:memory:") as database:
        async with database.transaction():
            connection = await (await database.session()).connection()
            await connection.run_sync(metadata.create_all)
        yield Bookings(database, stock, tokens, OrderSettings(after))


class Tokens:
    """Issues what nobody looks at."""

    access_token = "a token"

    def issue(self, subject: str) -> Self:
        return self


@pytest.mark.parametrize(("ask", "undone"), ASKED)
async def test_what_may_have_been_taken_is_put_back(ask: Any, undone: str) -> None:
    """The answer did not come, so nobody knows; that it had not been taken is no failure."""
    stock = Unheard()
    async with kept_bookings(stock) as bookings:
        async with recording(service(FakeStore(), stock, bookings)) as (orders, _):
            with calling(principal=Principal("4")), pytest.raises(Failure):
                async with bookings.database.transaction():
                    await ask(orders)
        assert stock.undone == [undone]
        await bookings.settle()
        assert stock.undone == [undone], "it is forgotten"


@pytest.mark.parametrize(("ask", "undone"), ASKED)
async def test_what_a_killed_process_had_taken_is_put_back(ask: Any, undone: str) -> None:
    """By whoever finds its note, once its time is over. Control: not before, it may go on yet."""
    stock = Unheard()
    async with kept_bookings(stock) as bookings:
        noted = FakeBookings()
        async with recording(service(FakeStore(), stock, noted)) as (orders, _):
            with calling(principal=Principal("4")), pytest.raises(Failure):
                await ask(orders)
        (booking,) = noted.noted
        async with bookings.database.transaction():
            await bookings.note(booking)
        await bookings.settle()
        assert stock.undone == []
        bookings.settings = OrderSettings(-1)
        other = msgspec.structs.replace(booking, reservation="another1", change=None, held=None)
        async with bookings.database.transaction():
            await bookings.note(other)
        await bookings.settle()
        assert stock.undone == ["release"]
        async with bookings.database.transaction():
            await bookings.confirm(booking)
            with pytest.raises(Failure, match="order again"):
                await bookings.confirm(other)


async def test_only_what_was_changed_is_written() -> None:
    """A new date says nothing of the goods, which somebody else may have changed by then."""
    store = FakeStore()
    async with recording(service(store)) as (orders, _):
        with calling(principal=Principal("4")):
            await orders.modify(1, OrderChanges(date=NEW.date))
    assert store.written == [{"date": NEW.date}]


async def test_goods_that_somebody_else_changed_are_not_overwritten() -> None:
    """Whoever comes second is told, and reads again."""
    store = FakeStore()
    store.goods = Goods(1, 7)
    async with recording(service(store)) as (orders, _):
        with calling(principal=Principal("4")), pytest.raises(ReservationChanged):
            await orders.modify(1, OrderChanges(quantity=1))


class Closing(Orders, abstract=True):
    """Says who may order and who may not."""

    def __init__(self) -> None:
        self.said: list[str] = []

    async def close(self, user_id: int) -> None:
        self.said.append("close")

    async def reopen(self, user_id: int) -> None:
        self.said.append("reopen")


class Staying:
    """Users whom the database fails to remove."""

    def __init__(self) -> None:
        self.undo: list[Any] = []
        self.there = True

    async def look(self, user_id: int) -> dict[str, int] | None:
        return {"id": user_id} if self.there else None

    async def remove(self, user_id: int) -> bool:
        return False

    def if_undone(self, action: Any) -> None:
        self.undo.append(action)


@pytest.mark.parametrize("there", [True, False])
async def test_a_user_who_could_not_be_deleted_may_order_again(there: bool) -> None:
    """Unless somebody else has deleted them meanwhile."""
    store: Any = Staying()
    closing = Closing()
    issuer: Any = None  # nobody logs in here
    async with recording(UserService(store, closing, issuer, Settings())) as (users, _):
        with calling(principal=Principal("4")), pytest.raises(NoSuchUser):
            await users.delete(4)
    store.there = there
    for action in store.undo:
        await action()
    assert closing.said == ["close", *["reopen"] * there]


async def test_the_store_of_orders_refuses_what_is_out_of_date() -> None:
    """Goods are written over those they were changed from; no order for one who is leaving."""
    async with Database("sqlite:///:memory:") as database:
        store = OrderStore(database)
        async with database.transaction():
            connection = await (await database.session()).connection()
            await connection.run_sync(metadata.create_all)
            order_id = await store.add(NEW, 100, "reservation")
            wanted = {"product_id": 1, "quantity": 5}
            assert not await store.change(order_id, wanted, Goods(1, 7))
            assert await store.change(order_id, {"date": NEW.date}, Goods(1, 7))
            assert await store.change(order_id, wanted, Goods(1, 2))
            await store.close(4, closed=True)
            with pytest.raises(NoSuchUser):
                await store.add(NEW, 100, "another")
            await store.close(4, closed=False)
            assert await store.add(NEW, 100, "another") > order_id
