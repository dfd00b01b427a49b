"""A client has the shape of its contract, and says so where somebody expects more of it."""

import copy
import inspect
import pickle
import uuid
from typing import Any, Self

import pytest

from coterie.call import (
    Call,
    Context,
    Failure,
    Reply,
    Sent,
    Trace,
    current,
    entered,
    hold,
    separate,
)
from coterie.client import proxy
from coterie.contract import Code, Contract, ContractError, Event, Service, Struct, get, on_start
from tests.client.kit import Desk, DeskService, Happened


class Asked:
    """A handler that answers nothing and remembers everything."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    async def __call__(self, call: Call) -> Reply:
        self.calls.append(call)
        return Reply("answer")

    @property
    def arguments(self) -> dict[str, Any]:
        return self.calls[-1].arguments


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def desk(asked: Asked) -> Any:
    """Untyped: what a type checker would refuse is tried here."""
    return proxy(Desk, asked)


@pytest.mark.parametrize(
    ("args", "kwargs", "bound"),
    [
        ((1,), {}, {"a": 1, "b": 2, "times": 1}),
        ((1, 5), {}, {"a": 1, "b": 5, "times": 1}),
        ((1,), {"b": 5}, {"a": 1, "b": 5, "times": 1}),
        ((), {"times": 3, "b": 5, "a": 1}, {"a": 1, "b": 5, "times": 3}),
        ((None,), {"b": None}, {"a": None, "b": None, "times": 1}),
    ],
)
async def test_arguments_are_bound_as_python_binds_them(
    desk: Any, asked: Asked, args: tuple[Any, ...], kwargs: dict[str, Any], bound: dict[str, Any]
) -> None:
    """By position and by name, defaults filled in; every one of them arrives."""
    assert await desk.add(*args, **kwargs) == "answer"
    assert asked.arguments == bound
    assert list(asked.arguments) == ["a", "b", "times"]


@pytest.mark.parametrize(
    ("args", "kwargs", "said"),
    [
        ((), {}, "desk.add() needs a="),
        ((), {"b": 1}, "desk.add() needs a="),
        ((1, 2, 3), {}, "desk.add() takes 2 positional arguments, 3 given"),
        ((1, 2, 3, 4), {}, "desk.add() takes 2 positional arguments, 4 given"),
        ((1,), {"a": 2}, "desk.add() got 'a' twice"),
        ((1,), {"c": 2}, "desk.add() has no parameter 'c'; it has a, b, times"),
    ],
)
async def test_a_wrong_call_is_a_type_error_that_names_the_operation(
    desk: Any, asked: Asked, args: tuple[Any, ...], kwargs: dict[str, Any], said: str
) -> None:
    """As Python would, keyword-only parameters included; and nothing is sent."""
    with pytest.raises(TypeError) as caught:
        await desk.add(*args, **kwargs)
    assert str(caught.value) == said
    assert asked.calls == []
    with pytest.raises(TypeError):
        inspect.signature(DeskService.add).bind(None, *args, **kwargs)


async def test_an_operation_without_parameters_takes_none(desk: Any) -> None:
    """Not one."""
    assert await desk.waits() == "answer"
    with pytest.raises(TypeError, match=r"desk.waits\(\) takes 0 positional arguments, 1 given"):
        await desk.waits(1)


def test_an_unknown_name_is_told_with_the_nearest_one(desk: Any) -> None:
    """Or with all there are."""
    with pytest.raises(AttributeError, match=r"Desk has no operation 'ad'; did you mean 'add'\?"):
        _ = desk.ad
    with pytest.raises(AttributeError, match="Desk has no operation 'zzz'; it has add, echo, find"):
        _ = desk.zzz
    assert not hasattr(desk, "zzz")
    assert hasattr(desk, "add")


class Counter(Service, version="1.0"):
    """Contract and implementation in one, with more than operations in it."""

    changed = Event(Happened)
    unit = "pieces"

    def __init__(self) -> None:
        raise AssertionError("a client runs no constructor")

    def __new__(cls) -> Self:
        raise AssertionError("nor this")

    @get("/count")
    async def count(self) -> int:
        return self.total

    @property
    def total(self) -> int:
        return 1

    @staticmethod
    def double(n: int) -> int:
        return 2 * n

    @classmethod
    def made(cls) -> "Counter":
        return cls()

    @on_start
    async def begin(self) -> None:
        raise AssertionError


@pytest.mark.parametrize("name", ["total", "double", "made", "begin"])
def test_what_is_no_operation_cannot_be_reached(name: str, asked: Asked) -> None:
    """It would run here, without what the service has; the remedy is said."""
    with pytest.raises(AttributeError, match=f"'{name}' is no operation of Counter.*@call"):
        getattr(proxy(Counter, asked), name)


async def test_control_operations_and_constants_can(asked: Asked) -> None:
    """Control: what the contract declares is there, made without any constructor."""
    counter = proxy(Counter, asked)
    assert isinstance(counter, Counter)
    assert await counter.count() == "answer"  # type: ignore[comparison-overlap]
    assert counter.unit == "pieces"
    with pytest.raises(AssertionError, match="nor this"):
        Counter()


async def test_only_the_owner_publishes(desk: Desk) -> None:
    """A client that emits is told what to do instead."""
    with pytest.raises(TypeError, match=r"Desk.happened is published by the service that owns it"):
        await desk.happened(Happened("x"))


def test_a_client_shows_what_it_is(desk: Desk) -> None:
    """In a debugger, in help(), and to tools that look at signatures."""
    assert repr(desk) == "<client of desk>"
    assert type(desk).__name__ == "DeskClient"
    assert type(desk).__doc__ == Desk.__doc__
    assert type(desk).__module__ == Desk.__module__
    assert desk.add.__doc__ == "Add, and multiply."
    assert desk.add.__name__ == "add"
    assert inspect.iscoroutinefunction(desk.add)
    signature = inspect.signature(desk.add)
    assert str(signature) == "(a: int, b: int = 2, *, times: int = 1) -> int"


def test_a_client_does_not_travel(desk: Desk) -> None:
    """It holds connections: it can neither be pickled nor copied into another process."""
    with pytest.raises((pickle.PicklingError, AttributeError, TypeError)):
        pickle.dumps(desk)


async def test_clients_do_not_share(asked: Asked) -> None:
    """Each goes to its own handler; the contract itself is left as it was."""
    other = Asked()
    await proxy(Desk, asked).waits()
    await proxy(Desk, other).text()
    assert [c.operation.name for c in asked.calls + other.calls] == ["waits", "text"]
    assert Desk.waits is not type(proxy(Desk, asked)).waits
    copied = copy.copy(proxy(Desk, asked))
    await copied.waits()
    assert len(asked.calls) == 2


@pytest.mark.parametrize("wrong", [DeskService, Contract])
def test_only_a_contract_has_clients(wrong: type[Contract], asked: Asked) -> None:
    """An implementation may keep several promises: which of them would it be?"""
    with pytest.raises(ContractError, match="no contract"):
        proxy(wrong, asked)


def test_a_contract_that_does_not_resolve_has_no_clients(asked: Asked) -> None:
    """Told when the client is made, not at its first call."""

    class Bad(Contract, version="1.0"):
        @get("/bad")
        async def bad(self) -> "Nowhere":  # type: ignore[name-defined]  # noqa: F821  # pyright: ignore[reportUndefinedVariable]
            ...

    with pytest.raises(ContractError, match="Nowhere"):
        proxy(Bad, asked)


class Empty(Struct):
    pass


@pytest.mark.promise("W0-11")
async def test_a_call_is_a_span_of_its_own(desk: Any, asked: Asked) -> None:
    """Within the trace it is made in; every one has a deadline."""
    with entered(Context(Trace.root(), baggage={"a": "b"})) as outer:
        await desk.waits()
        await desk.waits()
        assert current() is outer
    first, second = (call.context for call in asked.calls)
    assert first.trace.trace_id == second.trace.trace_id == outer.trace.trace_id
    assert first.trace.parent == second.trace.parent == outer.trace.span_id
    assert first.trace.span_id != second.trace.span_id
    assert first.baggage == {"a": "b"}
    assert first.remaining is not None
    assert 29 < first.remaining <= 30


@pytest.mark.parametrize(
    ("given", "name", "left"),
    [(5.0, "waits", 5.0), (5.0, "hurried", 0.05), (0.01, "hurried", 0.05)],
)
async def test_the_operation_s_own_time_counts_before_the_client_s(
    asked: Asked, given: float, name: str, left: float
) -> None:
    """What the client allows is for operations that name none."""
    desk: Any = proxy(Desk, asked, timeout=given)
    await getattr(desk, name)()
    remaining = asked.calls[-1].context.remaining
    assert remaining is not None
    assert left - 0.05 < remaining <= left


async def test_no_call_leaves_while_something_is_being_written(desk: Any, asked: Asked) -> None:
    """Call first, then write: a lock held meanwhile would be held for as long as another takes."""
    end = separate()
    release = hold("orders.place is writing to orders.db")
    try:
        with pytest.raises(
            Failure, match=r"desk\.waits was called while orders\.place is"
        ) as caught:
            await desk.waits()
        assert (caught.value.code, caught.value.sent) == (Code.INTERNAL, Sent.NOT_SENT)
        assert "call first, then write" in caught.value.message
        assert asked.calls == []
    finally:
        release()
    await desk.waits()
    end()
    assert len(asked.calls) == 1


async def test_wrong_arguments_are_told_even_then(desk: Any) -> None:
    """The nearer mistake first."""
    end = separate()
    release = hold("writing")
    with pytest.raises(TypeError, match="needs key="):
        await desk.find(text="x")
    with pytest.raises(Failure, match="called while writing"):
        await desk.find(uuid.UUID(int=1), "x")
    release()
    end()
