"""Events: declared by a contract, published by its instances, heard by whoever listens."""

from typing import Any

import pytest

from coterie.contract import (
    Contract,
    Emit,
    Event,
    Service,
    Struct,
    attach,
    blocking,
    describe,
    get,
    on,
    subscriptions,
)


class OrderPlaced(Struct, frozen=True):
    order_id: int


class RushOrderPlaced(OrderPlaced, frozen=True):
    hours: int = 1


class OrderDropped(Struct, frozen=True):
    order_id: int


class Orders(Contract, version="1.0"):
    placed = Event(OrderPlaced)
    dropped = Event(OrderDropped, deprecated="Ask for the order")

    @get("/orders")
    async def orders(self) -> int: ...


class OrderService(Orders):
    async def orders(self) -> int:
        return 0


class Shelf:
    """Keeps what was published."""

    def __init__(self) -> None:
        self.taken: list[tuple[Event[Any], Any]] = []

    async def emit(self, event: Event[Any], payload: Any) -> None:
        self.taken.append((event, payload))


class Mailer(Service, version="1.0"):
    @on(Orders.placed)
    async def thank(self, event: OrderPlaced) -> None: ...

    @on(Orders.placed, Orders.dropped)
    async def note(self, event: OrderPlaced | OrderDropped) -> None: ...

    @on(Orders.dropped)
    @blocking
    def archive(self, event: OrderDropped) -> None: ...

    async def silent(self) -> None: ...


# --- Declared ---


def test_on_the_class_it_is_the_event_on_an_instance_a_way_to_publish() -> None:
    """So `@on(Orders.placed)` names it, and `self.placed(...)` publishes it."""
    assert isinstance(Orders.placed, Event)
    assert isinstance(OrderService.placed, Event)
    assert isinstance(OrderService().placed, Emit)
    assert OrderService.placed is Orders.placed


def test_an_event_knows_whose_it_is_and_what_it_carries() -> None:
    assert repr(Orders.placed) == "Orders.placed"
    assert (Orders.placed.owner, Orders.placed.name) == (Orders, "placed")
    assert Orders.placed.payload is OrderPlaced
    assert Orders.placed.deprecated is False
    assert Orders.dropped.deprecated == "Ask for the order"


def test_a_contract_describes_its_events() -> None:
    """In the order they stand, those of an earlier version first."""

    class OrdersV2(Orders, version="2.0"):
        shipped = Event(OrderPlaced)

    assert describe(Orders).events == (Orders.placed, Orders.dropped)
    assert [event.name for event in describe(OrdersV2).events] == ["placed", "dropped", "shipped"]


# --- Published ---


async def test_publishing_hands_the_payload_to_the_wire() -> None:
    """The host attaches the wire; the service needs no constructor of its own for it."""
    service, shelf = OrderService(), Shelf()
    attach(service, shelf)
    await service.placed(OrderPlaced(1))
    await service.dropped(OrderDropped(2))
    assert shelf.taken == [(Orders.placed, OrderPlaced(1)), (Orders.dropped, OrderDropped(2))]


async def test_a_wire_belongs_to_one_instance() -> None:
    """Two services in one process publish each on its own."""
    first, second, shelf = OrderService(), OrderService(), Shelf()
    attach(first, shelf)
    with pytest.raises(RuntimeError):
        await second.placed(OrderPlaced(1))
    assert shelf.taken == []


async def test_a_subclass_of_the_payload_is_the_payload() -> None:
    service, shelf = OrderService(), Shelf()
    attach(service, shelf)
    await service.placed(RushOrderPlaced(1))
    assert shelf.taken == [(Orders.placed, RushOrderPlaced(1))]


async def test_another_payload_is_refused_before_it_leaves() -> None:
    """With the name of the event and of both types."""
    service, shelf = OrderService(), Shelf()
    attach(service, shelf)
    wrong: Any = OrderDropped(1)
    with pytest.raises(TypeError, match=r"Orders\.placed carries OrderPlaced, not OrderDropped"):
        await service.placed(wrong)
    assert shelf.taken == []


async def test_publishing_without_a_host_says_what_is_missing() -> None:
    """A service built by hand cannot publish; the message names both ways to mend it."""
    with pytest.raises(
        RuntimeError, match=r"no host runs this OrderService.*coterie up.*recording"
    ):
        await OrderService().placed(OrderPlaced(1))


# --- Heard ---


def test_a_class_knows_what_it_listens_to() -> None:
    """Each listener with its events; methods that listen to nothing are not named."""
    heard = {name: set(events) for name, events in subscriptions(Mailer).items()}
    assert heard == {
        "thank": {Orders.placed},
        "note": {Orders.placed, Orders.dropped},
        "archive": {Orders.dropped},
    }


def test_an_overridden_listener_still_listens() -> None:
    """A subclass replaces what is done, not what is heard; with `@on` it says that anew."""

    class Quiet(Mailer):
        async def note(self, event: OrderPlaced | OrderDropped) -> None: ...

        @on(Orders.dropped, Orders.placed)
        async def thank(self, event: OrderPlaced | OrderDropped) -> None: ...

    heard = subscriptions(Quiet)
    assert heard["note"] == (Orders.placed, Orders.dropped)
    assert heard["thank"] == (Orders.dropped, Orders.placed)


async def test_a_listener_is_an_ordinary_method() -> None:
    """A test calls it directly."""
    heard: list[int] = []

    class Counter(Service, version="1.0"):
        @on(Orders.placed)
        async def count(self, event: OrderPlaced) -> None:
            heard.append(event.order_id)

    await Counter().count(OrderPlaced(7))
    assert heard == [7]
