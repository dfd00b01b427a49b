"""An implementation is held to the signatures of its contract."""

from collections.abc import AsyncIterator

from coterie.contract import Page, blocking, on
from typing_tests.shop import Dropped, Greeting, Hello, NewOrder, Orders, Placed


class OrderService(Orders):
    def __init__(self, greeting: Hello) -> None:
        self.greeting = greeting

    async def place(self, order: NewOrder) -> Placed:
        await self.placed(Placed(1))
        return Placed(1)

    async def orders(
        self, user_id: int, *, limit: int = 100, cursor: str | None = None, newest: bool = False
    ) -> Page[Placed]:
        return Page([])

    @blocking
    def drop(self, order_id: int) -> None: ...

    @blocking
    def invoice(self, order_id: int) -> bytes:
        return b""

    async def export(self) -> AsyncIterator[bytes]:
        return self._rows()

    async def _rows(self) -> AsyncIterator[bytes]:
        yield b""

    async def count(self) -> int:
        return 0

    @on(Orders.dropped)
    async def heard(self, event: Dropped) -> None: ...


class Politer(Hello):
    async def greet(self, name: str, title: str = "") -> Greeting:
        return Greeting(f"Good day, {title} {name}")


def it_is_its_contract(service: OrderService, politer: Politer) -> tuple[Orders, Hello]:
    return service, politer


class WrongParameter(Orders, abstract=True):
    async def place(self, order: Placed) -> Placed: ...  # E


class WrongResult(Orders, abstract=True):
    async def place(self, order: NewOrder) -> int: ...  # E


class OneMore(Orders, abstract=True):
    async def drop(self, order_id: int, reason: str) -> None: ...  # E


class OneLess(Orders, abstract=True):
    async def drop(self) -> None: ...  # E


class NoDefault(Orders, abstract=True):
    async def orders(  # E
        self, user_id: int, *, limit: int, cursor: str | None = None
    ) -> Page[Placed]: ...


class Plain(Orders, abstract=True):
    def drop(self, order_id: int) -> None: ...  # E


class BlockingWithAnotherResult(Orders, abstract=True):
    @blocking
    def invoice(self, order_id: int) -> str:  # E
        return ""


class BlockingOverAsync(Orders, abstract=True):
    @blocking
    async def count(self) -> int:  # E
        return 0


class Yielding(Orders, abstract=True):
    async def export(self) -> AsyncIterator[bytes]:  # E
        yield b""


class NotAMethod(Orders, abstract=True):
    place = None  # E
