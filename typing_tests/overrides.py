"""An implementation is held to the signatures of its contract."""

# pyright: reportUnusedVariable=false, reportUnusedClass=false, reportUnusedExpression=false

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
    async def place(self, order: Placed) -> Placed: ...  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]


class WrongResult(Orders, abstract=True):
    async def place(self, order: NewOrder) -> int: ...  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]


class OneMore(Orders, abstract=True):
    async def drop(self, order_id: int, reason: str) -> None: ...  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]


class OneLess(Orders, abstract=True):
    async def drop(self) -> None: ...  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]


class NoDefault(Orders, abstract=True):
    async def orders(  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        self, user_id: int, *, limit: int, cursor: str | None = None
    ) -> Page[Placed]: ...


class Plain(Orders, abstract=True):
    def drop(self, order_id: int) -> None: ...  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]


class BlockingWithAnotherResult(Orders, abstract=True):
    @blocking
    def invoice(self, order_id: int) -> str:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return ""


class BlockingOverAsync(Orders, abstract=True):
    @blocking
    async def count(self) -> int:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return 0


class Yielding(Orders, abstract=True):
    async def export(self) -> AsyncIterator[bytes]:  # type: ignore[misc, override]  # pyright: ignore[reportIncompatibleMethodOverride]
        yield b""


class NotAMethod(Orders, abstract=True):
    place = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
