"""/console/logs: what the processes write, as they write it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence

from coterie.console.dashboard.html import Html, joined, tag
from coterie.console.dashboard.known import Asked, Content, Known
from coterie.console.dashboard.line import LEVELS, Line
from coterie.console.dashboard.records import LineFilter, latest_lines, names
from coterie.console.dashboard.sse import Event, part

from .frame import notice
from .state import empty, line_row

__all__ = ["logs_page", "logs_stream"]

_MANY = 300
_LONGEST = 200
_GATHER = 0.2
_LONGEST_SILENCE = 5.0


async def logs_page(known: Known, asked: Asked) -> Content:
    """The latest lines, with a filter; `logs_stream` goes on from there."""
    wanted = _filter(asked)

    def look(database: sqlite3.Connection) -> tuple[list[Line], list[str]]:
        return latest_lines(database, wanted, _MANY), names(database)

    lines, sources = await known.history.read(look)
    sources = sorted({*sources, *(row.name for row in known.live.held)})
    last = lines[-1].id if lines else 0
    tail = tag(
        "ol",
        *map(line_row, lines),
        class_="log tail",
        id="tail",
        data_last=last,
        tabindex=0,
        aria_label="Log lines, the latest last",
    )
    nothing = None
    if not lines:
        nothing = empty("No line that is kept matches." if asked.query else "No line has come yet.")
    return Content(
        title="Logs",
        section="Logs",
        head=joined(tag("h1", "Logs"), _form(wanted, asked, sources)),
        parts={"log": joined(nothing, tail)},
    )


async def logs_stream(known: Known, asked: Asked) -> AsyncIterator[Event]:
    """New lines as they come, several in one event where they come fast.

    Begins after the line that the browser has; ends for one that cannot keep up, who comes again
    and goes on with the latest.
    """
    wanted = _filter(asked)
    told = ""
    with known.live.listening() as queue:
        after = _whole_number(asked.after or asked.query.get("after", ""))
        missed = await known.history.read(
            lambda database: latest_lines(database, wanted, _MANY, after)
        )
        if missed:
            after = missed[-1].id
            yield _event(missed)
        while known.live.hears(queue):
            news = notice(known)
            if news != told:
                told = news
                yield part("notice", news)
            try:
                async with asyncio.timeout(_LONGEST_SILENCE):
                    lines = [await queue.get()]
            except TimeoutError:
                continue
            await asyncio.sleep(_GATHER)
            while not queue.empty():
                lines.append(queue.get_nowait())
            lines = [line for line in lines if line.id > after and wanted.holds(line)]
            if lines:
                yield _event(lines)


def _event(lines: Sequence[Line]) -> Event:
    return Event("lines", joined(*map(line_row, lines[-_MANY:])), str(lines[-1].id))


def _filter(asked: Asked) -> LineFilter:
    return LineFilter(
        source=asked.query.get("process", "")[:_LONGEST],
        level=LEVELS.get(asked.query.get("level", ""), 0),
        text=asked.query.get("text", "").strip()[:_LONGEST],
    )


def _whole_number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 16 else 0


def _form(wanted: LineFilter, asked: Asked, sources: Sequence[str]) -> Html:
    processes = [tag("option", "All processes", value="")]
    processes += [
        tag("option", name, value=name, selected=name == wanted.source) for name in sources
    ]
    levels = [tag("option", "All levels", value="")]
    levels += [
        tag("option", f"{name} and above", value=name, selected=number == wanted.level)
        for name, number in list(LEVELS.items())[1:]
    ]
    return tag(
        "form",
        tag("label", tag("span", "Process"), tag("select", *processes, name="process")),
        tag("label", tag("span", "Level"), tag("select", *levels, name="level")),
        tag(
            "label",
            tag("span", "Text"),
            tag("input", name="text", value=wanted.text, type="search", size=22),
        ),
        tag("button", "Filter"),
        tag("a", "Clear", href=asked.path, class_="quiet") if asked.query else None,
        tag("button", "Pause", id="pause", type="button", hidden=True, aria_pressed="false"),
        class_="filter",
        role="search",
    )
