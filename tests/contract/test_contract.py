"""Contracts and those who keep them: names, versions, implementations."""

import functools
import pickle
from collections.abc import Callable
from typing import Any, TypeVar, cast

import pytest

from coterie.contract import (
    Contract,
    ContractError,
    Event,
    Problem,
    Service,
    Struct,
    blocking,
    contracts_of,
    describe,
    get,
    post,
    promise_of,
)

from .declaring import contract

F = TypeVar("F", bound=Callable[..., Any])


class Greeting(Struct):
    text: str


class Hello(Service, version="1.0"):
    @get("/hello/{name}")
    async def greet(self, name: str) -> Greeting:
        return Greeting(f"Hello, {name}!")


class OrdersV1(Contract, version="1.3"):
    @get("/v1/order/{order_id}")
    async def order(self, order_id: int) -> int: ...

    @post("/v1/orders")
    async def place(self, product_id: int) -> int: ...


class OrdersV2(OrdersV1, version="2.0"):
    @get("/v2/order/{order_id}")
    async def order(self, order_id: int, lines: bool = False) -> int: ...

    @get("/v2/orders")
    async def orders(self) -> list[int]: ...


class Audit(Contract, version="1.0"):
    @get("/audit")
    async def trail(self) -> list[str]: ...


# --- Name and version ---


@pytest.mark.parametrize(
    ("name", "known_as"),
    [
        ("Orders", "orders"),
        ("OrderHistory", "order-history"),
        ("HTTPThings", "http-things"),
        ("OrdersV2", "orders"),
        ("OrdersV12", "orders"),
        ("Orders2", "orders2"),
        ("V2", "v2"),
        ("DCIV2", "dci"),
        ("_Orders", "orders"),
        ("Order_History", "order-history"),
    ],
)
def test_a_contract_is_known_by_its_class_in_kebab_case(name: str, known_as: str) -> None:
    """Versions of one contract share one name: a trailing `V2` is no part of it."""
    assert promise_of(contract(name)).name == known_as


def test_a_contract_may_choose_its_name() -> None:
    class Orders(Contract, version="1.0", name="shop-orders"): ...

    assert str(promise_of(Orders)) == "shop-orders 1.0"


@pytest.mark.parametrize(
    ("version", "major"), [("1", "1"), ("1.0", "1"), ("2.10.3", "2"), ("0.9", "0"), ("12.0", "12")]
)
def test_callers_and_services_share_the_first_number(version: str, major: str) -> None:
    """The rest of a version says what was added, and breaks nobody."""
    made = contract(version=version)
    assert promise_of(made).major == major
    assert describe(made).major == major


def test_a_later_version_has_what_the_earlier_one_had() -> None:
    """It takes over operations, replaces those it declares anew, adds its own."""
    operations = describe(OrdersV2).operations
    assert [(each.name, each.route) for each in operations] == [
        ("order", "/v2/order/{order_id}"),
        ("place", "/v1/orders"),
        ("orders", "/v2/orders"),
    ]
    assert {each.version for each in operations} == {"2.0"}
    assert [each.route for each in describe(OrdersV1).operations] == [
        "/v1/order/{order_id}",
        "/v1/orders",
    ]


def test_an_implementation_is_no_contract_itself() -> None:
    """Asked what it promises, it points at its contracts: there may be several."""

    class AuditService(Audit):
        async def trail(self) -> list[str]: ...

    with pytest.raises(ContractError, match=r"AuditService is no contract\. Use the contract"):
        promise_of(AuditService)


# --- Keeping a contract ---


def test_a_plain_class_keeps_a_contract() -> None:
    """It has the operations, and whatever else it likes: constructor, helpers, defaults."""

    class AuditService(Audit):
        def __init__(self, lines: list[str]) -> None:
            self.lines = lines

        async def trail(self, *, limit: int = 10) -> list[str]:
            return self._first(limit)

        def _first(self, count: int) -> list[str]:
            return self.lines[:count]

    assert contracts_of(AuditService) == (Audit,)


