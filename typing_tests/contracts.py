"""Contracts are concrete classes, so that a class stands for its clients; decorators keep types."""

# pyright: reportUnusedVariable=false, reportUnusedClass=false, reportUnusedExpression=false

from collections.abc import Callable, Coroutine
from datetime import date
from typing import Any, TypeVar, assert_type

from coterie.contract import (
    Contract,
    Description,
    Operation,
    Promise,
    Service,
    authenticated,
    blocking,
    call,
    contracts_of,
    describe,
    get,
    hooks,
    on_start,
    owner,
    post,
    promise_of,
    role,
    seed,
)
from typing_tests.shop import Hello, Orders, Placed

C = TypeVar("C", bound=Contract)


def made(contract: type[C]) -> C:
    """What a client is made by: the class goes in, an instance's type comes out."""
    return contract()


def a_class_stands_for_its_clients() -> None:
    assert_type(made(Orders), Orders)
    assert_type(made(Hello), Hello)
    assert_type(describe(Orders), Description)
    assert_type(describe(Hello).operation("greet"), Operation)
    assert_type(promise_of(Orders), Promise)
    assert_type(contracts_of(Orders), tuple[type[Contract], ...])
    made(int)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    made(Orders())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    describe("orders")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


class Every(Contract, version="2.0", name="every"):
    @get(
        "/a/{user_id}",
        status=203,
        faults=(),
        allow=(role("clerk") | owner("user_id")) & authenticated,
        scopes=["a:read"],
        timeout=2,
        safe=True,
        idempotent=True,
        deprecated="Use b",
        sunset=date(2031, 1, 1),
        tags=["a"],
        summary="All",
        etag=True,
    )
    async def a(self, user_id: int) -> Placed: ...

    @call()
    async def b(self, number: int = 1) -> int: ...


class Half(Every, abstract=True): ...


def a_decorator_keeps_the_signature(every: Every) -> None:
    a: Callable[[int], Coroutine[Any, Any, Placed]] = every.a
    b: Callable[[], Coroutine[Any, Any, int]] = every.b
    c: Callable[[str], Coroutine[Any, Any, Placed]] = every.a  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]


class Ready(Service, version="1.0"):
    @on_start
    async def warm(self) -> None: ...

    @seed
    @blocking
    def fill(self) -> None: ...

    @on_start  # type: ignore[type-var]  # pyright: ignore[reportArgumentType, reportUntypedFunctionDecorator]
    def cold(self) -> None: ...

    @on_start  # type: ignore[type-var]  # pyright: ignore[reportArgumentType, reportUntypedFunctionDecorator]
    async def asking(self, name: str) -> None: ...


async def hooks_are_called_with_nothing(ready: Ready) -> None:
    for hook in hooks(ready, "start"):
        await hook()
    await ready.warm()
    await ready.fill()


def wrong_options() -> None:
    get("/a", fauls=[])  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    get("/a", status="201")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    get("/a", allow=role)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    get("/a", allow="admin")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    get("/a", timeout="2s")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    get("/a", sunset="2031-01-01")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    get("/a", scopes=7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    get(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    get()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    call("/a")  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportCallIssue]
    post("/a", {"status": 201})  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportCallIssue]


def wrong_classes() -> None:
    class Number(Contract, version=1.0): ...  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportGeneralTypeIssues]

    class Unknown(Contract, version="1.0", nane="x"): ...  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue, reportGeneralTypeIssues]


def wrong_rules() -> None:
    role("clerk") | "admin"  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
    role("clerk") & None  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
    role(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    owner(user_id=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


class WithoutParentheses(Contract, version="1.0"):
    @get  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    async def a(self) -> int: ...  # type: ignore[misc]

    @call  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportCallIssue, reportUntypedFunctionDecorator]
    async def b(self) -> int: ...  # type: ignore[misc]
