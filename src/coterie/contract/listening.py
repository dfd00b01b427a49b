"""What can be checked of listeners and hooks when the class that has them is made."""

import inspect
from collections.abc import Iterable, Iterator
from typing import Any

from .event import Event, heard_by
from .hooks import hook_of
from .problem import Problem, place_of

__all__ = ["check_marks"]


def check_marks(cls: type, bases: Iterable[type]) -> Iterator[Problem]:
    """Everything wrong with the listeners and hooks that ``bases`` of ``cls`` define."""
    for base in bases:
        for name, value in vars(base).items():
            where = place_of(value, f"{cls.__qualname__}.{name}")
            heard, hook = heard_by(value), hook_of(value)
            for event in heard:
                if not isinstance(event, Event):
                    yield Problem(
                        where,
                        f"it listens to {event!r}, which is no event of a contract",
                        "Name the event by its contract: @on(Orders.placed)",
                    )
            if heard:
                yield from _check(where, value, "a listener", "the event's payload", 1)
            if hook is not None:
                yield from _check(where, value, f"a {hook} hook", "nothing", 0)


def _check(where: str, method: Any, role: str, given: str, count: int) -> Iterator[Problem]:
    if not inspect.iscoroutinefunction(method):
        yield Problem(
            where,
            f"{role} is awaited, and this is a plain method",
            "Write `async def`, or put @blocking over it to run it in a thread",
        )
    try:
        inspect.signature(method).bind(*[None] * (count + 1))
    except TypeError:
        yield Problem(
            where,
            f"{role} is given {given}, and takes something else",
            f"Write `{'self, event: OrderPlaced' if count else 'self'}` as its parameters",
        )
