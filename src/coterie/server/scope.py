"""Scope: what belongs to one call being served, and ends with it."""

from collections.abc import Coroutine
from typing import Any, TypeVar

from coterie.call import Spawner, spawning
from coterie.contract import Event, Wire

__all__ = ["Buffered", "Scope", "Unheard"]

T = TypeVar("T")


class Scope:
    """One call of one host: who runs its background work, and what it has emitted so far.

    Events leave only once the call has succeeded: a call that fails has told nobody anything.
    """

    __slots__ = ("_events", "_host")

    def __init__(self, host: Spawner) -> None:
        self._host = host
        self._events: list[tuple[Wire, Event[Any], Any]] | None = None

    def spawn(self, work: Coroutine[Any, Any, T], name: str | None) -> Any:
        """Run ``work`` beside the call, for as long as the host."""
        return self._host.spawn(work, name)

    def keep(self, wire: Wire, event: Event[Any], payload: Any) -> None:
        """Hold an event back until the call has succeeded."""
        if self._events is None:
            self._events = []
        self._events.append((wire, event, payload))

    @property
    def told(self) -> bool:
        """Whether anything was emitted."""
        return self._events is not None

    async def tell(self) -> None:
        """Hand over what was emitted, in its order."""
        for wire, event, payload in self._events or ():
            await wire.emit(event, payload)


class Buffered:
    """The wire a service sees: holds events back within calls, hands them on outside of them."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def emit(self, event: Event[Any], payload: Any) -> None:
        """Take ``payload`` over; it leaves when the present call has succeeded."""
        scope = spawning.get()
        if isinstance(scope, Scope):
            scope.keep(self._wire, event, payload)
        else:
            await self._wire.emit(event, payload)


class Unheard:
    """The wire of a service without a bus: counts what was emitted, delivers nothing."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    async def emit(self, event: Event[Any], payload: Any) -> None:
        """Count ``payload``; nobody hears it."""
        self.counts[repr(event)] = self.counts.get(repr(event), 0) + 1
