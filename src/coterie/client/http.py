"""Calls over HTTP: from a typed call to a request and back."""

from typing import Self
from urllib.parse import urlsplit

from coterie.binding.rest import Caller, Response
from coterie.call import Call, Failure, Reply, Sent
from coterie.contract import Code, Operation

from .http1 import NotSent, Pool, Reason, StreamedResponse, Unknown

__all__ = ["Http"]

# An error that streams longer than this is cut: it is a message, not a download.
_LONGEST_ERROR = 256 * 1024


class Http:
    """Sends calls to one base URL. A component, and its `handle` a handler.

    ``url`` may have a path, put before every operation's own. The numbers are those of
    `coterie.client.http1.Pool`. Raises `ValueError` for a URL that is none.
    """

    def __init__(
        self,
        url: str,
        *,
        connections: int = 100,
        connect_timeout: float = 5.0,
        idle_timeout: float = 60.0,
    ) -> None:
        parts = urlsplit(url)
        if parts.query or parts.fragment:
            raise ValueError(f"a base URL ends with its path: {url!r}")
        self._prefix = parts.path.rstrip("/")
        if " " in self._prefix or not (self._prefix.isascii() and self._prefix.isprintable()):
            raise ValueError(f"the path of a base URL is percent-encoded ASCII: {url!r}")
        origin = f"{parts.scheme}://{parts.netloc}"
        self._pool = Pool(
            origin,
            connections=connections,
            connect_timeout=connect_timeout,
            idle_timeout=idle_timeout,
        )
        self._callers: dict[Operation, Caller] = {}

    async def start(self) -> None:
        """Make ready; connections are opened when calls need them."""
        await self._pool.start()

    async def stop(self) -> None:
        """Close every connection."""
        await self._pool.stop()

    async def drain(self) -> None:
        """Keep no connection from here on; return when those under way have finished, and closed."""
        await self._pool.drain()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def handle(self, call: Call) -> Reply:
        """Send one call and wait for its answer.

        Raises the declared faults; `Failure` with `Sent.NOT_SENT` where the request certainly
        never left, and `Sent.UNKNOWN` where its outcome cannot be known.
        """
        caller = self._callers.get(call.operation)
        if caller is None:
            caller = self._callers[call.operation] = Caller(call.operation)
        out = caller.request(call)
        target = self._prefix + out.target if self._prefix else out.target
        deadline = call.context.deadline
        try:
            if out.stream:
                streamed = await self._pool.request(
                    out.method, target, out.headers, out.body, deadline=deadline, stream=True
                )
                headers = streamed.headers
                response = await _opened(call.operation, streamed)
            else:
                answer = await self._pool.request(
                    out.method, target, out.headers, out.body, deadline=deadline
                )
                headers = answer.headers
                response = Response(answer.status, dict(headers), answer.body)
        except (NotSent, Unknown) as error:
            raise _failure(call.operation, error) from error
        return caller.reply(call, response, headers)


async def _opened(operation: Operation, streamed: StreamedResponse) -> Response:
    headers = dict(streamed.headers)
    if streamed.status < 300:
        return Response(streamed.status, headers, _Parts(operation, streamed))
    body = bytearray()
    async with streamed:
        async for chunk in streamed.body:
            body += chunk
            if len(body) > _LONGEST_ERROR:
                break
    return Response(streamed.status, headers, bytes(body))


class _Parts:
    """A streamed result: what is in the way of its next part is told as a `Failure`."""

    __slots__ = ("_operation", "_streamed")

    def __init__(self, operation: Operation, streamed: StreamedResponse) -> None:
        self._operation = operation
        self._streamed = streamed

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._streamed.body)
        except Unknown as error:
            what = f"{self._operation.id}: its answer broke off: {error.message}"
            raise Failure(_code(error), what, sent=Sent.ANSWERED) from error

    async def aclose(self) -> None:
        """Let go of the rest, and of the connection if there is a rest."""
        await self._streamed.body.aclose()


def _failure(operation: Operation, error: NotSent | Unknown) -> Failure:
    sent = Sent.NOT_SENT if isinstance(error, NotSent) else Sent.UNKNOWN
    fate = "it was not sent" if sent is Sent.NOT_SENT else "its outcome is unknown"
    return Failure(_code(error), f"{operation.id}: {error.message}; {fate}", sent=sent)


def _code(error: NotSent | Unknown) -> Code:
    return _CODES.get(error.reason, Code.UNAVAILABLE)


_CODES = {
    Reason.DEADLINE: Code.DEADLINE_EXCEEDED,
    Reason.MALFORMED: Code.UNKNOWN,
    Reason.TOO_LARGE: Code.RESOURCE_EXHAUSTED,
    Reason.STOPPED: Code.CANCELLED,
}