async def test_a_service_is_contract_and_implementation_in_one() -> None:
    """One class for a first example; another may still replace what it does."""
    assert contracts_of(Hello) == (Hello,)
    assert [operation.id for operation in describe(Hello).operations] == ["hello.greet"]
    assert await Hello().greet("Ada") == Greeting("Hello, Ada!")

    class Louder(Hello):
        async def greet(self, name: str) -> Greeting:
            return Greeting(name.upper())

    class Same(Hello): ...

    assert contracts_of(Louder) == contracts_of(Same) == (Hello,)
    assert await Same().greet("Ada") == Greeting("Hello, Ada!")


def test_one_class_may_keep_several_contracts() -> None:
    """Operations of both, with one instance behind them."""

    class Both(OrdersV1, Audit):
        async def order(self, order_id: int) -> int: ...
        async def place(self, product_id: int) -> int: ...
        async def trail(self) -> list[str]: ...

    assert contracts_of(Both) == (OrdersV1, Audit)


def test_one_class_may_keep_two_versions() -> None:
    """Old callers are served by the same code; a version counts where it is named as a base."""

    class Both(OrdersV2, OrdersV1):
        async def order(self, order_id: int, lines: bool = False) -> int: ...
        async def place(self, product_id: int) -> int: ...
        async def orders(self) -> list[int]: ...

    class Newer(OrdersV2):
        async def order(self, order_id: int, lines: bool = False) -> int: ...
        async def place(self, product_id: int) -> int: ...
        async def orders(self) -> list[int]: ...

    assert contracts_of(Both) == (OrdersV2, OrdersV1)
    assert contracts_of(Newer) == (OrdersV2,)


def test_an_operation_may_come_from_elsewhere() -> None:
    """From a mixin, from a half-finished parent, through a decorator, from a thread."""

    def logged(method: F) -> F:
        @functools.wraps(method)
        async def run(*args: Any, **kwargs: Any) -> Any:
            return await method(*args, **kwargs)

        return cast("F", run)

    class Placing:
        async def place(self, product_id: int) -> int: ...

    class Half(Placing, OrdersV2, abstract=True):
        @logged
        async def order(self, order_id: int, lines: bool = False) -> int: ...

    class Whole(Half):
        @blocking
        def orders(self) -> list[int]: ...

    assert contracts_of(Half) == contracts_of(Whole) == (OrdersV2,)


def test_an_implementation_may_take_any_argument() -> None:
    """A stand-in with `**arguments` keeps every contract."""

    class Recorder(OrdersV2):
        async def order(self, **arguments: Any) -> int: ...  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        async def place(self, product_id: int) -> int: ...
        async def orders(self) -> list[int]: ...

    assert contracts_of(Recorder) == (OrdersV2,)


def test_a_class_that_keeps_nothing_keeps_no_contract() -> None:
    assert contracts_of(int) == ()
    assert contracts_of(Contract) == ()


# --- The error ---


def test_a_contract_error_lists_every_mistake() -> None:
    """Where, what, remedy: one line each; a type error, as a wrong declaration is."""
    error = ContractError("contract Orders", (Problem("a", "b", "C"), Problem("d", "e", "F")))
    assert str(error) == "contract Orders has 2 mistakes:\n  - a: b. C.\n  - d: e. F."
    assert str(ContractError("x", (Problem("a", "b", "C"),))).startswith("x has one mistake:")
    assert isinstance(error, TypeError)


def test_a_contract_error_survives_pickling() -> None:
    """It reaches the parent of the process that met it."""
    error = ContractError("contract Orders", (Problem("a", "b", "C"),))
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own bytes
    assert (again.subject, again.problems, str(again)) == (
        error.subject,
        error.problems,
        str(error),
    )


def test_events_and_operations_of_several_contracts_stay_apart() -> None:
    """Each description tells of its own contract only."""

    class Orders(Contract, version="1.0"):
        placed = Event(Greeting)

    class Both(Orders, Audit):
        async def trail(self) -> list[str]: ...

    assert [len(describe(each).events) for each in contracts_of(Both)] == [1, 0]
    assert [len(describe(each).operations) for each in contracts_of(Both)] == [0, 1]
