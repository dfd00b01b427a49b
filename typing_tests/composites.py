"""What is gathered has the types of its parts, however many there are."""

# pyright: reportUnusedVariable=false, reportUnusedExpression=false

from collections.abc import Mapping
from operator import eq
from typing import assert_type

from coterie.call import Failure
from coterie.composition.composite import (
    Batcher,
    Gathered,
    Kept,
    first_of,
    optional,
    quorum,
    together,
)
from coterie.contract import Code, Fault
from typing_tests.shop import Greeting, Hello, Orders


class Gone(Fault, code=Code.NOT_FOUND):
    """It is not there."""


async def names() -> list[str]: ...
async def number() -> int: ...
async def text() -> str: ...
async def many(ids: list[int]) -> dict[int, str]: ...
async def some(ids: list[int]) -> Mapping[int, str | Exception]: ...


async def right(orders: Orders, hello: Hello) -> None:
    found = await together(orders.count(), hello.greet("Ada"), within=1.0)
    assert_type(found, Gathered[int, Greeting])
    count, greeting = found
    assert_type(count, int)
    assert_type(greeting, Greeting)
    assert_type(found[1], Greeting)
    assert_type(found.missing, Mapping[str, Failure | Fault])
    (one,) = await together(number())
    assert_type(one, int)
    n, t, ls, n2, t2, l2, n3, t3 = await together(
        number(), text(), names(), number(), text(), names(), number(), text()
    )
    assert_type(ls, list[str])
    assert_type(l2, list[str])
    assert_type(t3, str)
    inner, (left, right) = await together(number(), together(text(), number()))
    assert_type(left, str)
    assert_type(right, int)


async def right_lists() -> None:
    numbers = await together(*[number() for _ in range(20)])
    assert_type(list(numbers), list[int])
    for each in numbers:
        assert_type(each, int)


async def right_optional(orders: Orders) -> None:
    assert_type(await optional(number(), default=0), int)
    assert_type(await optional(number(), default=None), int | None)
    await optional(number(), default=0, within=0.3, forgives=Gone, name="number")
    await optional(number(), default=0, forgives=(Gone, Code.INTERNAL))
    count, listed, nothing = await together(
        orders.count(), optional(names(), default=[]), optional(text(), default=None)
    )
    assert_type(count, int)
    assert_type(listed, list[str])
    assert_type(nothing, str | None)


async def right_first_and_quorum() -> None:
    assert_type(await first_of(number(), number(), stagger=0.05), int)
    assert_type(await quorum(2, text(), text(), text(), agree=eq), list[str])


async def right_batcher() -> None:
    name = Batcher(many, size=50)
    assert_type(name, Batcher[int, str])
    assert_type(await name(7), str)
    assert_type(await Batcher(some)(7), str)
    one, none = await together(name(1), optional(name(2), default=None))
    assert_type(none, str | None)


async def right_kept(hello: Hello) -> None:
    greet = Kept(hello.greet, keep=60.0, stale=600.0)
    assert_type(await greet("Ada"), Greeting)
    (greeting,) = await together(optional(greet("Ada"), default=None))
    assert_type(greeting, Greeting | None)


async def wrong(orders: Orders) -> None:
    count, more = await together(orders.count())  # type: ignore[misc]  # pyright: ignore[reportAssignmentType]
    a, b = await together(number(), text(), names())  # type: ignore[misc]  # pyright: ignore[reportAssignmentType]
    found = await together(number(), text())
    wrong_type: str = found[0]  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    found[2]  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]
    found.lacking  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    await together(number, text())  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await together(number(), within="1 s")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await together(orders.count("all"))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


async def wrong_optional() -> None:
    await optional(number())  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await optional(number(), default=0, forgives=ValueError)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    value: int = await optional(number(), default=None)  # type: ignore[arg-type]  # pyright: ignore[reportAssignmentType]


async def wrong_others(hello: Hello) -> None:
    one: str = await first_of(number(), number())  # type: ignore[arg-type]  # pyright: ignore[reportAssignmentType]
    await quorum(text(), text())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await Batcher(many)("seven")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Batcher(number)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Kept(hello.greet)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await Kept(hello.greet, keep=60.0)(7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
