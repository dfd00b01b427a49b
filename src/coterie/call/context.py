"""Context: what travels with every call, over every hop."""

import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

from msgspec import Struct, structs

from .origin import Origin
from .principal import Principal
from .trace import Trace

__all__ = ["Context", "calling", "current", "current_context", "entered"]

_NOTHING: Mapping[str, str] = MappingProxyType({})


class Context(Struct, frozen=True):
    """The circumstances of a call.

    ``deadline`` is a moment of `time.monotonic`, in seconds. ``principal`` is who the call is
    made for, once proved; ``token`` the proof as it came, handed on to the next service.
    ``baggage`` are small texts that the first caller attached (W3C Baggage).

    ``idempotency_key`` is the key of this very call, and goes no further: a call made from within is
    another effect. ``origin`` is where keys of calls made from within come from, if from anywhere.
    """

    trace: Trace
    deadline: float | None = None
    principal: Principal | None = None
    token: str | None = None
    idempotency_key: str | None = None
    baggage: Mapping[str, str] = _NOTHING
    origin: Origin | None = None

    @property
    def remaining(self) -> float | None:
        """Seconds left, below zero when the time is over; ``None`` without a deadline."""
        return None if self.deadline is None else self.deadline - time.monotonic()

    def onward(self, timeout: float | None = None) -> "Context":
        """The context of a call made from within this one, allowed ``timeout`` seconds at most."""
        deadline = self.deadline
        if timeout is not None:
            latest = time.monotonic() + timeout
            deadline = latest if deadline is None or latest < deadline else deadline
        origin, key = self.origin, None
        if origin is not None:
            if self.idempotency_key is None:
                origin = None  # whoever took the key away (background work) meant this too
            elif origin.given:
                key = origin.key
                origin = Origin(key)
        return Context(
            self.trace.child(), deadline, self.principal, self.token, key, self.baggage, origin
        )

    def keyed(self, key: str) -> "Context":
        """The same, of a call that has the idempotency key ``key``."""
        return structs.replace(self, idempotency_key=key, origin=Origin(key))

    def __repr__(self) -> str:
        # The token is a secret; a context may end up in a log.
        return f"Context({self.trace.traceparent}, principal={self.principal!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        # What rich prints in a traceback with local variables.
        return [("trace", self.trace.traceparent), ("principal", self.principal)]


current_context: ContextVar[Context] = ContextVar("coterie_context")
"""Set by hosts for each call; everybody else reads it through `current`."""


def current() -> Context:
    """The context of the call being served here; a new one, with a new trace, outside of calls."""
    found = current_context.get(None)
    return Context(Trace.root()) if found is None else found


@contextmanager
def entered(context: Context) -> Generator[Context]:
    """Make ``context`` the current one for a while."""
    token = current_context.set(context)
    try:
        yield context
    finally:
        current_context.reset(token)


@contextmanager
def calling(
    *,
    timeout: float | None = None,
    principal: Principal | None = None,
    token: str | None = None,
    idempotency_key: str | None = None,
    baggage: Mapping[str, str] | None = None,
) -> Generator[Context]:
    """Change the circumstances of the calls made inside the block.

    ::

        with calling(timeout=2.0, idempotency_key="order-17"):
            await orders.place(order)

    ``timeout`` is in seconds and never lengthens a deadline that is already there. ``token`` is a
    bearer token, sent as it is; the service at the other end decides whom it stands for.
    ``idempotency_key`` goes with each call as it is: give two calls of one operation two keys, or
    the second is answered as the first was. ``baggage`` is added to what is there.
    """
    context = current()
    if timeout is not None:
        latest = time.monotonic() + timeout
        if context.deadline is None or latest < context.deadline:
            context = structs.replace(context, deadline=latest)
    if token is not None:
        context = structs.replace(context, token=token, principal=None)
    if principal is not None:
        # The old proof is not this principal's; left in, it would be believed before it.
        context = structs.replace(context, principal=principal, token=token)
    if idempotency_key is not None:
        origin = Origin(idempotency_key, given=True)
        context = structs.replace(context, idempotency_key=idempotency_key, origin=origin)
    if baggage is not None:
        context = structs.replace(context, baggage={**context.baggage, **baggage})
    with entered(context):
        yield context
