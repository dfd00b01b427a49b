"""Kept: one answer, and how long it holds."""

from email.utils import parsedate_to_datetime
from typing import Any

from coterie.call import Reply

from .directives import Directives, directives

__all__ = ["Kept"]

_UNREPEATABLE = frozenset({"*", "coterie-timeout-ms", "idempotency-key", "traceparent"})
"""What differs from call to call: an answer that varies with it is nobody's twice."""

Headers = tuple[tuple[str, str], ...]


class Kept:
    """One answer, the moment it was made, and what it said of itself.

    Args:
        reply: With its headers, names in lower case; without any it never crossed a wire.
        value: Its value, which nobody else has.
        asked: When it was asked for, on the cache's clock, in seconds.
        now: When it came, on the same clock.
        wall: When it came, in seconds since 1970.
        otherwise: Seconds that it holds where it has no headers to say so.

    Source: RFC 9111, 4.2.
    """

    __slots__ = ("_made", "directives", "headers", "lifetime", "size", "status", "tag", "value")

    def __init__(
        self,
        reply: Reply,
        value: Any,
        *,
        asked: float,
        now: float,
        wall: float,
        otherwise: float | None = None,
    ) -> None:
        self.value = value
        self.status = reply.status
        self.size = 0
        """Bytes, as whoever keeps it counts them."""
        self.headers: Headers
        self.directives: Directives
        self.tag: str | None
        self.lifetime: float
        """Seconds from when it was made."""
        self._made: float
        self._read(reply.headers, asked, now, wall)
        if not reply.headers and otherwise is not None:
            self.lifetime = otherwise

    def confirm(self, headers: Headers, *, asked: float, now: float, wall: float) -> None:
        """The service says that it is current (304): it is as young as that (RFC 9111, 3.2 and 4.3.4)."""
        told = {name for name, _ in headers}
        before = tuple((name, value) for name, value in self.headers if name not in told)
        self._read((*before, *headers), asked, now, wall)

    def age(self, now: float) -> float:
        """Seconds since the service made it."""
        return now - self._made

    def fresh(self, now: float) -> bool:
        """Whether it may be used without asking."""
        return not self.directives.no_cache and self.age(now) < self.lifetime

    def bearable(self, now: float, stale: float) -> bool:
        """Whether it may be used since the service cannot be asked (RFC 9111, 4.2.4; RFC 5861, 4).

        ``stale`` are the seconds beyond its time that are borne where it says nothing of that.
        """
        told = self.directives
        if told.no_cache or told.must_revalidate:
            return False
        if told.stale_if_error is not None:
            stale = told.stale_if_error
        return stale > 0 and self.age(now) < self.lifetime + stale

    @property
    def worth(self) -> bool:
        """Whether it may be kept, and there could be any use in it."""
        if self.directives.no_store or not 200 <= self.status < 300 or self.status == 206:
            return False
        if any(name in _UNREPEATABLE for name in _listed(self.headers, "vary")):
            return False
        return self.tag is not None or (self.lifetime > 0 and not self.directives.no_cache)

    def _read(self, headers: Headers, asked: float, now: float, wall: float) -> None:
        self.headers = headers
        self.directives = directives(headers)
        self.tag = next((value for name, value in headers if name == "etag"), None)
        date = _date(headers, "date")
        on_its_way = next((value for name, value in headers if name == "age"), "")
        age = int(on_its_way[:10]) if on_its_way.isascii() and on_its_way.isdigit() else 0
        # `Date` has whole seconds: less than one of difference says nothing.
        apparent = 0 if date is None else int(wall - date)
        self._made = now - max(apparent, age + (now - asked))
        self.lifetime = self._told(headers, date, wall)

    def _told(self, headers: Headers, date: float | None, wall: float) -> float:
        """How long it says it holds. Nothing is guessed where it does not (RFC 9111, 4.2.2)."""
        if self.directives.max_age is not None:
            return self.directives.max_age
        if any(name == "expires" for name, _ in headers):
            expires = _date(headers, "expires")
            if expires is not None:
                return expires - (wall if date is None else date)
        return 0.0


def _listed(headers: Headers, wanted: str) -> list[str]:
    text = ",".join(value for name, value in headers if name == wanted)
    return [item.strip().lower() for item in text.split(",") if item.strip()]


def _date(headers: Headers, wanted: str) -> float | None:
    """Seconds since 1970; ``None`` for what is no date, such as ``Expires: 0``."""
    text = next((value for name, value in headers if name == wanted), None)
    if text is None:
        return None
    try:
        return parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
