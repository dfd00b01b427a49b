"""Meter: what a service's calls cost and how they end, counted on the hot path."""

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping

from msgspec import Struct

from coterie.call import Call
from coterie.contract import Code, Operation

from .action import Action, Note, Read, Reading
from .ring import Spans
from .span import Kind, Span

__all__ = ["BOUNDS", "Meter", "Series"]

BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the latency buckets, in seconds."""


class Series(Struct, frozen=True):
    """The calls of one operation that ended one way, and how long they took.

    ``buckets`` has the calls that took no longer than each of `BOUNDS` and longer than the one
    before, and last those beyond; ``seconds`` is the sum of all.
    """

    operation: str
    version: str
    code: Code | None
    buckets: tuple[int, ...]
    seconds: float

    @property
    def count(self) -> int:
        """How many calls."""
        return sum(self.buckets)


class _Count:
    __slots__ = ("buckets", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0


_Counts = dict[tuple[Operation, Code | None], _Count]


class Meter:
    """Counts calls by operation and code (``None``: succeeded): those served, and those made.

    ``service`` is whose calls they are. ``spans`` takes the span of each, as far as its trace is
    sampled; the meters of one process may share it.
    """

    def __init__(self, service: str = "", spans: Spans | None = None) -> None:
        self.service = service
        self.spans = Spans() if spans is None else spans
        self.since = time.time()
        """When counting began, in seconds since 1970."""
        self._counts: Mapping[Kind, _Counts] = {"server": {}, "client": {}}
        self._served: _Counts = self._counts["server"]
        self._made: _Counts = self._counts["client"]
        self._actions: Counter[tuple[str, str, str]] = Counter()
        self._followed: dict[str, Read] = {}
        self._watched: dict[tuple[str, str], Read] = {}

    def note(self, call: Call, code: Code | None, seconds: float) -> None:
        """Count one call that was served, and keep its span."""
        operation, trace = call.operation, call.context.trace
        if trace.sampled:
            notes = self.spans.notes_of(trace.span_id) if self.spans.noted else ()
            self.spans.append(
                Span(operation.id, trace, time.time(), seconds, code, "server", self.service, notes)
            )
        count = self._served.get((operation, code))
        if count is None:
            count = self._served[operation, code] = _Count()
        count.buckets[bisect_left(BOUNDS, seconds)] += 1
        count.seconds += seconds

    def note_made(self, call: Call, code: Code | None, seconds: float) -> None:
        """Count one call that was made over a network, and keep its span."""
        operation, trace = call.operation, call.context.trace
        if trace.sampled:
            notes = self.spans.notes_of(trace.span_id) if self.spans.noted else ()
            self.spans.append(
                Span(operation.id, trace, time.time(), seconds, code, "client", self.service, notes)
            )
        count = self._made.get((operation, code))
        if count is None:
            count = self._made[operation, code] = _Count()
        count.buckets[bisect_left(BOUNDS, seconds)] += 1
        count.seconds += seconds

    def tally(self, policy: str, what: str, call: Call, detail: str = "") -> None:
        """Count what a policy did to ``call``, and note it on its span. A `coterie.policy.Tally`."""
        self._actions[policy, what, call.operation.id] += 1
        trace = call.context.trace
        if trace.sampled:
            self.spans.note(trace.span_id, Note(time.time(), policy, what, detail))

    def follow(self, policy: str, read: Read) -> None:
        """Let ``read`` tell how often ``policy`` did what, where it counts itself.

        For what is done before there is a call: a request that is refused unread, say.
        """
        self._followed[policy] = read

    def actions(self) -> list[Action]:
        """What policies did so far, by policy, operation and what."""
        found = [Action(*key, number) for key, number in self._actions.items()]
        for policy, read in self._followed.items():
            told = ((what, int(number)) for what, number in read().items())
            found += [Action(policy, what, "", number) for what, number in told if number]
        return sorted(found, key=lambda one: (one.policy, one.operation, one.what))

    def watch(self, policy: str, of: str, read: Read) -> None:
        """Let ``read`` tell how ``policy`` stands about ``of`` whenever somebody asks."""
        self._watched[policy, of] = read

    def readings(self) -> list[Reading]:
        """How the policies that are watched stand now."""
        return [
            Reading(policy, of, name, value)
            for (policy, of), read in sorted(self._watched.items())
            for name, value in read().items()
        ]

    def calls(self, operation: str, code: Code | None = None, *, kind: Kind = "server") -> int:
        """How many calls of the operation with this id ended with ``code``."""
        return sum(
            s.count for s in self.series(kind) if s.operation == operation and s.code is code
        )

    @property
    def total(self) -> int:
        """How many calls were served."""
        return sum(sum(count.buckets) for count in list(self._served.values()))

    def series(self, kind: Kind = "server") -> list[Series]:
        """What was counted, sorted by operation, version and code; success comes first."""
        found: dict[tuple[str, str, str], Series] = {}
        for (operation, code), count in self._counts[kind].items():
            key = (operation.id, operation.major, "" if code is None else code.value)
            buckets, seconds = tuple(count.buckets), count.seconds
            other = found.get(key)
            if other is not None:
                # A process may hold two copies of a contract; the calls are of one operation.
                buckets = tuple(a + b for a, b in zip(buckets, other.buckets, strict=True))
                seconds += other.seconds
            found[key] = Series(key[0], key[1], code, buckets, seconds)
        return [found[key] for key in sorted(found)]
