"""Line: one line of a process's log, read as far as it can be, and harmless to show."""

import re
import time
from datetime import datetime

import msgspec
from msgspec import Struct

__all__ = ["FURTHER", "LEVELS", "Line", "level_name", "read_line"]

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
"""Levels as `logging` numbers them."""

_LONGEST = 8192
_DAY = 86_400.0

# Sequences that steer a terminal (ECMA-48): CSI, OSC and the like; then whatever steers at all.
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")

# What must not be looked at over a shoulder: bearer tokens, JWTs, passwords in URLs and settings.
_SECRETS = (
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*"), "[token]"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w\-.~+/=]{8,}"), r"\1 [hidden]"),
    (re.compile(r"(?<=://)([^\s/:@]*):[^\s/@]+@"), r"\1:[hidden]@"),
    (
        re.compile(
            r"(?i)\b(password|passwd|secret|api[_-]?key|access_token|refresh_token)(\"?\s*[=:]\s*\"?)[^\s\"&,;}]+"
        ),
        r"\1\2[hidden]",
    ),
)

_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z) ")
_WORD = re.compile(r"(DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL|FATAL) ")
# As nats-server and Envoy begin theirs: "[7] 2026/01/31 08:00:00.000000 [INF] ", and
# "[2026-01-31 08:00:00.000][7][info]".
_ENGINE = re.compile(
    r"\[\d+\] \d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d+ \[([A-Z]{3})\] "
    r"|\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+\]\[\d+\]\[([a-z]+)\] ?"
)
_BRACKETS = re.compile(
    r"(?:\[|\blevel=|\b)(trc|dbg|inf|wrn|err|ftl|debug|info|notice|warning|warn|error|critical|fatal)(?:\]|\b:)",
    re.IGNORECASE,
)
_SHORT = {
    "trc": "debug", "dbg": "debug", "inf": "info", "notice": "info", "wrn": "warning",
    "warn": "warning", "err": "error", "ftl": "critical", "fatal": "critical",
}  # fmt: skip
_ACCESS = re.compile(r"[A-Z]{3,10} \S+ ([1-5]\d\d) [\d.]+ ms ")
_TRACE = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
FURTHER = (" ", "\t", "Traceback ")
"""How the lines begin that go on with what the line before them told."""


class Line(Struct, frozen=True):
    """``at`` is seconds since 1970, ``level`` one of `LEVELS` or 0, ``trace`` may be empty.

    ``id`` is higher than that of every line before.
    """

    id: int
    at: float
    source: str
    level: int
    trace: str
    text: str


class _Object(Struct):
    time: str = ""
    level: str = ""
    logger: str = ""
    message: str = ""
    error: str = ""
    trace_id: str = ""
    method: str = ""
    target: str = ""
    status: int = 0
    ms: float = 0.0
    operation: str = ""


_objects = msgspec.json.Decoder(_Object)


def read_line(id: int, source: str, raw: str, before: Line | None = None) -> Line:
    """The line ``raw`` that ``source`` has written; ``before`` is its line before.

    The lines of a traceback have the level of the line it belongs to. What would steer a terminal or turn the direction of writing is taken out, what looks like a
    secret is hidden, and the time and level that are told apart are not told again.
    """
    text = _clean(raw[:_LONGEST])
    found = _object(text) if text.startswith("{") else None
    if found is None:
        stamp = _STAMP.match(text)
        at = None if stamp is None else _moment(stamp[1])
        level, text = _plain(text[stamp.end() :] if stamp else text, None if stamp else before)
        trace = ""
    else:
        at, trace, level, text = (
            _moment(found.time),
            found.trace_id,
            _level(found.level),
            _told(found),
        )
        if found.status:
            level = level or _by_status(found.status)
    if not _TRACE.fullmatch(trace):
        match = _TRACE.search(text)
        trace = match[0] if match is not None else ""
    return Line(id, time.time() if at is None else at, source, level, trace, text)


def level_name(level: int) -> str:
    """What a level is called, ``""`` where the line told none."""
    return next((name for name, number in LEVELS.items() if number == level), "")


def _object(text: str) -> _Object | None:
    try:
        found = _objects.decode(text)
    except msgspec.DecodeError:
        return None
    return found if found.message or found.method else None


def _plain(text: str, before: Line | None) -> tuple[int, str]:
    """The level of a line for people, and the line without it."""
    if (word := _WORD.match(text)) is not None:
        return _level(word[1]), text[word.end() :]
    if (access := _ACCESS.match(text)) is not None:
        return _by_status(int(access[1])), text
    if before is not None and _goes_on(text, before):
        return before.level, text
    if (engine := _ENGINE.match(text)) is not None:
        return _level(engine[1] or engine[2]), text[engine.end() :]
    short = _BRACKETS.search(text[:80])
    return 0 if short is None else _level(short[1]), text


def _goes_on(text: str, before: Line) -> bool:
    # The last line of a traceback stands at the margin again.
    return text.startswith(FURTHER) or before.text.startswith(FURTHER)


def _clean(raw: str) -> str:
    text = _CONTROL.sub("", _ESCAPES.sub("", raw)).rstrip()
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


def _moment(written: str) -> float | None:
    try:
        at = datetime.fromisoformat(written).timestamp()
    except (ValueError, OverflowError):
        return None
    # A line may claim any time at all: only one that can be true is believed.
    return at if abs(at - time.time()) < _DAY else None


def _level(name: str) -> int:
    name = name.lower()
    return LEVELS.get(_SHORT.get(name, name), 0)


def _by_status(status: int) -> int:
    return LEVELS["error" if status >= 500 else "info"]


def _told(found: _Object) -> str:
    if found.method:
        took = f"{found.ms:.1f} ms"
        return f"{found.method} {found.target} {found.status} {took} {found.operation} {found.trace_id}"
    head = f"{found.logger}: {found.message}" if found.logger else found.message
    return f"{head}\n{found.error}" if found.error else head
