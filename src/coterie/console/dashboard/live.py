"""Live: what the system does at this moment, and who wants to be told."""

import asyncio
import time
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import contextmanager

from coterie.console.control import Catalogue
from coterie.console.row import Row

from .history import History, Sample
from .line import Line, read_line
from .port import Action, Reading, Source, Span
from .protections import Protections
from .records import samples

__all__ = ["EVERY", "POINTS", "Live", "Trend"]

EVERY = 5
"""Seconds between two samples."""

POINTS = 60
"""How many of them a trend has."""

_FRESH_CATALOGUE = 10.0
_SHORTEST = 0.8
_MOST_WAITING_LINES = 2000
_MOST_SOURCES = 1000


class Trend:
    """Calls a second of one process, now and over the last five minutes."""

    __slots__ = ("_calls", "_first", "_seen", "_seen_at", "_since", "_start", "points", "rate")

    def __init__(self) -> None:
        self.points: deque[float] = deque(maxlen=POINTS)
        self.rate = 0.0
        self._calls: int | None = None
        self._since = 0.0
        self._first = 0
        self._start = 0.0
        self._seen = 0
        self._seen_at = 0.0

    def note(self, calls: int, now: float) -> None:
        """``calls`` were answered since the process started; fewer than before: it started anew."""
        if self._calls is None:
            self._first, self._start = calls, now
            self._calls, self._since = calls, now
            self._seen, self._seen_at = calls, now
            return
        if calls < self._calls:
            self._first, self._seen = 0, 0
        self._calls, self._since = calls, now
        # Over less than a second a rate says more about the clock than about the calls.
        passed = now - self._seen_at
        if passed >= _SHORTEST:
            self.rate = (calls - self._seen) / passed
            self._seen, self._seen_at = calls, now

    def sample(self) -> float:
        """The mean since the last sample, which becomes the trend's next point."""
        passed = self._since - self._start
        rate = ((self._calls or 0) - self._first) / passed if passed > 0 else self.rate
        self._first, self._start = self._calls or 0, self._since
        self.points.append(rate)
        return rate


class Live:
    """What is known now; an `Audience` of its source.

    ``rows`` are as they were at ``at`` (seconds since 1970); ``away`` says why the system cannot
    be seen, ``""`` while it can.
    """

    def __init__(self, source: Source, history: History) -> None:
        self._source = source
        self._history = history
        self.at = 0.0
        self.away_since: str = "nothing has been heard of the system yet"
        self.held: Sequence[Row] = ()
        self.trends: dict[str, Trend] = {}
        self.spans_seen = 0
        self.lines_seen = 0
        self.spans_lost = 0
        self.protections = Protections()
        self._latest: dict[str, Line] = {}
        self._sampled = 0
        self._turn = asyncio.Event()
        self._watchers = 0
        self._readers: set[asyncio.Queue[Line]] = set()
        self._catalogue: Catalogue | None = None
        self._asked = 0.0

    async def recall(self) -> None:
        """Take up the trends where the history has them."""
        since = time.time() - EVERY * POINTS
        for sample in await self._history.read(lambda database: samples(database, since)):
            self.trends.setdefault(sample.name, Trend()).points.append(sample.rate)

    # --- what the source tells ------------------------------------------------------------------

    def rows(self, rows: Sequence[Row]) -> None:
        """Every process at this moment."""
        now = time.time()
        self.held, self.at, self.away_since = rows, now, ""
        self.protections.keep({row.name for row in rows})
        for row in rows:
            self.trends.setdefault(row.name, Trend()).note(row.calls, now)
        self._sampled = self._sampled or int(now)
        if int(now) - self._sampled >= EVERY:
            self._sample(int(now))
        self._tell()

    def line(self, source: str, line: str) -> None:
        """A process has logged a line."""
        if len(self._latest) > _MOST_SOURCES:
            self._latest.clear()
        known = read_line(self._history.next_line(), source, line, self._latest.get(source))
        self._latest[source] = known
        self._history.add_line(known)
        self.lines_seen += 1
        for reader in list(self._readers):
            try:
                reader.put_nowait(known)
            except asyncio.QueueFull:
                self._readers.discard(reader)

    def spans(self, spans: Sequence[Span]) -> None:
        """Calls that have ended."""
        self.spans_seen += len(spans)
        self._history.add_spans(spans)

    def lost(self, number: int) -> None:
        """So many calls have ended that nobody will be told of."""
        self.spans_lost += number

    def policies(self, instance: str, actions: Sequence[Action], states: Sequence[Reading]) -> None:
        """What policies have done in an instance, and how they stand."""
        self.protections.note(instance, actions, states, time.time())

    def away(self, why: str) -> None:
        """Nothing can be told for now."""
        if self.away_since != why:
            self.away_since = why
            self._tell()

    # --- what pages ask -------------------------------------------------------------------------

    async def catalogue(self) -> Catalogue | None:
        """What the system promises, asked again after ten seconds; the last known if it is away."""
        now = time.monotonic()
        if self._catalogue is None or now - self._asked > _FRESH_CATALOGUE:
            found = await self._source.catalogue()
            if found is not None:
                self._catalogue, self._asked = found, now
        return self._catalogue

    @property
    def turn(self) -> asyncio.Event:
        """Is set when something has changed since it was taken from here."""
        return self._turn

    @contextmanager
    def watched(self) -> Generator[None]:
        """Somebody looks while this is open."""
        self._watchers += 1
        if self._watchers == 1:
            self._source.heed(watched=True)
        try:
            yield
        finally:
            self._watchers -= 1
            if self._watchers == 0:
                self._source.heed(watched=False)

    @contextmanager
    def listening(self) -> Generator[asyncio.Queue[Line]]:
        """A queue of the lines from here on. Who falls 2,000 behind gets no more; see `hears`."""
        reader: asyncio.Queue[Line] = asyncio.Queue(_MOST_WAITING_LINES)
        self._readers.add(reader)
        try:
            yield reader
        finally:
            self._readers.discard(reader)

    def hears(self, reader: asyncio.Queue[Line]) -> bool:
        """Whether ``reader`` still gets every line."""
        return reader in self._readers

    def _sample(self, now: int) -> None:
        self._sampled = now
        known = {row.name: row for row in self.held}
        self._history.add_samples(
            [
                Sample(name, now, round(self.trends[name].sample(), 3), row.in_flight, row.memory)
                for name, row in known.items()
            ]
        )
        for name in self.trends.keys() - known.keys():
            del self.trends[name]

    def _tell(self) -> None:
        turn, self._turn = self._turn, asyncio.Event()
        turn.set()
