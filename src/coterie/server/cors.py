"""Cors: which other origins' pages may call (WHATWG Fetch, CORS protocol)."""

from collections.abc import Sequence

__all__ = ["Cors"]

_EXPOSED = "etag, link, location, retry-after, traceparent"
_ALLOWED = "authorization, content-type, idempotency-key, if-match, if-none-match, traceparent"


class Cors:
    """Answers for cross-origin requests.

    ``origins`` are written as browsers send them (``https://shop.example``); ``*`` alone admits
    every page, which is safe only as long as tokens, not cookies, prove who calls.
    Credentials mode is never allowed. Raises `ValueError` for what is no origin.
    """

    def __init__(self, origins: Sequence[str]) -> None:
        for origin in origins:
            if origin != "*" and ("://" not in origin or origin.endswith("/")):
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

    def preflight(
        self, origin: bytes | None, allowed: Sequence[str]
    ) -> tuple[tuple[str, str], ...]:
        """The answer's headers to the question a browser asks first."""
        return (
            *self.headers(origin),
            ("access-control-allow-methods", ", ".join(allowed)),
            ("access-control-allow-headers", _ALLOWED),
            ("access-control-max-age", "600"),
        )
