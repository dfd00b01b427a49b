"""One socket to one origin: one question at a time, and never two answers mixed up."""

import asyncio
import select
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from .errors import NotSent, Reason, Unknown
from .origin import Origin
from .reader import HEADER_LIMIT, Reader
from .response import Body, Inbox, Response, StreamedResponse

__all__ = ["Answer", "Connection", "connect"]

JOIN_LIMIT = 64 * 1024  # a body up to this size is copied behind its head: one write, one segment

Answer = asyncio.Future[Response | StreamedResponse]


class Connection(asyncio.Protocol):
    """A connection, idle or in one exchange.

    Whatever arrives when nothing was asked, or behind an answer that is whole, ends the
    connection: it could only be taken for the answer to the next question.

    Args:
        peer: Where it leads, for messages.
        limit: Octets of body held for an answer that is not streamed.
        loop: The loop the socket lives on.
    """

    __slots__ = (
        "_answer",
        "_inbox",
        "_loop",
        "_method",
        "_parser",
        "_peer",
        "_poll",
        "_reader",
        "_timer",
        "_transport",
        "_upload",
        "_writable",
        "idle_since",
        "on_free",
        "on_lost",
    )

    def __init__(self, peer: Origin, limit: int, loop: asyncio.AbstractEventLoop) -> None:
        self.idle_since = 0.0
        """`loop.time()` when the last exchange ended; kept by the pool."""
        self.on_free: Callable[[Connection], None] = _ignore
        """Called when an exchange ended and the connection can carry another."""
        self.on_lost: Callable[[Connection], None] = _ignore
        """Called once, when the socket is closed."""
        self._peer = peer
        self._loop = loop
        self._reader = Reader(limit)
        self._parser = self._reader.parser = HttpResponseParser(self._reader)
        self._poll = select.poll() if hasattr(select, "poll") else None  # not on Windows
        self._transport: asyncio.Transport
        self._method = ""
        self._answer: Answer | None = None  # until the answer is delivered
        self._inbox: Inbox | None = None  # of a streamed answer, until its body is whole
        self._timer: asyncio.TimerHandle | None = None
        self._upload: asyncio.Task[None] | None = None  # until the last chunk is written
        self._writable: asyncio.Future[None] | None = None

    # --- what the pool asks ---------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        """Whether the socket is closed or closing."""
        return self._transport.is_closing()

    def fresh(self) -> bool:
        """Whether a request may be written: not closed, and nothing waits to be read.

        Asks the kernel too (a third of a microsecond): a close that has arrived, but was not
        delivered by the loop yet, costs a new connection instead of an unknown outcome.
        """
        if self._transport.is_closing():
            return False
        return self._poll is None or not self._poll.poll(0)

    def send(
        self,
        method: str,
        head: bytes,
        body: bytes | AsyncIterator[bytes],
        *,
        length: int | None = None,
        streamed: bool,
        seconds: float | None,
    ) -> Answer:
        """Write a request; from here on the answer alone says what became of it.

        Args:
            method: Of the request; an answer to HEAD has no body.
            head: As `compose` made it.
            body: Octets; or chunks, written as fast as the other side takes them.
            length: What the head says of chunks; None where it says that they come as such.
            streamed: Answer when the headers are there; the body is read as it arrives.
            seconds: Time for all of it, a streamed body included; None for no limit.
        """
        self._method = method
        self._inbox = Inbox(self, self._loop) if streamed else None
        self._reader.expect(method, self._inbox)
        self._answer = answer = cast(Answer, self._loop.create_future())
        if seconds is not None:
            self._timer = self._loop.call_later(seconds, self._expire)
        if not isinstance(body, bytes):
            self._transport.write(head)
            self._upload = self._loop.create_task(self._write_chunks(body, length))
        elif len(body) <= JOIN_LIMIT:
            self._transport.write(head + body)
        else:
            self._transport.write(head)
            self._transport.write(body)
        return answer

    def cancel(self, answer: Answer) -> None:
        """Nobody waits for this answer: close the socket, unless it serves another by now."""
        if self._answer is answer:
            self.abort()
        elif answer.done() and not answer.cancelled() and answer.exception() is None:
            response = answer.result()
            if isinstance(response, StreamedResponse):
                response.body.close()

    def stop(self) -> None:
        """Close now; an exchange under way ends unknown."""
        if self._reader.done:
            self.abort()
        else:
            self._fail(self._unknown("we shut down before the answer was whole", Reason.STOPPED))

    def abort(self) -> None:
        """Close now, and say nothing to whoever waits."""
        self._settle()
        self._transport.abort()

    # --- what an inbox asks ---------------------------------------------------------------------

    def resume(self) -> None:
        """Read on: the reader of a streamed body caught up."""
        if not (self._transport.is_closing() or self._transport.is_reading()):
            self._transport.resume_reading()

    def abandon(self, inbox: Inbox) -> None:
        """Close, if the socket still carries the rest of this body."""
        if self._inbox is inbox:
            self.abort()

    # --- what the transport says ----------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is open."""
        self._transport = cast(asyncio.Transport, transport)
        if self._poll is not None:
            self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        """Some of an answer, if one is awaited."""
        reader = self._reader
        if reader.done or (self._answer is not None and self._answer.cancelled()):
            self.abort()
            return
        reader.count(len(data))
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            if not reader.done:
                reason, why = reader.fault or (Reason.MALFORMED, str(error))
                self._fail(self._unknown(f"refused the answer: {why}", reason))
                return
            reader.keep = False  # the answer is whole; what follows it belongs to nobody
        if reader.started and self._inbox is not None:
            self._deliver_stream(self._inbox)
        if reader.done:
            self._finish(data)
        elif reader.rambling:
            why = f"refused the answer: more than {HEADER_LIMIT} octets that are no body"
            self._fail(self._unknown(why, Reason.TOO_LARGE))
        elif self._inbox is not None and self._inbox.full:
            self._transport.pause_reading()

    def eof_received(self) -> None:
        """The other side will say no more."""
        self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed."""
        self._end(exc)
        self.on_lost(self)

    def pause_writing(self) -> None:
        """The other side takes our chunks slower than we write them."""
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        """It caught up."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    # --- how an exchange ends -------------------------------------------------------------------

    def _deliver_stream(self, inbox: Inbox) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:  # not delivered yet
            reader = self._reader
            answer.set_result(StreamedResponse(reader.status, tuple(reader.headers), Body(inbox)))

    def _finish(self, data: bytes) -> None:
        """The answer is whole: free the connection if all is told, and deliver."""
        reader, answer, inbox = self._reader, self._answer, self._inbox
        keep = (
            reader.keep
            and reader.ended_cleanly(data)
            and self._upload is None
            and not self._transport.get_write_buffer_size()  # answered before we were heard out
        )
        self._settle()
        if self._method == "HEAD":  # this parser still waits for the body
            self._parser = reader.parser = HttpResponseParser(reader)
        if keep:
            self.on_free(self)
        else:
            self._transport.abort()
        if inbox is not None:
            inbox.end()
        elif answer is not None and not answer.done():
            answer.set_result(Response(reader.status, tuple(reader.headers), reader.body))

    def _fail(self, error: Exception) -> None:
        answer, inbox = self._answer, self._inbox
        self.abort()
        if answer is not None:
            if not answer.done():
                answer.set_exception(error)
        elif inbox is not None:
            inbox.end(error)

    def _end(self, error: Exception | None) -> None:
        """No more octets will come."""
        reader = self._reader
        if reader.done:
            return
        if reader.until_close and error is None:
            reader.done = True
            self._finish(b"")
        else:
            why = f"closed before the answer was whole{f' ({error})' if error else ''}"
            self._fail(self._unknown(why, Reason.CLOSED))

    def _expire(self) -> None:
        self._fail(
            self._unknown("the deadline passed before the answer was whole", Reason.DEADLINE)
        )

    def _settle(self) -> None:
        self._reader.done = True
        self._answer = self._inbox = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._upload is not None:
            self._upload.cancel()
            self._upload = None

    async def _write_chunks(self, body: AsyncIterator[bytes], length: int | None) -> None:
        """Write a body, chunked where its length is unknown (RFC 9112, section 7.1)."""
        left = length
        try:
            try:
                async for chunk in body:
                    left = self._write_chunk(chunk, left)
                    if self._writable is not None:
                        await self._writable
            finally:
                if isinstance(body, AsyncGenerator):
                    await body.aclose()
            if left:
                raise ValueError(f"the body ended {left} octets before its end")
        except Exception as error:  # noqa: BLE001  the caller's iterator; the caller gets it
            self._upload = None
            if not self._reader.done:
                self._fail(error)
        else:
            self._upload = None
            if length is None:
                self._transport.write(b"0\r\n\r\n")

    def _write_chunk(self, chunk: bytes, left: int | None) -> int | None:
        """Write some octets of a body, of which ``left`` were still to come; how many are now."""
        if left is not None:
            if len(chunk) > left:
                raise ValueError("the body has more octets than it was said to have")
            self._transport.write(chunk)
            return left - len(chunk)
        if chunk:  # an empty one would end the body
            # Not writelines: it never pauses us before 3.12.9 and 3.13.2 (CVE-2024-12254).
            self._transport.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        return None

    def _unknown(self, why: str, reason: Reason) -> Unknown:
        return Unknown(
            f"{self._method} to {self._peer}: {why}; "
            "it may have taken effect, so look before sending it again",
            reason,
        )


async def connect(origin: Origin, tls: ssl.SSLContext | None, limit: int) -> Connection:
    """Open a connection.

    Args:
        origin: Where to.
        tls: For https.
        limit: As in `Connection`.

    Raises:
        NotSent: Name not found, refused, unreachable, closed again, or no trust.
    """
    loop = asyncio.get_running_loop()
    try:
        _, connection = await loop.create_connection(
            lambda: Connection(origin, limit, loop), origin.host, origin.port, ssl=tls
        )
    except ssl.SSLError as error:
        raise NotSent(
            f"{origin}: TLS handshake failed ({error}); check its certificate and `tls`", Reason.TLS
        ) from error
    except OSError as error:
        raise NotSent(
            f"{origin}: no connection ({error}); is it running, and is the address right?",
            Reason.CONNECT,
        ) from error
    # Under TLS something may well wait to be read: session tickets.
    if connection.closed or (tls is None and not connection.fresh()):
        connection.abort()
        raise NotSent(f"{origin}: closed before anything was sent", Reason.CONNECT)
    return connection


def _ignore(_: Connection) -> None:
    """Nobody has asked to be told yet."""
