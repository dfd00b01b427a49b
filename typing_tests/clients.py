"""A client has the type of its contract, however it was made."""

# pyright: reportUnusedVariable=false, reportUnusedClass=false, reportUnusedExpression=false

from typing import assert_type

from coterie.call import Handler
from coterie.client import blocking, connect, proxy
from typing_tests.shop import Greeting, Hello, Orders


async def right(handler: Handler) -> None:
    assert_type(proxy(Orders, handler), Orders)
    assert_type(await proxy(Hello, handler).greet("Ada"), Greeting)
    async with connect(Orders, "http://127.0.0.1:8080") as orders:
        assert_type(orders, Orders)
        assert_type(await orders.count(), int)
    async with connect(Hello, "http://127.0.0.1:8080", policies=[lambda inner: inner]) as hello:
        assert_type(await hello.greet("Ada"), Greeting)


def right_without_async() -> None:
    with blocking.connect(Hello, "http://127.0.0.1:8080") as (hello, wait):
        assert_type(hello, Hello)
        assert_type(wait(hello.greet("Ada")), Greeting)


async def wrong(handler: Handler) -> None:
    proxy(Orders)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    proxy(int, handler)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    proxy("orders", handler)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    proxy(Orders, "http://127.0.0.1:8080")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    connect(int, "http://127.0.0.1:8080")  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    connect(Orders)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    connect(Orders, 8080)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    connect(Orders, "http://127.0.0.1:8080", handler)  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportCallIssue]


async def wrong_use() -> None:
    with connect(Orders, "http://127.0.0.1:8080") as orders:  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues]
        ...
    async with connect(Orders, "http://127.0.0.1:8080") as orders:
        await orders.greet("Ada")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
        await orders.drop("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        text: str = await orders.count()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]


def wrong_without_async() -> None:
    with blocking.connect(Hello, "http://127.0.0.1:8080") as (hello, wait):
        wait(hello.greet(1))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        wait(hello.greet)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        text: str = wait(hello.greet("Ada"))  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
        wait(hello.greet("Ada"), 10)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
