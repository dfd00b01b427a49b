"""An event is itself on the class and a way to publish on an instance; listeners fit their event."""

# pyright: reportUnusedVariable=false, reportUnusedClass=false, reportUnusedExpression=false

from typing import assert_type

from coterie.contract import Emit, Event, Service, Struct, blocking, on
from typing_tests.shop import Dropped, Orders, Placed


class RushPlaced(Placed):
    hours: int = 1


async def right(orders: Orders) -> None:
    assert_type(Orders.placed, Event[Placed])
    assert_type(orders.placed, Emit[Placed])
    assert_type(type(orders).placed, Event[Placed])
    assert_type(Orders.placed.payload, type[Placed])
    await orders.placed(Placed(1))
    await orders.placed(RushPlaced(1))


class Mailer(Service, version="1.0"):
    @on(Orders.placed)
    async def thank(self, event: Placed) -> None: ...

    @on(Orders.placed)
    async def note(self, event: Struct) -> None: ...

    @on(Orders.placed, Orders.dropped)
    async def both(self, event: Placed | Dropped) -> None: ...

    @on(Orders.dropped)
    @blocking
    def archive(self, event: Dropped) -> None: ...


async def called_directly(mailer: Mailer) -> None:
    await mailer.thank(Placed(1))
    await mailer.both(Dropped(1))
    await mailer.archive(Dropped(1))


async def wrong_payload(orders: Orders, mailer: Mailer) -> None:
    await orders.placed(Dropped(1))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await orders.placed()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await orders.placed(order_id=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await orders.posted(Placed(1))  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    await mailer.thank(Dropped(1))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def published_on_the_class() -> None:
    await Orders.placed(Placed(1))  # type: ignore[operator]  # pyright: ignore[reportCallIssue]


class WrongListener(Service, version="1.0"):
    @on(Orders.placed)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    async def other_payload(self, event: Dropped) -> None: ...

    @on(Orders.placed)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    def plain(self, event: Placed) -> None: ...

    @on(Orders.placed)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    async def nothing(self) -> None: ...

    @on(Orders.placed)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    async def answering(self, event: Placed) -> int: ...

    @on(Orders.placed)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    async def narrow(self, event: RushPlaced) -> None: ...

    @on(Orders.placed, Orders.dropped)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    async def one_of_two(self, event: Placed) -> None: ...


def wrong_event(orders: Orders) -> None:
    on(Placed)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    on(orders.placed)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    on("Orders.placed")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    on()  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    Event("Placed")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Event(Placed(1))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
