"""Failure: anything that went wrong and is no declared fault."""

import enum
from typing import Any

from msgspec import Struct

from coterie.contract import Code

__all__ = ["Failure", "Sent", "Violation"]


class Sent(enum.Enum):
    """How far a request got before it failed."""

    NOT_SENT = "not sent"
    """It certainly never left: any operation may be tried again."""
    REFUSED = "refused"
    """It arrived where nobody is ready, and nothing was begun: any operation may be tried again."""
    SHED = "shed"
    """It arrived where there is too much to do, and nothing was begun: any operation may be tried
    again, but not often, or there would be still more to do."""
    UNKNOWN = "unknown"
    """It left, and no answer came: the effect may or may not have happened."""
    ANSWERED = "answered"
    """The other side itself said no."""


class Violation(Struct, frozen=True, rename={"where": "in"}):
    """One field that is wrong (RFC 9457, example of an extension).

    ``where`` is ``body``, ``query``, ``path``, ``header``, ``cookie`` or ``form``; ``pointer`` a
    JSON pointer into it (RFC 6901), such as ``#/items/0/quantity``.
    """

    detail: str
    pointer: str
    where: str = "body"


class Failure(Exception):
    """What went wrong, as one of sixteen codes.

    ::

        Exception
        ├── Fault           declared by a contract; caught by type: ``except OutOfStock``
        ├── Failure         everything else that a call may meet; told apart by ``code``
        └── ContractError   a declaration that cannot work; raised when classes are made

    ``message`` says what to do next and may be shown to the caller. ``violations`` are the
    fields that were wrong; ``retry_after`` seconds to wait; ``fault`` the wire name of a fault
    this side does not know; ``status`` the HTTP status where it is not the code's own.
    ``origin`` is the operation whose call failed, where a client met it: a service that lets it
    pass tells its own caller no more than the code. ``instance`` is the id of the one that was
    called, where a client had found it by a registry.
    """

    def __init__(
        self,
        code: Code,
        message: str,
        *,
        sent: Sent = Sent.ANSWERED,
        violations: tuple[Violation, ...] = (),
        retry_after: float | None = None,
        fault: str | None = None,
        members: dict[str, Any] | None = None,
        status: int | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.sent = sent
        self.violations = violations
        self.retry_after = retry_after
        self.fault = fault
        self.members = members or {}
        self.status = status or code.status
        self.headers = headers
        self.origin: str | None = None
        self.instance: str | None = None

    @property
    def retryable(self) -> bool:
        """Whether the same call, sent again unchanged, may succeed: the code's to say.

        Whether sending it again is harmless is another question, answered by ``sent`` and by the
        operation: what was never sent, or is idempotent, has no second effect.
        """
        return self.code.retryable

    def __repr__(self) -> str:
        return f"Failure({self.code.value}, {self.message!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.code, self.message), self.__dict__)
