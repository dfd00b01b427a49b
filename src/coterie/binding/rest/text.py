"""Values as text: in paths, queries, headers, cookies and forms."""

import re
from typing import Any
from urllib.parse import quote

import msgspec

__all__ = ["fits_header", "query_pairs", "segment", "text"]

# Control characters could end a header, Latin-1 is all it holds, and spaces around it get lost.
_NO_HEADER = re.compile(r"[^\t\x20-\x7e\x80-\xff]|^[ \t]|[ \t]\Z")


def text(value: Any) -> str:
    """A plain value (number, date, UUID, enum, bytes, ...) as it stands in a URL or a header."""
    plain = msgspec.to_builtins(value)
    if plain is True:
        return "true"
    if plain is False:
        return "false"
    if plain is None:
        return "null"
    return str(plain)


def fits_header(value: str) -> bool:
    """Whether ``value`` arrives unchanged as the value of a header (RFC 9110, 5.5)."""
    return _NO_HEADER.search(value) is None


def segment(value: Any) -> str:
    """A value as one segment of a path; slashes and dots inside it stay inside it."""
    quoted = quote(text(value), safe="")
    # A segment of dots would be taken for a relative path on the way (RFC 3986, 5.2.4).
    return quoted.replace(".", "%2E") if quoted.strip(".") == "" else quoted


def query_pairs(name: str, value: Any) -> list[tuple[str, str]]:
    """A value as pairs of a query: lists repeat the name, ``None`` is left out."""
    if value is None:
        return []
    plain = msgspec.to_builtins(value)
    if isinstance(plain, list | tuple):
        return [(name, text(item)) for item in plain]
    return [(name, text(value))]
