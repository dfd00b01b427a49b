"""Forwarder: a request passed on to an instance, and its answer passed back as it arrives."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from time import monotonic
from typing import Any

import msgspec
from msgspec import Struct

from coterie.binding.rest import UNREADABLE
from coterie.call import Failure, Reply
from coterie.client.http1 import NotSent, Reason, StreamedResponse, Unknown
from coterie.contract import Code
from coterie.policy import Budget
from coterie.server import Cors

from .away import BUSY, away_page, away_problem, broken_page, broken_problem, wants_page
from .fleet import CONNECTIONS, Fleet, Reach
from .headers import downstream
from .route import NOT_READY, REFUSED, TRIES
from .upload import Receive, Upload

__all__ = ["Errand", "Forwarder", "Send", "header"]

Send = Callable[[Mapping[str, Any]], Awaitable[None]]

_BACK_OFF = 0.05
_RATIO = 0.1
_TOKENS = 40.0  # half of them at once: what an instance that is killed has under way, and more
_HTML = ("content-type", "text/html; charset=utf-8")
_PROBLEM = ("content-type", "application/problem+json")
_LATER_ON = ("retry-after", "1")


class Errand(Struct, frozen=True, kw_only=True):
    """A request on its way: ``target`` and ``headers`` are as the instance gets them.

    ``attempts`` is how often it may be sent where its outcome is unknown. A body of at most
    ``limit`` octets is gathered first, within ``gathered`` seconds, or passed on as it comes where
    that is ``None``. Of the seconds, ``within`` is for the whole answer, ``begins`` for its first octets once the
    request is whole, ``silence`` between one part of it and the next; ``None`` is for ever.
    """

    service: str
    target: str
    headers: Sequence[tuple[str, str]]
    limit: int
    attempts: int = 1
    gathered: float | None = None
    within: float | None = None
    begins: float | None = None
    silence: float | None = None


class Forwarder:
    """Sends errands to instances of a ``fleet``, again where that does no harm.

    Whoever sends nothing of a body for ``idle`` seconds is given up.
    """

    def __init__(self, fleet: Fleet, *, idle: float, cors: Cors | None) -> None:
        self._fleet = fleet
        self._idle = idle
        self._cors = cors
        self._budgets: dict[str, Budget] = {}

    async def run(
        self, errand: Errand, scope: Mapping[str, Any], receive: Receive, send: Send
    ) -> None:
        """Ask an instance and send its answer, unless the client leaves first.

        Raises `Failure` for what is to be told to the client instead, and `Left`.
        """
        announced = header(scope, b"content-length")
        upload = Upload(receive, errand.limit, self._idle)
        body: bytes | AsyncIterator[bytes]
        if errand.gathered is None:
            body = await upload.open(announced)
        else:
            body = await upload.gather(announced, errand.gathered)
        asking = asyncio.create_task(self._ask(errand, scope, upload, body, send))
        leaving = asyncio.create_task(upload.departure())
        try:
            await asyncio.wait((asking, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            asking.cancel()
            leaving.cancel()
            await asyncio.wait((asking, leaving))
        if not asking.cancelled():
            await asking

    async def answer(self, reply: Reply, scope: Mapping[str, Any], send: Send) -> None:
        """Send an answer of our own."""
        body = reply.body if isinstance(reply.body, bytes) else b""
        headers = [(name.encode(), value.encode()) for name, value in reply.headers]
        if reply.status != 204:
            headers.append((b"content-length", b"%d" % len(body)))
        await self._begin(reply.status, headers, scope, send)
        await send({"type": "http.response.body", "body": body})

    async def _ask(
        self,
        errand: Errand,
        scope: Mapping[str, Any],
        upload: Upload,
        body: bytes | AsyncIterator[bytes],
        send: Send,
    ) -> None:
        deadline = None if errand.within is None else monotonic() + errand.within
        budget = self._budgets.setdefault(errand.service, Budget(_RATIO, _TOKENS))
        tried: set[str] = set()
        unknown = False
        for attempt in range(TRIES):
            reach = await self._fleet.choose(errand.service, tried)
            if reach is None:
                break
            if reach.busy >= CONNECTIONS:
                raise Failure(Code.UNAVAILABLE, BUSY, retry_after=1.0)
            tried.add(reach.url)
            reach.busy += 1
            try:
                answer = await _begun(errand, scope["method"], reach, upload, body, deadline)
                budget.succeeded()
                if attempt + 1 == TRIES or upload.touched or not _refused(answer):
                    await self._relay(answer, errand, upload, scope, send)
                    return
                await answer.body.aclose()
            except (NotSent, Unknown) as error:
                if error.reason is Reason.DEADLINE:
                    raise _late(errand) from error
                unknown = unknown or isinstance(error, Unknown)
                tries = _tries(error, errand, budget)
                if upload.touched or attempt + 1 >= tries:
                    break
            except ValueError as error:
                raise Failure(Code.INVALID_ARGUMENT, UNREADABLE) from error
            finally:
                reach.busy -= 1
            await asyncio.sleep(_BACK_OFF * 2**attempt * random.random())  # noqa: S311
        await self.answer(_nobody(errand.service, scope, unknown=unknown), scope, send)

    async def _relay(
        self,
        answer: StreamedResponse,
        errand: Errand,
        upload: Upload,
        scope: Mapping[str, Any],
        send: Send,
    ) -> None:
        """Send ``answer`` as it arrives. One that breaks off stays incomplete, to be noticed."""
        headers = downstream(answer.headers)
        if not upload.whole.is_set():
            headers.append((b"connection", b"close"))  # the rest of the request is nobody's
        async with answer:
            await self._begin(answer.status, headers, scope, send)
            while True:
                try:
                    # Its silence alone: a client that reads slowly is no fault of the instance's.
                    async with asyncio.timeout(errand.silence):
                        part = await anext(answer.body, None)
                except (Unknown, TimeoutError):
                    return
                if part is None:
                    break
                await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _begin(
        self,
        status: int,
        headers: list[tuple[bytes, bytes]],
        scope: Mapping[str, Any],
        send: Send,
    ) -> None:
        if self._cors is not None:
            added = self._cors.headers(header(scope, b"origin"))
            ours = [(name.encode(), value.encode("latin-1")) for name, value in added]
            # A program may have its own words for this; ours are those of the system's file.
            names = {name for name, _ in ours} - {b"vary"}
            headers = [pair for pair in headers if pair[0] not in names] + ours
        await send({"type": "http.response.start", "status": status, "headers": headers})


async def _begun(
    errand: Errand,
    method: str,
    reach: Reach,
    upload: Upload,
    body: bytes | AsyncIterator[bytes],
    deadline: float | None,
) -> StreamedResponse:
    """The answer, once it has begun. Raises `Failure` where it does not in time."""
    asking = reach.pool.request(
        method, errand.target, errand.headers, body, deadline=deadline, stream=True
    )
    if errand.begins is None:
        return await asking
    waiting = None
    try:
        async with asyncio.timeout(errand.begins) as time:
            if not upload.whole.is_set():
                time.reschedule(None)
                waiting = asyncio.create_task(_run_down(time, upload, errand.begins))
            return await asking
    except TimeoutError:
        raise _late(errand) from None
    finally:
        if waiting is not None:
            waiting.cancel()


async def _run_down(time: asyncio.Timeout, upload: Upload, seconds: float) -> None:
    """Let the time run from when the request is whole."""
    await upload.whole.wait()
    time.reschedule(asyncio.get_running_loop().time() + seconds)


def _late(errand: Errand) -> Failure:
    return Failure(Code.DEADLINE_EXCEEDED, f"{errand.service} did not answer in time")


def _tries(error: NotSent | Unknown, errand: Errand, budget: Budget) -> int:
    """How often a request may be sent in all, after it has failed like this."""
    if isinstance(error, NotSent):
        return TRIES
    budget.failed()
    return errand.attempts if error.reason is Reason.CLOSED and budget.may_retry() else 1


def _refused(answer: StreamedResponse) -> bool:
    return answer.status == 503 and (REFUSED, NOT_READY) in answer.headers


def _nobody(service: str, scope: Mapping[str, Any], *, unknown: bool) -> Reply:
    """What is said where no instance answered."""
    person = wants_page((header(scope, b"accept") or b"").decode("latin-1"))
    # Where the outcome is unknown nothing says "again": who asked must look first.
    later = () if unknown else (_LATER_ON,)
    if person:
        page = broken_page(service) if unknown else away_page(service)
        return Reply(None, 503, (_HTML, *later), page.encode())
    problem = broken_problem(service) if unknown else away_problem(service)
    return Reply(None, 503, (_PROBLEM, *later), msgspec.json.encode(problem))


def header(scope: Mapping[str, Any], name: bytes) -> bytes | None:
    """The first header called ``name`` of an ASGI request."""
    return next((value for key, value in scope["headers"] if key == name), None)
