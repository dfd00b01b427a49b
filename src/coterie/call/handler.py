"""Handler, Policy, Component: the three shapes everything is made of."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from .message import Call, Reply

__all__ = ["Component", "Handler", "Policy", "chain"]

Handler = Callable[[Call], Awaitable[Reply]]
"""Answers a call, or raises a declared `Fault` or a `Failure`."""

Policy = Callable[[Handler], Handler]
"""A rule put round a handler. It may answer itself, refuse, or pass the call on."""


class Component(Protocol):
    """A part with a life: started before the first call, stopped after the last."""

    async def start(self) -> None:
        """Become ready; raises if that is impossible. Called once."""
        ...

    async def stop(self) -> None:
        """Give everything back. Called once, also after a failed start; never raises."""
        ...


def chain(policies: Iterable[Policy], handler: Handler) -> Handler:
    """``handler`` inside all ``policies``; the first of them is outermost."""
    for policy in reversed(tuple(policies)):
        handler = policy(handler)
    return handler
