"""Operations: what the decorators say, and what goes without saying."""

import datetime
from collections.abc import Callable
from typing import Any, Protocol, TypeVar, Unpack

import pytest

from coterie.contract import (
    Code,
    Contract,
    Fault,
    Options,
    Service,
    Struct,
    authenticated,
    call,
    delete,
    describe,
    get,
    patch,
    post,
    put,
    role,
)

from .declaring import contract, described

F = TypeVar("F", bound=Callable[..., Any])


class NoSuchOrder(Fault, code=Code.NOT_FOUND):
    """There is no order {order_id}."""

    order_id: int


class Decorator(Protocol):
    """What `get` and its siblings are."""

    def __call__(self, path: str, /, **options: Unpack[Options]) -> Callable[[F], F]: ...


# decorator, HTTP method, safe, idempotent (RFC 9110, 9.2.1 and 9.2.2; RFC 5789)
METHODS: list[tuple[Decorator, str, bool, bool]] = [
    (get, "GET", True, True),
    (post, "POST", False, False),
    (put, "PUT", False, True),
    (patch, "PATCH", False, False),
    (delete, "DELETE", False, True),
]


@pytest.mark.parametrize(("decorator", "method", "safe", "idempotent"), METHODS)
def test_a_decorator_knows_what_its_method_promises(
    decorator: Decorator, method: str, safe: bool, idempotent: bool
) -> None:
    """Safe and idempotent are as the standards say, without being told."""

    @decorator("/orders")
    async def orders(self: Any) -> int: ...

    operation = described(orders)
    assert (operation.method, operation.path) == (method, "/orders")
    assert (operation.safe, operation.idempotent) == (safe, idempotent)


@pytest.mark.parametrize(("decorator", "method", "safe", "idempotent"), METHODS)
def test_what_a_method_promises_can_be_said_otherwise(
    decorator: Decorator, method: str, safe: bool, idempotent: bool
) -> None:
    """A search by POST is safe, a POST with its own key idempotent, a GET that counts neither."""

    @decorator("/a", safe=True)
    async def harmless(self: Any) -> int: ...

    @decorator("/b", safe=False, idempotent=not idempotent)
    async def told(self: Any) -> int: ...

    assert described(harmless).safe
    assert described(harmless).idempotent, "what is safe is idempotent"
    assert not described(told).safe
    assert described(told).idempotent is not idempotent


def test_a_call_is_for_services_alone() -> None:
    """It has no path of its own; its route names contract, major version and operation."""

    class Stock(Contract, version="2.1"):
        @call()
        async def take(self, product_id: int, quantity: int) -> int: ...

    [take] = describe(Stock).operations
    assert take.path is None
    assert (take.method, take.route, take.id) == ("POST", "/stock.v2/take", "stock.take")
    assert not take.safe
    assert not take.idempotent


def test_an_operation_without_options_is_plain() -> None:
    """Nobody is refused, nothing is deprecated, nothing expires unless the contract says so."""

    @get("/orders")
    async def orders(self: Any) -> list[int]: ...

    operation = described(orders)
    assert operation.rule is None
    assert operation.timeout is None
    assert operation.faults == ()
    assert operation.deprecated is False
    assert operation.sunset is None
    assert operation.tags == ("orders",)
    assert operation.etag is False
    assert operation.if_match is None
    assert operation.keyed is False


def test_options_are_kept() -> None:
    """Everything a decorator is told is found in the operation."""

    @get("/orders/{order_id}", etag=True)
    async def order(self: Any, order_id: int) -> int: ...

    @put(
        "/orders/{order_id}",
        status=202,
        faults=[NoSuchOrder],
        allow=authenticated,
        timeout=2.5,
        deprecated="Use amend",
        sunset=datetime.date(2031, 1, 1),
        tags=["shop", "money"],
        summary="Change it",
        if_match="order",
    )
    async def change(self: Any, order_id: int) -> int: ...

    operation = describe(contract(order=order, change=change)).operation("change")
    assert operation.status == 202
    assert operation.faults == (NoSuchOrder,)
    assert operation.rule == authenticated
    assert operation.timeout == 2.5
    assert operation.deprecated == "Use amend"
    assert operation.sunset == datetime.date(2031, 1, 1)
    assert operation.tags == ("shop", "money")
    assert operation.summary == "Change it"
    assert operation.if_match == "order"


def test_success_is_200_or_204_where_there_is_nothing_to_say() -> None:
    """An operation without a result answers 204, any other 200, unless it says `status=`."""

    @post("/a")
    async def silent(self: Any) -> None: ...

    @post("/b")
    async def spoken(self: Any) -> int: ...

    @post("/c", status=201)
    async def created(self: Any) -> int: ...

    statuses = [described(each).status for each in (silent, spoken, created)]
    assert statuses == [204, 200, 201]


def test_the_docstring_is_the_documentation() -> None:
    """First paragraph, on one line and without its full stop, for lists; all of it for the page."""

    @get("/orders")
    async def orders(self: Any) -> int:
        """All orders of
        one user.

        Oldest first.
        """  # noqa: D205  # the two lines are what is tested
        return 0

    operation = described(orders)
    assert operation.summary == "All orders of one user"
    assert operation.description == "All orders of\none user.\n\nOldest first."


def test_scopes_and_a_rule_must_all_hold() -> None:
    """`scopes=` adds to `allow=`: each scope is one more condition."""

    @get("/orders", allow=role("clerk"), scopes=["orders:read", "users:read"])
    async def orders(self: Any) -> int: ...

    rule = described(orders).rule
    assert rule is not None
    assert rule.scopes() == {"orders:read", "users:read"}
    assert str(rule) == "(role clerk) and (scope orders:read) and (scope users:read)"


def test_a_decorator_leaves_the_function_as_it_is() -> None:
    """The contract's method is the function that was written, so its signature is kept."""

    async def order(self: Any, order_id: int) -> int: ...

    assert get("/orders/{order_id}")(order) is order


def test_a_contract_describes_itself() -> None:
    """Name, version, summary and operations in the order they stand; described once."""

    class OrderHistory(Contract, version="1.4.2"):
        """What was ordered when.

        Kept for ten years.
        """

        @get("/b")
        async def b(self) -> int: ...

        @get("/a")
        async def a(self) -> int: ...

    description = describe(OrderHistory)
    assert (description.name, description.version, description.major) == (
        "order-history",
        "1.4.2",
        "1",
    )
    assert description.summary == "What was ordered when"
    assert description.description == "What was ordered when.\n\nKept for ten years."
    assert [operation.name for operation in description.operations] == ["b", "a"]
    assert describe(OrderHistory) is description
    assert description.contract is OrderHistory


def test_a_description_names_what_it_has_when_asked_for_what_it_lacks() -> None:
    """A misspelt operation is answered with those there are."""

    @get("/orders")
    async def orders(self: Any) -> int: ...

    description = describe(contract(orders=orders))
    assert description.operation("orders").name == "orders"
    with pytest.raises(LookupError, match="orders has no operation 'order'; it has orders"):
        description.operation("order")


def test_types_may_be_named_before_they_exist() -> None:
    """A contract is described at first use, when forward references resolve."""

    class Early(Service, version="1.0"):
        @get("/late")
        async def late(self) -> "Late": ...

    assert describe(Early).operations[0].result.type is Late


class Late(Struct):
    """Defined below its first mention."""

    number: int
