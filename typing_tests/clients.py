"""A client has the type of its contract, however it was made."""

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
    proxy(Orders)  # E
    proxy(int, handler)  # E
    proxy("orders", handler)  # E
    proxy(Orders, "http://127.0.0.1:8080")  # E
    connect(int, "http://127.0.0.1:8080")  # E
    connect(Orders)  # E
    connect(Orders, 8080)  # E
    connect(Orders, "http://127.0.0.1:8080", handler)  # E


async def wrong_use() -> None:
    with connect(Orders, "http://127.0.0.1:8080") as orders:  # E
        ...
    async with connect(Orders, "http://127.0.0.1:8080") as orders:
        await orders.greet("Ada")  # E
        await orders.drop("1")  # E
        text: str = await orders.count()  # E


def wrong_without_async() -> None:
    with blocking.connect(Hello, "http://127.0.0.1:8080") as (hello, wait):
        wait(hello.greet(1))  # E
        wait(hello.greet)  # E
        text: str = wait(hello.greet("Ada"))  # E
        wait(hello.greet("Ada"), 10)  # E
