"""@blocking: a plain `def` behind an operation, in a thread."""

import asyncio
import contextvars
import inspect
import threading

import pytest

from coterie.contract import Contract, ContractError, Service, blocking, describe, get

_who = contextvars.ContextVar("who", default="nobody")


class Slow(Contract, version="1.0"):
    @get("/slow/{number}")
    async def half(self, number: int) -> float: ...


class SlowService(Slow):
    def __init__(self) -> None:
        self.gate = threading.Event()
        self.threads: set[int] = set()

    @blocking
    def half(self, number: int) -> float:
        """Half of it."""
        self.threads.add(threading.get_ident())
        if number < 0:
            raise ValueError("no half")
        if number == 0 and not self.gate.wait(10):
            raise TimeoutError
        return number / 2

    @blocking
    def who(self) -> str:
        return _who.get()


async def test_it_answers_as_an_async_method_does() -> None:
    service = SlowService()
    assert await service.half(3) == 1.5
    assert await service.half(number=3) == 1.5


async def test_nobody_waits_for_it_but_its_caller() -> None:
    """While one call blocks, another is answered, in a thread that is not the loop's."""
    service = SlowService()
    blocked = asyncio.create_task(service.half(0))
    assert await asyncio.wait_for(service.half(4), 10) == 2
    assert not blocked.done()
    service.gate.set()
    assert await asyncio.wait_for(blocked, 10) == 0
    assert threading.get_ident() not in service.threads


async def test_the_context_comes_along() -> None:
    """Principal, deadline and trace are the caller's."""
    _who.set("ann")
    assert await SlowService().who() == "ann"


async def test_what_it_raises_reaches_the_caller() -> None:
    with pytest.raises(ValueError, match="no half"):
        await SlowService().half(-1)


def test_it_keeps_name_signature_and_docstring() -> None:
    """Documents and checks see the method that was written."""
    assert inspect.iscoroutinefunction(SlowService.half)
    assert SlowService.half.__name__ == "half"
    assert SlowService.half.__doc__ == "Half of it."
    assert str(inspect.signature(SlowService.half)) == "(self, number: int) -> float"


async def test_a_service_may_declare_a_blocking_operation() -> None:
    """Decorator and `@blocking` in either order."""

    class Tool(Service, version="1.0"):
        @get("/a")
        @blocking
        def a(self) -> int:
            return 1

        @blocking
        @get("/b")
        def b(self) -> int:
            return 2

    assert [operation.name for operation in describe(Tool).operations] == ["a", "b"]
    assert await Tool().a() + await Tool().b() == 3


def test_an_async_method_needs_no_thread() -> None:
    """It would run nowhere: the thread would only make the coroutine."""
    with pytest.raises(ContractError, match=r"@blocking stands over an `async def`\. Take it away"):

        @blocking
        async def half(number: int) -> float: ...
