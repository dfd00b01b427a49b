"""A call takes what the contract says and gives back what it says."""

from collections.abc import AsyncIterator
from datetime import date
from typing import assert_type

from coterie.contract import Page
from typing_tests.shop import Greeting, Hello, NewOrder, Orders, Placed


async def right(orders: Orders, hello: Hello) -> None:
    assert_type(await orders.place(NewOrder(1, 2, 3, date(2024, 2, 29))), Placed)
    assert_type(await orders.orders(1), Page[Placed])
    assert_type((await orders.orders(user_id=1, limit=10, cursor="x")).items, list[Placed])
    assert_type(await orders.drop(1), None)  # type: ignore[func-returns-value]
    assert_type(await orders.invoice(1), bytes)
    assert_type(await orders.export(), AsyncIterator[bytes])
    assert_type(await orders.count(), int)
    assert_type(await hello.greet("Ada"), Greeting)


async def wrong_argument(orders: Orders) -> None:
    await orders.place("seven")  # E
    await orders.place({"user_id": 1})  # E
    await orders.drop("1")  # E
    await orders.orders(1, limit="10")  # E


async def wrong_number(orders: Orders) -> None:
    await orders.place()  # E
    await orders.drop(1, 2)  # E
    await orders.orders(1, 10)  # E


async def wrong_name(orders: Orders) -> None:
    await orders.drop(id=1)  # E
    await orders.plaice()  # E


async def wrong_result(orders: Orders, hello: Hello) -> None:
    number: int = await orders.place(NewOrder(1, 2, 3, date(2024, 2, 29)))  # E
    text: str = await hello.greet("Ada")  # E
    (await hello.greet("Ada")).name  # E


async def forgotten_await(orders: Orders) -> None:
    orders.count() + 1  # E
    orders.orders(1).items  # E


def wrong_struct() -> None:
    NewOrder(1, 2, 3)  # E
    NewOrder(1, 2, "3", date(2024, 2, 29))  # E
    NewOrder(1, 2, 3, "2024-02-29")  # E
