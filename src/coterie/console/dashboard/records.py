"""Questions to the history: each takes a connection, and is asked through `History.read`."""

import sqlite3
from collections.abc import Sequence

from msgspec import Struct

from .history import Sample
from .line import FURTHER, Line
from .notes import read
from .port import Span

__all__ = [
    "LineFilter",
    "TraceEntry",
    "TraceFilter",
    "latest_lines",
    "latest_spans",
    "latest_traces",
    "lines_of",
    "names",
    "samples",
    "spans_of",
]

_SPAN = "operation, kind, service, trace, span, parent, ended, seconds, code, notes"
_MOST_SPANS = 5000


class TraceFilter(Struct, frozen=True, kw_only=True):
    """Which traces: all that is not empty must hold. ``seconds`` is the least of the whole."""

    service: str = ""
    operation: str = ""
    errors: bool = False
    seconds: float = 0.0
    before: float | None = None


class TraceEntry(Struct, frozen=True, kw_only=True):
    """A trace by its root: what was called, where, how long it took and how it ended.

    ``services`` are those it passed, in the order in which they were reached; ``failed`` says
    that some span of it failed, whatever became of the whole.
    """

    trace_id: str
    ended: float
    service: str
    operation: str
    seconds: float
    code: str | None
    failed: bool
    spans: int
    services: tuple[str, ...]


class LineFilter(Struct, frozen=True, kw_only=True):
    """Which lines: of one process, of a level and above, with a text in it (in any case).

    ``heads`` leaves out those that go on with the line before them.
    """

    source: str = ""
    level: int = 0
    text: str = ""
    heads: bool = False

    def holds(self, line: Line) -> bool:
        """Whether ``line`` is one of these."""
        return (
            (not self.source or line.source == self.source)
            and line.level >= self.level
            and not (self.heads and line.text.startswith(FURTHER))
            and (not self.text or self.text.lower() in line.text.lower())
        )


def latest_traces(
    database: sqlite3.Connection, wanted: TraceFilter, limit: int = 50
) -> list[TraceEntry]:
    """The traces that ended last, the latest first."""
    where, values = ["1"], list[object]()
    if wanted.errors:
        where.append("failed")
    if wanted.seconds > 0:
        where.append("seconds >= ?")
        values.append(wanted.seconds)
    if wanted.before is not None:
        where.append("ended < ?")
        values.append(wanted.before)
    inside = []
    if wanted.service:
        inside.append("s.service = ?")
        values.append(wanted.service)
    if wanted.operation:
        inside.append("s.operation LIKE ? ESCAPE '\\'")
        values.append(_like(wanted.operation))
    if inside:
        inside = ["s.trace = trace.trace", *inside]
        where.append(f"EXISTS (SELECT 1 FROM span s WHERE {' AND '.join(inside)})")  # noqa: S608
    found = database.execute(
        "SELECT trace, ended, service, operation, seconds, code, failed FROM trace"  # noqa: S608
        f" WHERE {' AND '.join(where)} ORDER BY ended DESC LIMIT ?",
        (*values, limit),
    ).fetchall()
    entries = []
    for trace, ended, service, operation, seconds, code, failed in found:
        passed = database.execute(
            "SELECT service, count(*) FROM span WHERE trace = ? GROUP BY service"
            " ORDER BY min(ended - seconds)",
            (trace,),
        ).fetchall()
        entries.append(
            TraceEntry(
                trace_id=trace, ended=ended, service=service, operation=operation,
                seconds=seconds, code=code, failed=bool(failed),
                spans=sum(number for _, number in passed),
                services=tuple(name for name, _ in passed),
            )
        )  # fmt: skip
    return entries


def spans_of(database: sqlite3.Connection, trace_id: str) -> list[Span]:
    """The spans of one trace, at most 5,000, the earliest first."""
    found = database.execute(
        f"SELECT {_SPAN} FROM span WHERE trace = ? ORDER BY ended - seconds LIMIT ?",  # noqa: S608
        (trace_id, _MOST_SPANS),
    )
    return [_span(row) for row in found]


def latest_spans(database: sqlite3.Connection, since: float, limit: int) -> list[Span]:
    """The latest spans, at most ``limit``, as far as they ended after ``since``."""
    found = database.execute(
        f"SELECT {_SPAN} FROM (SELECT * FROM span ORDER BY id DESC LIMIT ?) WHERE ended > ?",  # noqa: S608
        (limit, since),
    )
    return [_span(row) for row in found]


def latest_lines(
    database: sqlite3.Connection, wanted: LineFilter, limit: int = 300, after: int = 0
) -> list[Line]:
    """The latest lines, the oldest of them first; with ``after`` only those with a higher id."""
    where, values = ["id > ?"], list[object]([after])
    if wanted.source:
        where.append("source = ?")
        values.append(wanted.source)
    if wanted.level:
        where.append("level >= ?")
        values.append(wanted.level)
    if wanted.text:
        where.append("text LIKE ? ESCAPE '\\'")
        values.append(_like(wanted.text))
    if wanted.heads:
        where += ["text NOT LIKE ?" for _ in FURTHER]
        values += [f"{beginning}%" for beginning in FURTHER]
    found = database.execute(
        "SELECT id, at, source, level, trace, text FROM line"  # noqa: S608
        f" WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT ?",
        (*values, limit),
    ).fetchall()
    return [Line(*row) for row in reversed(found)]


def lines_of(database: sqlite3.Connection, trace_id: str, limit: int = 500) -> list[Line]:
    """The lines that name one trace, the earliest first."""
    found = database.execute(
        "SELECT id, at, source, level, trace, text FROM line"
        " WHERE trace = ? AND trace != '' ORDER BY at, id LIMIT ?",
        (trace_id, limit),
    )
    return [Line(*row) for row in found]


def names(database: sqlite3.Connection) -> list[str]:
    """The processes of which lines are kept."""
    found = database.execute(
        "SELECT DISTINCT source FROM (SELECT source FROM line ORDER BY id DESC LIMIT 20000)"
        " ORDER BY source"
    )
    return [row[0] for row in found]


def samples(database: sqlite3.Connection, since: float, wanted: Sequence[str] = ()) -> list[Sample]:
    """The samples taken after ``since`` of the processes named, or of all; the oldest first."""
    named = f" AND name IN ({', '.join('?' * len(wanted))})" if wanted else ""
    found = database.execute(
        f"SELECT name, at, rate, in_flight, memory FROM sample WHERE at > ?{named} ORDER BY at",  # noqa: S608
        (since, *wanted),
    )
    return [Sample(*row) for row in found]


def _like(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _span(
    row: tuple[str, str, str, str, str, str | None, float, float, str | None, str | None],
) -> Span:
    operation, kind, service, trace, span, parent, ended, seconds, code, notes = row
    return Span(
        operation=operation, kind=kind, service=service, trace_id=trace, span_id=span,
        parent=parent, ended=ended, seconds=seconds, code=code, notes=read(notes),
    )  # fmt: skip
