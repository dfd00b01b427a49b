"""Directives: what ``Cache-Control`` asks of a cache that is not shared with strangers."""

import re
from collections.abc import Iterable

from msgspec import Struct

__all__ = ["Directives", "directives"]

# RFC 9110, 5.6.2 and 5.6.4: a token, and perhaps a value, plain or in quotation marks.
_DIRECTIVE = re.compile(
    r"""([!#$%&'*+\-.^_`|~0-9A-Za-z]+) (?: = (?: "((?:[^"\\]|\\.)*)" | ([^\s,"]*) ) )?""",
    re.VERBOSE,
)

_FOREVER = 2**31
"""Seconds; what is larger counts as this (RFC 9111, 1.2.2)."""


class Directives(Struct, frozen=True):
    """What an answer says of its being kept (RFC 9111, 5.2.2; RFC 5861, 4).

    ``max_age`` and ``stale_if_error`` are seconds, ``None`` where nothing is said. What only concerns
    caches shared by many (``s-maxage``, ``private``, ``public``) has no place here: this one gives an
    answer to nobody but who asked.
    """

    no_store: bool = False
    no_cache: bool = False
    must_revalidate: bool = False
    max_age: int | None = None
    stale_if_error: int | None = None


def directives(headers: Iterable[tuple[str, str]]) -> Directives:
    """Read every ``cache-control`` among ``headers``, whose names are in lower case.

    Of contradictions the stricter counts, and a number that is none is 0 (RFC 9111, 4.2.1).
    """
    text = ",".join(value for name, value in headers if name == "cache-control")
    if not text:
        return Directives()
    found: dict[str, int] = {}
    for match in _DIRECTIVE.finditer(text):
        name = match[1].lower()
        seconds = _seconds(match[2] if match[2] is not None else match[3])
        found[name] = min(seconds, found.get(name, seconds))
    return Directives(
        "no-store" in found,
        "no-cache" in found,  # of some fields only: then of all, which is stricter
        "must-revalidate" in found,
        found.get("max-age"),
        found.get("stale-if-error"),
    )


def _seconds(value: str | None) -> int:
    if value is None or not (value.isascii() and value.isdigit()):
        return 0
    return min(int(value[:10]), _FOREVER) if len(value) <= 10 else _FOREVER
