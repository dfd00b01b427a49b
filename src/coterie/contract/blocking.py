"""blocking: a method that waits without ``await``, run in a thread."""

import asyncio
import inspect
from collections.abc import Callable
from functools import wraps
from types import CoroutineType
from typing import Any, ParamSpec, TypeVar, cast

from .problem import ContractError, Problem, place_of

__all__ = ["blocking"]

P = ParamSpec("P")
R = TypeVar("R")


# The very type of an `async def`: type checkers hold an override to it.
def blocking(method: Callable[P, R]) -> "Callable[P, CoroutineType[Any, Any, R]]":
    """Let a plain ``def`` implement an operation: each call runs in a worker thread.

    The context (deadline, principal, trace) is the caller's. A thread cannot be interrupted:
    past the deadline the caller is answered, and the thread runs to its end.

    Raises `ContractError` for an ``async def``, which needs no thread.
    """
    if inspect.iscoroutinefunction(method):
        where = place_of(method, method.__qualname__)
        problem = Problem(where, "@blocking stands over an `async def`", "Take it away")
        raise ContractError(method.__qualname__, (problem,))

    @wraps(method)
    async def run(*args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.to_thread(method, *args, **kwargs)

    return cast("Callable[P, CoroutineType[Any, Any, R]]", run)
