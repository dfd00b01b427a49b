"""hold(): "call first, then write", made impossible to forget.

A unit of work that has begun to write holds locks. An outgoing call at that moment would keep
them for as long as another service takes. The store notes the hold here; the client looks.
"""

from collections.abc import Callable
from contextvars import ContextVar

__all__ = ["held", "hold", "separate"]


class _Held:
    __slots__ = ("outer", "reasons")

    def __init__(self, outer: "_Held | None") -> None:
        self.outer = outer
        self.reasons: dict[object, str] = {}


_held: ContextVar[_Held | None] = ContextVar("coterie_held", default=None)


def separate() -> Callable[[], None]:
    """Begin a scope of its own, for one unit of work; returns what ends it.

    Holds of the scopes around it count within it.
    """
    token = _held.set(_Held(_held.get()))
    return lambda: _held.reset(token)


def hold(reason: str) -> Callable[[], None]:
    """Forbid outgoing calls in the present scope, for ``reason``; returns what allows them again.

    Seen by every task of the scope, whichever of them began to write. Of several holds, each is
    ended by its own return value alone.
    """
    scope = _held.get()
    if scope is None:
        scope = _Held(None)
        _held.set(scope)
    key = object()
    scope.reasons[key] = reason

    def release() -> None:
        scope.reasons.pop(key, None)

    return release


def held() -> str | None:
    """Why no call may leave now, or ``None``."""
    scope = _held.get()
    while scope is not None:
        for reason in scope.reasons.values():
            return reason
        scope = scope.outer
    return None
