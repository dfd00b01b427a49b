"""Event: what a service tells others, without knowing who listens."""

from collections.abc import Callable, Coroutine
from typing import Any, Generic, Protocol, TypeVar, overload

__all__ = ["Emit", "Event", "Wire", "attach", "heard_by", "on", "subscriptions"]

E = TypeVar("E")
E2 = TypeVar("E2")
E3 = TypeVar("E3")
S = TypeVar("S")

_ATTRIBUTE = "_coterie_wire"
_MARK = "__listens__"


class Wire(Protocol):
    """Where an instance's events go. The host attaches one to the service it is handed."""

    async def emit(self, event: "Event[Any]", payload: Any) -> None:
        """Take ``payload`` over; returns once it is recorded."""
        ...


class Emit(Generic[E]):
    """An event bound to one service instance: call it to publish."""

    __slots__ = ("_event", "_instance")

    def __init__(self, event: "Event[E]", instance: object) -> None:
        self._event = event
        self._instance = instance

    async def __call__(self, payload: E) -> None:
        """Publish ``payload``.

        Raises `TypeError` for a payload of another type, and `RuntimeError` when this instance
        is not hosted.
        """
        if not isinstance(payload, self._event.payload):
            raise TypeError(
                f"{self._event} carries {self._event.payload.__name__},"
                f" not {type(payload).__name__}"
            )
        wire: Wire | None = self._instance.__dict__.get(_ATTRIBUTE)
        if wire is None:
            raise RuntimeError(
                f"{self._event} cannot be published: no host runs this"
                f" {type(self._instance).__name__}. Start it with `coterie up`, or wrap it in"
                " `recording(...)` in a test"
            )
        await wire.emit(self._event, payload)


class Event(Generic[E]):
    """A promise to publish payloads of one type.

    On the contract class it is the event itself, for ``@on(Orders.placed)``; on an instance it
    is an `Emit`, for ``await self.placed(...)``.
    """

    def __init__(self, payload: type[E], *, deprecated: bool | str = False) -> None:
        self.payload = payload
        self.deprecated = deprecated
        self.name = ""
        self.owner: type | None = None

    def __set_name__(self, owner: type, name: str) -> None:
        self.owner = owner
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> "Event[E]": ...
    @overload
    def __get__(self, instance: object, owner: type) -> Emit[E]: ...
    def __get__(self, instance: object | None, owner: type) -> "Event[E] | Emit[E]":
        return self if instance is None else Emit(self, instance)

    def __repr__(self) -> str:
        owner = self.owner.__name__ if self.owner else "?"
        return f"{owner}.{self.name}"


def attach(instance: object, wire: Wire) -> None:
    """Give ``instance`` the wire its events go to."""
    instance.__dict__[_ATTRIBUTE] = wire


Listener = Callable[[S, E], Coroutine[Any, Any, None]]
Mark = Callable[[Listener[S, E]], Listener[S, E]]


@overload
def on(event: Event[E], /) -> Mark[S, E]: ...
@overload
def on(event: Event[E], second: Event[E2], /) -> Mark[S, E | E2]: ...
@overload
def on(event: Event[E], second: Event[E2], third: Event[E3], /) -> Mark[S, E | E2 | E3]: ...
def on(*events: Event[Any]) -> Mark[S, Any]:
    """Mark a method as a listener; it takes the payload and returns nothing.

    Of several events it takes the payload of any: ``@on(Orders.placed, Orders.dropped)``. A
    subclass that overrides it without ``@on`` listens to the same ones.
    """

    def mark(method: Listener[S, Any]) -> Listener[S, Any]:
        setattr(method, _MARK, (*heard_by(method), *events))
        return method

    return mark


def heard_by(method: Any) -> tuple[Event[Any], ...]:
    """The events a function is marked to listen to."""
    found = getattr(method, _MARK, ())
    return found if isinstance(found, tuple) else ()


def subscriptions(cls: type) -> dict[str, tuple[Event[Any], ...]]:
    """The listeners of ``cls``: name of the method -> the events it hears."""
    found: dict[str, tuple[Event[Any], ...]] = {}
    for base in reversed(cls.__mro__):
        found.update(
            (name, heard) for name, value in vars(base).items() if (heard := heard_by(value))
        )
    return found
