"""What the dashboard needs of the system it shows: a source, and whom the source tells."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from coterie.console.control import Catalogue
from coterie.console.row import Row

__all__ = ["Action", "Audience", "Batch", "Note", "Reading", "Source", "Span"]


class Note(Struct, frozen=True, kw_only=True):
    """What ``policy`` did to one call, in its own words: ``retry``, ``retried``, ``unavailable``."""

    policy: str
    what: str
    detail: str = ""


class Span(Struct, frozen=True, kw_only=True):
    """One call as one of its two ends told it.

    ``kind`` is ``server`` or ``client``, ``service`` who recorded it; ``ended`` seconds since
    1970, ``seconds`` what it took, ``code`` what went wrong, ``None`` where nothing did;
    ``parent`` the span that caused it, ``None`` at the root of a trace; ``notes`` what policies
    did to the call, in their order.
    """

    operation: str
    kind: str
    service: str
    trace_id: str
    span_id: str
    parent: str | None = None
    ended: float
    seconds: float
    code: str | None = None
    notes: tuple[Note, ...] = ()

    @property
    def began(self) -> float:
        """When it began, in seconds since 1970."""
        return self.ended - self.seconds


class Action(Struct, frozen=True, kw_only=True):
    """How often ``policy`` did ``what`` to calls of ``operation``, which ``service`` made or served.

    ``count`` goes up for as long as the process lives; ``operation`` is empty where a request was
    refused before anybody read what it asks for.
    """

    service: str
    policy: str
    what: str
    operation: str = ""
    count: int


class Reading(Struct, frozen=True, kw_only=True):
    """How a policy of ``service`` stands: ``name`` is what is told, ``of`` the service it is about."""

    service: str
    policy: str
    of: str
    name: str
    value: float


class Batch(Struct, frozen=True, kw_only=True):
    """What ``GET /telemetry?after=N`` answers; ``next`` is the N of the next question.

    ``lost`` is how many spans had to give way before they were read.
    """

    next: int
    spans: tuple[Span, ...] = ()
    lost: int = 0
    policies: tuple[Action, ...] = ()
    states: tuple[Reading, ...] = ()


class Audience(Protocol):
    """Is told what happens, in the event loop; never raises and never waits."""

    def rows(self, rows: Sequence[Row]) -> None:
        """Every process at this moment; about once a second."""
        ...

    def line(self, source: str, line: str) -> None:
        """The process ``source`` has logged ``line``, as it wrote it."""
        ...

    def spans(self, spans: Sequence[Span]) -> None:
        """Calls that have ended, in any order."""
        ...

    def lost(self, number: int) -> None:
        """So many calls have ended that nobody will be told of."""
        ...

    def policies(self, instance: str, actions: Sequence[Action], states: Sequence[Reading]) -> None:
        """What policies have done in ``instance`` so far, and how they stand."""
        ...

    def away(self, why: str) -> None:
        """Nothing can be told for now; the next `rows` say that it can again."""
        ...


class Source(Protocol):
    """A running system, as the dashboard sees it. A component: `start` and `stop`."""

    async def start(self, audience: Audience) -> None:
        """Tell ``audience`` from here on, until `stop`; whether the system answers yet or not."""
        ...

    async def stop(self) -> None:
        """Tell nothing more; never raises."""
        ...

    def heed(self, *, watched: bool) -> None:
        """Somebody looks from now on, or nobody does: then it may tell later."""
        ...

    async def catalogue(self) -> Catalogue | None:
        """What the system promises and which calls it saw; ``None`` while it cannot be told."""
        ...

    async def metrics(self) -> Sequence[tuple[str, bytes]]:
        """The Prometheus text of each instance that answers, by the instance's name."""
        ...
