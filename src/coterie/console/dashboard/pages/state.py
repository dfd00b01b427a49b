"""Pieces that several pages show: states, links to traces, lines of a log, empty places."""

import re
import zlib
from collections.abc import Iterable

from coterie.console.dashboard.html import Child, Html, joined, tag
from coterie.console.dashboard.line import Line, level_name
from coterie.console.dashboard.words import clock, short_id

__all__ = [
    "SHADES",
    "code",
    "empty",
    "line_row",
    "process_link",
    "shade",
    "state",
    "tone",
    "trace_link",
]

_TONES = {
    "up": "ok",
    "starting": "warn",
    "draining": "warn",
    "restarting": "warn",
    "stuck": "bad",
    "crashed": "bad",
    "stopped": "idle",
    "closed": "ok",
    "half-open": "warn",
    "open": "bad",
    "enough": "ok",
    "spent": "warn",
}
_TRACE = re.compile(r"(?<![0-9a-f])([0-9a-f]{32})(?![0-9a-f])")
SHADES = 6
"""How many colours there are to tell names apart."""


def tone(word: str) -> str:
    """The colour class of a state."""
    return _TONES.get(word, "idle")


def state(word: str, note: str = "") -> Html:
    """A state as a dot and a word: never by colour alone."""
    told = tag("span", word, class_=f"state {tone(word)}")
    return joined(told, tag("span", note, class_="note")) if note else told


def code(word: str | None) -> Html:
    """How a call ended."""
    if word is None:
        return tag("span", "ok", class_="quiet")
    return tag("span", word.replace("_", " "), class_="code bad")


def process_link(name: str) -> Html:
    """A process's name, leading to its page."""
    return tag("a", name, href=f"/console/processes/{name}")


def trace_link(trace_id: str) -> Html:
    """The beginning of a trace's id, leading to it."""
    return tag("a", short_id(trace_id), href=f"/console/traces/{trace_id}", class_="mono")


def empty(*words: Child) -> Html:
    """Why there is nothing to see, and what to do about it."""
    return tag("p", *words, class_="empty")


def shade(name: str) -> str:
    """One of six classes by which names are told apart, always the same for a name."""
    return f"shade{zlib.crc32(name.encode()) % SHADES}"


def line_row(line: Line) -> Html:
    """One line of a log."""
    level = level_name(line.level)
    return tag(
        "li",
        tag("span", clock(line.at), class_="at"),
        tag("span", line.source, class_=f"source {shade(line.source)}"),
        tag("span", level or "·", class_="level"),
        tag("span", _linked(line.text), class_="text"),
        class_=f"line {level}".rstrip(),
    )


def _linked(text: str) -> Iterable[Html | str]:
    # Every second piece is what the pattern found.
    for number, piece in enumerate(_TRACE.split(text)):
        if number % 2 == 0:
            yield piece
        else:
            yield tag("a", piece, href=f"/console/traces/{piece}", class_="trace")
