"""hold(): "call first, then write", made impossible to forget.

A unit of work that has begun to write holds locks. An outgoing call at that moment would keep
them for as long as another service takes. The store notes the hold here; the client looks.
"""

from collections.abc import Callable
from contextvars import ContextVar

__all__ = ["hold", "held", "separate"]


class _Held:
    __slots__ = ("reason",)

    def __init__(self) -> None:
        self.reason: str | None = None


_held: ContextVar[_Held | None] = ContextVar("coterie_held", default=None)


def separate() -> Callable[[], None]:
    """Begin a scope of its own, for one call; returns what ends it."""
    token = _held.set(_Held())
    return lambda: _held.reset(token)


def hold(reason: str) -> Callable[[], None]:
    """Forbid outgoing calls in the present scope, for ``reason``; returns what allows them again.

    Seen by every task of the scope, whichever of them began to write.
    """
    scope = _held.get()
    if scope is None:
        scope = _Held()
        _held.set(scope)
    scope.reason = reason

    def release() -> None:
        scope.reason = None

    return release


def held() -> str | None:
    """Why no call may leave now, or ``None``."""
    scope = _held.get()
    return None if scope is None else scope.reason
