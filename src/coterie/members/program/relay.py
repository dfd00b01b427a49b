"""Relay: passes requests on to a program that listens beside us."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress

from coterie.binding.rest import UNREADABLE, problem_reply
from coterie.binding.rest.travel import TIMEOUT
from coterie.call import Failure, Sent, current
from coterie.client.http1 import NotSent, Pool, Reason, StreamedResponse, Unknown
from coterie.contract import Code
from coterie.members.gateway.headers import HOP, downstream, named
from coterie.members.gateway.upload import Left, Upload
from coterie.server import STREAM_LIMIT

from .asgi import Receive, Scope, Send
from .forwarded import below
from .tell import tell

__all__ = ["Relay"]

log = logging.getLogger("coterie.program")

_IDLE = 1.0
"""Seconds an unused connection is kept: Gunicorn closes its own after two, Node after five."""

_AGAIN = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
"""Methods whose second, equal request changes nothing more (RFC 9110, 9.2.2)."""

_OURS = HOP | {b"content-length", b"expect"}
_TIMEOUT = TIMEOUT.encode()
_MALFORMED = (Reason.MALFORMED, Reason.TOO_LARGE)


class Relay:
    """Passes each request on to ``http://127.0.0.1:port``, where ``service`` answers. A component.

    Bodies and answers pass as they arrive, both ways. The program has the headers as they came, ``Host``
    and what the gateway said included; those that belong to a connection end here. It has the path
    without what the gateway took off, so it does not know where it is mounted: a redirection of its
    that leads to a path of its own is led there. A request takes the time its caller has left, and
    ``timeout`` seconds at most until its answer begins; those of a long body begin anew with each part
    that the program takes, and do not run while its client sends. ``idle`` is the seconds that a client may be silent
    while it sends a body of ``body_limit`` octets at most.

    Where nobody listens the answer is 503, and says that nothing was begun; 502 where what came is
    no answer, or none came; 504 where it came too late. A request whose second, equal one changes nothing
    is made again once, where the program closed the connection instead of answering.
    """

    def __init__(
        self,
        port: int,
        *,
        service: str,
        timeout: float = 30.0,
        idle: float = 300.0,
        connections: int = 256,
        body_limit: int = STREAM_LIMIT,
    ) -> None:
        self._service = service
        self._timeout = timeout
        self._idle = idle
        self._limit = body_limit
        self._pool = Pool(
            f"http://127.0.0.1:{port}",
            connections=connections,
            idle_timeout=_IDLE,
            connect_timeout=5.0,
        )

    async def start(self) -> None:
        """Make ready; connects to nothing yet."""
        await self._pool.start()

    async def stop(self) -> None:
        """Close every connection."""
        await self._pool.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's request (ASGI 3.0)."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1013})
            return
        if scope["type"] != "http":
            raise RuntimeError("a program beside us knows no lifespan")
        try:
            await self._pass_on(scope, receive, send)
        except Failure as refusal:
            await tell(problem_reply(refusal, current().trace.trace_id), send)
        except Left:
            return

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        known: dict[bytes, bytes] = dict(scope["headers"])
        if known.get(b"upgrade", b"").lower() == b"websocket":
            what = (
                f"{self._service} cannot be asked for a WebSocket here: its sidecar passes HTTP on"
            )
            raise Failure(Code.UNIMPLEMENTED, f"{what}; ask it at its own port, or by HTTP")
        upload = Upload(receive, self._limit, self._idle)
        announced = known.get(b"content-length")
        body = await upload.open(announced)
        asking = asyncio.create_task(self._ask(scope, known, upload, body, send))
        leaving = asyncio.create_task(upload.departure())
        try:
            await asyncio.wait((asking, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            asking.cancel()
            leaving.cancel()
            await asyncio.wait((asking, leaving))
        if not asking.cancelled():
            await asking

    async def _ask(
        self,
        scope: Scope,
        known: dict[bytes, bytes],
        upload: Upload,
        body: bytes | AsyncIterator[bytes],
        send: Send,
    ) -> None:
        method: str = scope["method"]
        for attempt in (1, 2):
            try:
                answer = await self._answer(scope, known, body)
            except NotSent as error:
                busy = error.reason is Reason.BUSY
                sent = Sent.SHED if busy else Sent.REFUSED
                what = "has more to do than it can" if busy else "is away; it should be back soon"
                refused = f"{self._service} {what}"
                raise Failure(Code.UNAVAILABLE, refused, retry_after=1.0, sent=sent) from error
            except Unknown as error:
                again = error.reason is Reason.CLOSED and method in _AGAIN and not upload.touched
                if again and attempt == 1:
                    continue
                raise self._broken(error) from error
            except ValueError as error:
                raise Failure(Code.INVALID_ARGUMENT, UNREADABLE) from error
            except TimeoutError as error:
                what = f"{self._service} did not answer in time"
                raise Failure(Code.DEADLINE_EXCEEDED, what) from error
            await self._give(answer, scope, known, send)
            return

    def _broken(self, error: Unknown) -> Failure:
        malformed = error.reason in _MALFORMED
        log.error("%s: %s", self._service, error.message)
        if malformed:
            what = f"{self._service} answered with something that is no HTTP"
        else:
            what = f"{self._service} closed the connection instead of answering"
        unsure = "what was asked for may have been done, so look before asking again"
        return Failure(Code.UNAVAILABLE, f"{what}; {unsure}", status=502)

    async def _answer(
        self,
        scope: Scope,
        known: dict[bytes, bytes],
        body: bytes | AsyncIterator[bytes],
    ) -> StreamedResponse:
        """The answer, once it has begun. Raises `TimeoutError` beside what the pool raises."""
        query: bytes = scope["query_string"]
        target = (below(scope) + b"?" + query if query else below(scope)).decode("latin-1")
        announced = known.get(b"content-length")
        length = int(announced) if announced is not None and not isinstance(body, bytes) else None
        left = current().remaining
        seconds = self._timeout if left is None else min(self._timeout, left)
        async with asyncio.timeout(seconds) as limit:
            if left is None and not isinstance(body, bytes):
                body = _timed(body, limit, seconds)
            return await self._pool.request(
                scope["method"],
                target,
                _upstream(scope, left),
                body,
                length=length,
                stream=True,
            )

    async def _give(
        self,
        answer: StreamedResponse,
        scope: Scope,
        known: dict[bytes, bytes],
        send: Send,
    ) -> None:
        """Send ``answer`` as it arrives. One that breaks off stays incomplete, to be noticed."""
        headers = downstream(answer.headers)
        root: str = scope.get("root_path", "")
        if root:
            prefix = known.get(b"x-forwarded-prefix", b"").rstrip(b"/") or root.encode()
            headers = [_led(pair, prefix, known) for pair in headers]
        # Where the rest of the request is nobody's, our server reads it away: were the connection closed
        # instead, whoever still sends would be broken off before it could read this.
        async with answer:
            start = {"type": "http.response.start", "status": answer.status, "headers": headers}
            await send(start)
            try:
                async for part in answer.body:
                    await send({"type": "http.response.body", "body": part, "more_body": True})
            except Unknown as error:
                log.warning("%s: %s", self._service, error.message)
                return
        await send({"type": "http.response.body", "body": b""})


async def _timed(
    body: AsyncIterator[bytes], limit: asyncio.Timeout, seconds: float
) -> AsyncGenerator[bytes]:
    """``body``, of which the program may take ``seconds`` for each part, and for its answer to all of it.

    Who sends a long body takes time that is not the program's: while a part is waited for there is no
    ``limit``.
    """
    now = asyncio.get_running_loop().time

    def end(when: float | None) -> None:
        with suppress(RuntimeError):  # the answer has begun, and takes the time it takes
            limit.reschedule(when)

    end(None)
    async for part in body:
        end(now() + seconds)
        yield part
        end(None)
    end(now() + seconds)


def _upstream(scope: Scope, left: float | None) -> list[tuple[str, str]]:
    """The headers of a request as the program gets them."""
    pairs: list[tuple[bytes, bytes]] = scope["headers"]
    mentioned = named(pairs)
    kept = [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in pairs
        if name not in _OURS and name not in mentioned and name != _TIMEOUT
    ]
    if left is not None:
        kept.append((TIMEOUT, str(max(0, int(left * 1000)))))
    return kept


def _led(
    pair: tuple[bytes, bytes], prefix: bytes, known: dict[bytes, bytes]
) -> tuple[bytes, bytes]:
    """A header of the answer; a redirection leads to where the program is mounted."""
    name, value = pair
    if name not in (b"location", b"content-location"):
        return pair
    origin = b""
    host = known.get(b"x-forwarded-host", known.get(b"host", b""))
    for scheme in (b"http://", b"https://"):
        whole = scheme + host
        if host and (value == whole or value.startswith(whole + b"/")):
            origin, value = whole, value[len(whole) :] or b"/"
    inside = value.startswith(b"/") and not value.startswith(b"//")
    below_it = value == prefix or value.startswith((prefix + b"/", prefix + b"?"))
    return (name, origin + prefix + value) if inside and not below_it else (name, origin + value)
