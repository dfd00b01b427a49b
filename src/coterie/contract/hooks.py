"""Marks on methods: what to run at start, at stop, and once per database."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

__all__ = ["hook_of", "hooks", "on_start", "on_stop", "seed"]

F = TypeVar("F", bound=Callable[[Any], Awaitable[None]])

_MARK = "__coterie_hook__"


def on_start(method: F) -> F:
    """Run this method before the service takes its first call."""
    return _mark(method, "start")


def on_stop(method: F) -> F:
    """Run this method after the service has finished its last call."""
    return _mark(method, "stop")


def seed(method: F) -> F:
    """Run this method once per database, in one unit of work, after the migrations."""
    return _mark(method, "seed")


def hooks(instance: object, kind: str) -> tuple[Callable[[], Awaitable[None]], ...]:
    """The bound methods of ``instance`` marked ``"start"``, ``"stop"`` or ``"seed"``.

    In the order in which the class declares them, inherited ones first.
    """
    names: dict[str, None] = {}
    for cls in reversed(type(instance).__mro__):
        names.update((name, None) for name, value in vars(cls).items() if hook_of(value) == kind)
    return tuple(getattr(instance, name) for name in names)


def hook_of(method: Any) -> str | None:
    """What a function is marked for: ``"start"``, ``"stop"``, ``"seed"`` or nothing."""
    found = getattr(method, _MARK, None)
    return found if isinstance(found, str) else None


def _mark(method: F, kind: str) -> F:
    setattr(method, _MARK, kind)
    return method
