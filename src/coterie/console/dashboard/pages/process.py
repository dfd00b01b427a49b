"""/console/processes/<name>: one process, now and over the last hours."""

import sqlite3
import time
from collections.abc import Callable, Sequence

from coterie.console.dashboard.drawing import chart
from coterie.console.dashboard.history import Sample
from coterie.console.dashboard.html import Html, joined, tag
from coterie.console.dashboard.known import Asked, Content, Known
from coterie.console.dashboard.line import Line
from coterie.console.dashboard.records import LineFilter, latest_lines, samples
from coterie.console.dashboard.words import NOTHING, span_of_time
from coterie.console.row import Row

from .missing import missing_page
from .state import empty, line_row, state

__all__ = ["process_page"]

_HOURS = (1, 6, 24)
_POINTS = 360
_LINES = 40


async def process_page(known: Known, asked: Asked) -> Content:
    """Facts, charts and the latest lines of a process."""
    name = asked.rest
    row = next((row for row in known.live.held if row.name == name), None)
    hours = next((h for h in _HOURS if str(h) == asked.query.get("hours")), 1)
    end = time.time()

    def look(database: sqlite3.Connection) -> tuple[list[Sample], list[Line]]:
        lines = latest_lines(database, LineFilter(source=name), _LINES)
        return samples(database, end - hours * 3600, [name]), lines

    taken, lines = await known.history.read(look)
    if row is None and not taken and not lines:
        way = tag("a", "See those there are", href="/console")
        return missing_page(f"No process is called {name!r}", "Overview", way)
    more = tag("a", "All", href=f"/console/logs?process={name}", class_="more")
    log = (
        tag("ol", *map(line_row, lines), class_="log short")
        if lines
        else empty("It wrote nothing.")
    )
    back = tag("p", tag("a", "Overview", href="/console"), class_="crumbs")
    return Content(
        title=name,
        section="Overview",
        head=joined(back, tag("h1", name)),
        parts={
            "facts": _facts(row),
            "range": _ranges(asked.path, hours),
            "charts": _charts(taken, end - hours * 3600, end, serving=_serves(row, taken)),
            "lines": tag("section", tag("h2", "Log", more), log, class_="panel"),
        },
    )


def _facts(row: Row | None) -> Html:
    if row is None:
        return empty("This process is gone; what follows is from the time it was there.")
    facts: list[tuple[str, Html | str]] = [
        ("State", state(row.state, row.note)),
        ("Kind", row.kind),
        ("Services", ", ".join(row.services) or NOTHING),
        ("Process id", str(row.pid or NOTHING)),
        ("Address", tag("span", row.address or NOTHING, class_="mono")),
        ("Version", row.version or NOTHING),
        ("Running for", span_of_time(row.age)),
        ("Restarts", str(row.restarts)),
        ("Calls answered", f"{row.calls:,}"),
    ]
    listed = [tag("div", tag("dt", name), tag("dd", value)) for name, value in facts]
    return tag("dl", *listed, class_="facts")


def _ranges(path: str, chosen: int) -> Html:
    links = [
        tag("a", f"{h} h", href=f"{path}?hours={h}", aria_current="true" if h == chosen else None)
        for h in _HOURS
    ]
    return tag("nav", *links, class_="choice", aria_label="Time shown")


def _serves(row: Row | None, taken: Sequence[Sample]) -> bool:
    return any(s.rate > 0 or s.in_flight for s in taken) or (
        row is not None and row.kind == "service"
    )


def _charts(taken: Sequence[Sample], begin: float, end: float, *, serving: bool) -> Html:
    wanted: list[tuple[str, Callable[[Sample], float | None], Callable[[float], str]]] = []
    if serving:
        wanted.append(("Calls per second", lambda s: s.rate, _plain))
        wanted.append(("Calls in flight", lambda s: float(s.in_flight), _plain))
    wanted.append(("Memory", _mebibytes, lambda value: f"{value:,.4g} MiB"))
    width = (end - begin) / _POINTS
    figures = []
    for title, measure, unit in wanted:
        points = _thinned([(s.at, v) for s in taken if (v := measure(s)) is not None], width)
        drawn = chart(points, begin, end, title, unit)
        figures.append(tag("figure", tag("figcaption", title), drawn))
    return tag("div", *figures, class_="charts")


def _mebibytes(sample: Sample) -> float | None:
    return None if sample.memory is None else sample.memory / 2**20


def _plain(value: float) -> str:
    return f"{value:,.4g}"


def _thinned(points: Sequence[tuple[float, float]], width: float) -> list[tuple[float, float]]:
    """The mean of the points in each stretch of ``width`` seconds."""
    stretches: dict[int, list[tuple[float, float]]] = {}
    for at, value in points:
        stretches.setdefault(int(at / width), []).append((at, value))
    return [
        (sum(at for at, _ in some) / len(some), sum(value for _, value in some) / len(some))
        for some in stretches.values()
    ]
