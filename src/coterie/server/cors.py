"""Cors: which other origins' pages may call (WHATWG Fetch, CORS protocol)."""

import re
from collections.abc import Sequence

__all__ = ["Cors"]

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@\s]+")

_EXPOSED = "etag, link, location, retry-after, traceparent"
# Any header that an operation takes. The wildcard leaves out this one, and cookies are never sent.
_ALLOWED = "authorization, *"


class Cors:
    """Answers for cross-origin requests.

    ``origins`` are written as browsers send them (``https://shop.example``); ``*`` alone admits
    every page, which is safe only as long as tokens, not cookies, prove who calls.
    Credentials mode is never allowed. Raises `ValueError` for what is no origin.
    """

    def __init__(self, origins: Sequence[str]) -> None:
        for origin in origins:
            if origin != "*" and not _ORIGIN.fullmatch(origin):
                raise ValueError(
                    f"{origin!r} is no origin; write https://host or https://host:port"
                )
        self._any = "*" in origins
        self._origins = frozenset(origins)

    def headers(self, origin: bytes | None) -> tuple[tuple[str, str], ...]:
        """What to add to any answer; ``Vary`` too, so that caches keep origins apart."""
        if self._any:
            return (
                ("access-control-allow-origin", "*"),
                ("access-control-expose-headers", _EXPOSED),
            )
        if origin is not None and origin.decode("latin-1") in self._origins:
            return (
                ("access-control-allow-origin", origin.decode("latin-1")),
                ("access-control-expose-headers", _EXPOSED),
                ("vary", "origin"),
            )
        return (("vary", "origin"),)

    def preflight(self, allowed: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """What to add besides, in answer to the question a browser asks first."""
        return (
            ("access-control-allow-methods", ", ".join(allowed)),
            ("access-control-allow-headers", _ALLOWED),
            ("access-control-max-age", "600"),
        )
