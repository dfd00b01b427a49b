"""Call and Reply: what passes through handlers and policies, on both sides of the wire."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from msgspec import Struct

from coterie.contract import Operation

from .context import Context

__all__ = ["Call", "Reply"]


class Reply(Struct, frozen=True):
    """The answer to a call.

    ``value`` is the typed result. ``status``, ``headers`` and ``body`` are its encoded form where
    it crosses a wire; in one process they stay empty.
    """

    value: Any = None
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | AsyncIterator[bytes] = b""


class Call(Struct, frozen=True):
    """One call of an operation.

    ``arguments`` are typed values by parameter name. ``render`` turns the method's result into
    the reply that the wire will carry; it runs before the unit of work commits, so that what
    cannot be encoded changes nothing. It is ``None`` for calls within a process.

    ``guard`` is given what the operation's ``if_match`` operation returns now, just before the
    method runs, and raises `Failure` where the caller had seen another state.

    ``avoid`` are ids of instances that this call had better not go to, where there are others: they
    have failed it before, or have it already. ``chosen`` is told the id of each that it goes to.

    ``validator`` is the entity tag of an answer the caller still has: where it is current, the reply
    has status 304 and no value (RFC 9110, 13.1.2).

    ``record`` is given the reply while the unit of work is still open, and writes what must be kept
    or forgotten together with the effect.
    """

    operation: Operation
    arguments: dict[str, Any]
    context: Context
    render: Callable[[Any], Reply] | None = None
    guard: Callable[[Any], None] | None = None
    avoid: frozenset[str] = frozenset()
    chosen: Callable[[str], None] | None = None
    validator: str | None = None
    record: Callable[[Reply], Awaitable[None]] | None = None

    def __repr__(self) -> str:
        # Arguments may be passwords, and as long as a body; a call may end up in a log.
        return f"Call({self.operation!r}, {self.context!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("operation", self.operation), ("context", self.context)]
