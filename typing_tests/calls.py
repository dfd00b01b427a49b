"""A call takes what the contract says and gives back what it says."""

# pyright: reportUnusedVariable=false, reportUnusedClass=false, reportUnusedExpression=false

from collections.abc import AsyncIterator
from datetime import date
from typing import assert_type

from coterie.contract import Page
from typing_tests.shop import Greeting, Hello, NewOrder, Orders, Placed


async def right(orders: Orders, hello: Hello) -> None:
    assert_type(await orders.place(NewOrder(1, 2, 3, date(2024, 2, 29))), Placed)
    assert_type(await orders.orders(1), Page[Placed])
    assert_type((await orders.orders(user_id=1, limit=10, cursor="x")).items, list[Placed])
    await orders.drop(1)
    assert_type(await orders.invoice(1), bytes)
    assert_type(await orders.export(), AsyncIterator[bytes])
    assert_type(await orders.count(), int)
    assert_type(await hello.greet("Ada"), Greeting)


async def wrong_argument(orders: Orders) -> None:
    await orders.place("seven")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await orders.place({"user_id": 1})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await orders.drop("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await orders.orders(1, limit="10")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def wrong_number(orders: Orders) -> None:
    await orders.place()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await orders.drop(1, 2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await orders.orders(1, 10)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


async def wrong_name(orders: Orders) -> None:
    await orders.drop(id=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await orders.plaice()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]


async def wrong_result(orders: Orders, hello: Hello) -> None:
    number: int = await orders.place(NewOrder(1, 2, 3, date(2024, 2, 29)))  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    text: str = await hello.greet("Ada")  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    (await hello.greet("Ada")).name  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]


async def forgotten_await(orders: Orders) -> None:
    orders.count() + 1  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
    orders.orders(1).items  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]


def wrong_struct() -> None:
    NewOrder(1, 2, 3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    NewOrder(1, 2, "3", date(2024, 2, 29))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    NewOrder(1, 2, 3, "2024-02-29")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
