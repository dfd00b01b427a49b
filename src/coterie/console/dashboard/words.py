"""Numbers as people read them: times, sizes, rates."""

import time
from datetime import UTC, datetime

from .html import Html, tag

__all__ = [
    "NOTHING",
    "ago",
    "clock",
    "day_and_time",
    "duration",
    "rate",
    "short_id",
    "size",
    "span_of_time",
]


NOTHING = "\u2013"
"""What stands where there is no value: a dash."""


def duration(seconds: float | None) -> str:
    """What something took: ``850 µs``, ``12.3 ms``, ``1.25 s``."""
    if seconds is None:
        return NOTHING
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 1:
        milliseconds = seconds * 1000
        return f"{milliseconds:.{1 if milliseconds < 100 else 0}f} ms"
    return f"{seconds:.2f} s" if seconds < 60 else span_of_time(seconds)


def span_of_time(seconds: float | None) -> str:
    """How long something has gone on: ``42 s``, ``3 m 12 s``, ``5 h 2 m``, ``3 d 4 h``."""
    if seconds is None:
        return NOTHING
    whole = int(seconds)
    for size_, name, below, smaller in (
        (86_400, "d", 3600, "h"),
        (3600, "h", 60, "m"),
        (60, "m", 1, "s"),
    ):
        if whole >= size_:
            rest = whole % size_ // below
            return f"{whole // size_} {name}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"


def size(octets: int | None) -> str:
    """``48.2 MiB``, as `coterie ps` has it."""
    if octets is None:
        return NOTHING
    mebibytes = octets / 2**20
    if mebibytes >= 1024:
        return f"{mebibytes / 1024:.2f} GiB"
    return f"{mebibytes:.{1 if 0 < mebibytes < 100 else 0}f} MiB"


def rate(number: float) -> str:
    """A number of something a second, without saying so: ``0``, ``0.4``, ``12``, ``1,234``."""
    if number < 0.05:
        return "0"
    return f"{number:.1f}" if number < 10 else f"{number:,.0f}"


def clock(at: float) -> Html:
    """The time of day with milliseconds, where this runs."""
    moment = datetime.fromtimestamp(at, UTC).astimezone()
    exactly = tag("span", f".{moment.microsecond // 1000:03d}", class_="ms")
    written = moment.isoformat(timespec="milliseconds")
    return tag("time", f"{moment:%H:%M:%S}", exactly, datetime=written)


def day_and_time(at: float) -> Html:
    """Date and time, to the second, where this runs."""
    moment = datetime.fromtimestamp(at, UTC).astimezone()
    return tag("time", f"{moment:%Y-%m-%d %H:%M:%S}", datetime=moment.isoformat(timespec="seconds"))


def ago(at: float) -> str:
    """How long ago: ``3 s ago``."""
    return f"{span_of_time(max(0.0, time.time() - at))} ago"


def short_id(trace_id: str) -> str:
    """The first eight digits, by which people tell traces apart."""
    return trace_id[:8]
