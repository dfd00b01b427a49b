"""Passage: a path, and all below it, that leads to a program as it is."""

import re
from collections.abc import Iterable
from urllib.parse import quote

from msgspec import Struct

__all__ = ["HIDDEN", "PREFIX", "RESERVED", "Passage", "Passages", "hidden", "spelt"]

HIDDEN = r"/\.coterie(?:[/%;].*)?"
"""The expression for paths at which a program's process answers for itself, however they go on:
nobody outside reaches them. It compares paths as they come, and so do we."""

PREFIX = "x-forwarded-prefix"
"""The header that tells a program what the gateway took off the path."""

RESERVED = r"(?:/registry|/metrics|/\.well-known/jwks\.json)(?:[/.].*)?|/health/.*"
"""The expression for paths that no program has, whether anything answers there or not."""

# What a segment may hold as it is (RFC 3986, 3.3); the rest comes percent-encoded.
_PLAIN = "!$&'()*+,;=:@-._~"
_ESCAPE = re.compile(r"(?:%[0-9A-F]{2})+")
_HIDDEN = re.compile(HIDDEN)


class Passage(Struct, frozen=True, kw_only=True):
    """Requests for ``path``, and for all below it, are for the ``to`` of a service, with any method.

    Both are paths without a slash at their end; the empty text is the root. The answer may take
    ``timeout`` seconds to begin, ``None`` for the system's.
    """

    service: str
    path: str
    to: str
    timeout: float | None = None

    @property
    def name(self) -> str:
        """What logs call it, such as ``/legacy/*``."""
        return f"{self.path}/*"

    @property
    def outside(self) -> str:
        """``path`` as it comes, percent-encoded."""
        return quote(self.path, safe=f"/{_PLAIN}")

    @property
    def inside(self) -> str:
        """``to`` as it goes, percent-encoded."""
        return quote(self.to, safe=f"/{_PLAIN}")

    @property
    def prefix(self) -> str:
        """What the program is told was taken off, percent-encoded; empty if nothing was.

        So that this and the path which the program gets are the path outside, where that can be:
        ``/v1`` of ``/v1/users`` that leads to ``/users``.
        """
        return self.outside.removesuffix(self.inside)

    @property
    def buried(self) -> bool:
        """Whether all of it leads to what is hidden."""
        return hidden(self.inside)


class Passages:
    """Finds the passage of a path: the longest that fits."""

    def __init__(self, passages: Iterable[Passage]) -> None:
        longest = sorted(passages, key=lambda one: len(one.path), reverse=True)
        self._all = [(re.compile(spelt(one.outside)), one) for one in longest]

    def find(self, path: str) -> tuple[Passage, str] | None:
        """The passage of ``path``, which is as it came, and where it leads to.

        ``None`` where there is none, and for what is hidden.
        """
        for pattern, passage in self._all:
            begins = pattern.match(path)
            rest = "" if begins is None else path[begins.end() :]
            if begins is not None and rest[:1] in ("", "/"):
                inner = f"{passage.inside}{rest}" or "/"
                return None if hidden(inner) else (passage, inner)
        return None


def hidden(path: str) -> bool:
    """Whether ``path`` is for nobody outside; also where it says so by an escape."""
    return _HIDDEN.fullmatch(path) is not None


def spelt(path: str) -> str:
    """The expression for a percent-encoded ``path``: the digits of its escapes in any case."""
    return _ESCAPE.sub(r"(?i:\g<0>)", re.escape(path))
