"""Spans: the latest spans of a process, numbered, so that a reader takes each of them once."""

import time
from collections import deque
from collections.abc import Iterator
from itertools import islice

from msgspec import Struct

from .action import Note
from .span import Span

__all__ = ["SPANS", "Batch", "Spans"]

SPANS = 1024
"""How many spans are kept unless told otherwise."""

_NOTED = 1024
"""Calls under way whose notes are kept."""

_NOTES = 16
"""Notes that one call has at most."""


class Batch(Struct, frozen=True):
    """Spans in the order they ended. ``next`` is what to ask `Spans.after` for next time.

    ``lost`` is how many between had to give way before they were read.
    """

    next: int
    spans: list[Span]
    lost: int = 0


class Spans:
    """A ring of the latest ``keep`` spans. What is too much pushes out the oldest.

    Each has a number, one higher than the one before. Numbers begin at the microsecond the ring
    was made: so a process that starts anew goes on above those it gave before, and its readers
    need to know nothing of it.
    """

    __slots__ = ("_before", "_kept", "last", "noted")

    def __init__(self, keep: int = SPANS) -> None:
        if keep < 1:
            raise ValueError(f"keep={keep}: a ring keeps one span at least")
        self._kept: deque[Span] = deque(maxlen=keep)
        self._before = self.last = time.time_ns() // 1000
        """The number of the latest span; before the first, that of none."""
        self.noted: dict[str, list[Note]] = {}
        """What policies did to calls whose spans are still to come, by their span's id."""

    def append(self, span: Span) -> None:
        """Keep ``span`` as the latest."""
        self._kept.append(span)
        self.last += 1

    def note(self, span_id: str, note: Note) -> None:
        """Keep ``note`` for the span with this id, which will come when its call has ended.

        Of calls that leave no span, because nothing left the process, the oldest notes give way.
        """
        notes = self.noted.get(span_id)
        if notes is None:
            if len(self.noted) >= _NOTED:
                del self.noted[next(iter(self.noted))]
            notes = self.noted[span_id] = []
        if len(notes) < _NOTES:
            notes.append(note)

    def notes_of(self, span_id: str) -> tuple[Note, ...]:
        """What was noted for a span that comes now."""
        return tuple(self.noted.pop(span_id, ()))

    @property
    def keep(self) -> int:
        """How many spans are kept at most."""
        return self._kept.maxlen or 0

    def after(self, number: int = 0, limit: int = SPANS) -> Batch:
        """The oldest ``limit`` of those kept whose number is above ``number``.

        A number that was never given counts as 0: the clock was set back between two lives.
        """
        first = self.last - len(self._kept)  # the number before the oldest
        if number > self.last:
            number = 0
        begin = max(number, first)
        spans = list(islice(self._kept, begin - first, begin - first + limit))
        return Batch(begin + len(spans), spans, max(0, first - max(number, self._before)))

    def __iter__(self) -> Iterator[Span]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)

    def __getitem__(self, index: int) -> Span:
        return self._kept[index]
