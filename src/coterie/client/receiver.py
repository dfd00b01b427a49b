"""Receiver: the other side of OTLP over HTTP, for one signal."""

import asyncio
import gzip
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from coterie import __version__
from coterie.telemetry import Destination

from .http1 import NotSent, Pool, Response, Unknown

__all__ = ["Receiver"]

_AGAIN = frozenset({429, 502, 503, 504})
_LONGEST_RETRY_AFTER = 300.0


class _Partial(Struct, rename="camel"):
    rejected_spans: int = 0
    error_message: str = ""


class _Answer(Struct, rename="camel"):
    partial_success: _Partial | None = None


class Receiver:
    """Posts bodies to ``url``, and remembers what became of the last.

    ``trouble`` says what was wrong with it, empty where nothing was; ``refused`` whether it was
    not taken and never will be; ``rejected`` how many of its spans were not; ``retry_after`` the
    seconds the other side asked to be left alone.

    Source: OTLP 1.9, *OTLP/HTTP Response*.
    """

    def __init__(self, url: str, destination: Destination) -> None:
        parts = urlsplit(url)
        self.url = url
        self.trouble = ""
        self.refused = False
        self.rejected = 0
        self.retry_after = 0.0
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        origin = f"{parts.scheme}://{parts.netloc}"
        self._pool = Pool(origin, connections=1, max_response=1 << 20)
        self._gzip = destination.gzip
        self._timeout = destination.timeout
        self._headers = [
            ("user-agent", f"coterie/{__version__}"),
            ("content-type", "application/json"),
            *destination.headers,
        ]
        if self._gzip:
            self._headers.append(("content-encoding", "gzip"))

    async def start(self) -> None:
        """Take bodies. Connects to nothing yet."""
        await self._pool.start()

    async def stop(self) -> None:
        """Close the connection."""
        await self._pool.stop()

    async def send(self, body: bytes) -> bool:
        """Post ``body``; whether it is done with, for good or ill: if not, send it again later."""
        self.trouble, self.refused, self.rejected, self.retry_after = "", False, 0, 0.0
        if self._gzip:
            body = await asyncio.to_thread(gzip.compress, body, 5)
        deadline = time.monotonic() + self._timeout
        try:
            answer = await self._pool.request(
                "POST", self._target, self._headers, body, deadline=deadline
            )
        except (NotSent, Unknown) as error:
            self.trouble = f"cannot be sent to {self.url}: {error}"
            return False
        except ValueError as error:
            # A header that cannot be one: pool and settings agree on nothing better.
            self.trouble, self.refused = f"cannot be sent to {self.url}: {error}", True
            return True
        if answer.status in _AGAIN:
            self.trouble = f"{self.url} answered {answer.status}"
            self.retry_after = _seconds(dict(answer.headers))
            return False
        if not 200 <= answer.status < 300:
            self.refused = True
            self.trouble = f"{self.url} answered {answer.status}: {_excerpt(answer.body)}"
            return True
        self._look_into(answer)
        return True

    def _look_into(self, answer: Response) -> None:
        """Some of what was taken may have been rejected all the same."""
        try:
            partial = _answer.decode(answer.body).partial_success if answer.body else None
        except msgspec.MsgspecError:
            return  # it said 200: what it says besides is its own affair
        if partial is not None and partial.rejected_spans > 0:
            self.rejected = partial.rejected_spans
            told = _excerpt(partial.error_message.encode())
            self.trouble = f"{self.url} rejected {self.rejected} spans: {told}"


_answer = msgspec.json.Decoder(_Answer, strict=False)


def _seconds(headers: Mapping[str, str]) -> float:
    """What ``Retry-After`` asks for, as seconds or as a date (RFC 9110, 10.2.3)."""
    text = headers.get("retry-after", "").strip()
    if text.isdecimal():
        return min(float(text), _LONGEST_RETRY_AFTER)
    try:
        seconds = parsedate_to_datetime(text).timestamp() - time.time()
    except ValueError:
        return 0.0
    return min(max(seconds, 0.0), _LONGEST_RETRY_AFTER)


def _excerpt(body: bytes) -> str:
    text = " ".join(body[:200].decode(errors="replace").split())
    return ascii(text)[1:-1] or "(nothing said)"
