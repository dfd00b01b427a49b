"""Connections to one origin, kept alive and handed out in the order they were asked for."""

import asyncio
import collections
import ssl
from collections.abc import AsyncIterator, Sequence
from time import monotonic
from typing import Literal, Self, overload

from .connection import Connection, connect
from .errors import NotSent, Reason
from .origin import Origin
from .request import compose
from .response import Response, StreamedResponse

__all__ = ["Pool"]

_Waiter = asyncio.Future[Connection | None]  # a connection to use, or None: room to open one


class Pool:
    """Sends requests to one origin over connections that are kept alive.

    A component: ``async with Pool("http://127.0.0.1:8080") as pool``, or `start` and `stop`.
    Belongs to the loop it was started on. It never sends a request twice: whoever asks decides,
    told by `NotSent` and `Unknown` what is safe.

    Args:
        url: Scheme, host and port, such as ``https://shop.example:8443``; no path.
        connections: Sockets open at one time.
        queue: Requests that may wait for one of them; those beyond are not sent.
        idle_timeout: Seconds an unused connection is kept. Must be shorter than the keep-alive
            of the server, or a request may meet the close half-way and its outcome be unknown.
            (Uvicorn closes after 5 s unless told otherwise.)
        connect_timeout: Seconds to resolve, connect and shake hands.
        max_response: Octets of body held for an answer; streamed ones have no limit.
        tls: Whom to trust and who we are; None is the system's authorities, for https.

    Raises:
        ValueError: The URL is no origin, or a number is not positive.
    """

    def __init__(
        self,
        url: str,
        *,
        connections: int = 100,
        queue: int = 1000,
        idle_timeout: float = 60.0,
        connect_timeout: float = 5.0,
        max_response: int = 64 * 1024 * 1024,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        if min(connections, idle_timeout, connect_timeout, max_response) <= 0 or queue < 0:
            raise ValueError("a pool's connections, times and sizes must be above zero")
        self._origin = Origin.parse(url)
        self._authority = self._origin.authority
        if self._origin.secure and tls is None:
            tls = ssl.create_default_context()
        self._tls = tls if self._origin.secure else None
        self._connections = connections
        self._queue = queue
        self._idle_timeout = idle_timeout
        self._connect_timeout = connect_timeout
        self._max_response = max_response
        self._loop: asyncio.AbstractEventLoop
        self._started = False
        self._stopped = False
        self._draining = False
        self._slots = 0  # sockets open or being opened
        self._open: set[Connection] = set()
        self._idle: dict[Connection, None] = {}  # an ordered set; the last was used last
        self._waiters: collections.deque[_Waiter] = collections.deque()
        self._connecting: set[asyncio.Timeout] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._empty: asyncio.Future[None] | None = None

    def __repr__(self) -> str:
        return (
            f"<Pool {self._origin}: {self._slots} open, {len(self._idle)} of them idle, "
            f"{len(self._waiters)} waiting>"
        )

    # --- life -----------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take requests. Connects to nothing yet."""
        self._loop = asyncio.get_running_loop()
        self._started = True
        self._stopped = self._draining = False

    async def stop(self) -> None:
        """Close every connection, and return when they are closed.

        Who waits for a connection gets `NotSent`, who waits for an answer gets `Unknown`; drain
        first where that matters.
        """
        self._stopped = True
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_exception(self._not_running())
        for scope in self._connecting:
            if not scope.expired():
                scope.reschedule(0)
        for connection in list(self._open):
            connection.stop()
        await self._until_empty()

    async def drain(self) -> None:
        """Close what idles, and each busy connection when it comes free; return when all are.

        Nothing under way is cut off, streamed answers included. It is for the last of a server:
        one that closes connections itself may meet a request half-way.
        """
        self._draining = True
        for connection in list(self._idle):
            connection.abort()
        self._idle.clear()
        await self._until_empty()

    async def _until_empty(self) -> None:
        if self._slots:
            if self._empty is None or self._empty.done():
                self._empty = self._loop.create_future()
            await asyncio.shield(self._empty)  # another may wait for the same

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    # --- the question ---------------------------------------------------------------------------

    @overload
    async def request(
        self,
        method: str,
        target: str,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes | AsyncIterator[bytes] = b"",
        *,
        length: int | None = None,
        deadline: float | None = None,
        stream: Literal[False] = False,
    ) -> Response: ...

    @overload
    async def request(
        self,
        method: str,
        target: str,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes | AsyncIterator[bytes] = b"",
        *,
        length: int | None = None,
        deadline: float | None = None,
        stream: Literal[True],
    ) -> StreamedResponse: ...

    async def request(
        self,
        method: str,
        target: str,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes | AsyncIterator[bytes] = b"",
        *,
        length: int | None = None,
        deadline: float | None = None,
        stream: bool = False,
    ) -> Response | StreamedResponse:
        """Send one request and wait for its answer, whatever the status.

        Cancelling it closes the socket at once, so the other side can stop too.

        Args:
            method: In capitals.
            target: Path and query as they go on the wire.
            headers: In order; names in any case, values latin-1. Host is filled in unless given;
                those that frame the message are the connection's own.
            body: Octets, or chunks from an iterator (sent chunked, unless there is a length). What
                the iterator raises is raised here, and closes the connection.
            length: How many octets the iterator gives, where that is known: exactly so many.
            deadline: `time.monotonic()` by which all of it ends: waiting for a connection,
                connecting, the answer, and a streamed body. None is for ever.
            stream: Answer as soon as the headers are there, and read the body as it arrives.

        Raises:
            NotSent: Not one octet left this process.
            Unknown: Some did, and there is no whole answer.
            ValueError: It cannot be written as one HTTP request; nothing was sent.
            RuntimeError: The pool was never started.
        """
        length = len(body) if isinstance(body, bytes) else length
        head = compose(self._authority, method, target, headers, length)
        if deadline is not None and deadline <= monotonic():
            raise self._too_late("before it was sent")
        connection = self._reuse() or await self._acquire(deadline)
        seconds = None
        if deadline is not None:
            seconds = deadline - monotonic()
            if seconds <= 0:
                self._pass_on(connection)
                raise self._too_late("before it was sent")
        answer = connection.send(
            method, head, body, length=length, streamed=stream, seconds=seconds
        )
        try:
            return await answer
        except asyncio.CancelledError:
            connection.cancel(answer)
            raise

    # --- the connections ------------------------------------------------------------------------

    def _reuse(self) -> Connection | None:
        """The idle connection used last, so that those not needed grow old and go."""
        while self._idle:
            connection, _ = self._idle.popitem()
            if connection.fresh():
                return connection
            connection.abort()
        return None

    async def _acquire(self, deadline: float | None) -> Connection:
        """Open a connection, or wait in line for one.

        A line forms only when every slot is taken and none is idle; whatever comes free then
        goes to its head, so nobody overtakes.
        """
        if not self._started:
            raise RuntimeError(f"start the pool first: `async with Pool({str(self._origin)!r})`")
        if self._stopped:
            raise self._not_running()
        again = False
        while self._slots >= self._connections:
            connection = await self._wait(deadline, again=again)
            if connection is None:
                return await self._connect(deadline)
            if connection.fresh():
                return connection
            connection.abort()
            again = True  # it was our turn: keep the place
        self._slots += 1
        return await self._connect(deadline)

    async def _wait(self, deadline: float | None, *, again: bool) -> Connection | None:
        if len(self._waiters) >= self._queue:
            raise NotSent(
                f"{self._origin}: all {self._connections} connections are busy and "
                f"{self._queue} requests wait; slow down, or give the pool more connections",
                Reason.BUSY,
            )
        waiter: _Waiter = self._loop.create_future()
        timer = None
        if deadline is not None:
            timer = self._loop.call_later(deadline - monotonic(), self._expire, waiter)
        if again:
            self._waiters.appendleft(waiter)
        else:
            self._waiters.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.cancelled():
                self._forget(waiter)
            elif waiter.exception() is None:  # granted and cancelled at once: pass it on
                self._pass_on(waiter.result())
            raise
        finally:
            if timer is not None:
                timer.cancel()

    def _expire(self, waiter: _Waiter) -> None:
        if not waiter.done():
            self._forget(waiter)
            waiter.set_exception(self._too_late("while waiting for a connection"))

    def _forget(self, waiter: _Waiter) -> None:
        if waiter in self._waiters:
            self._waiters.remove(waiter)

    async def _connect(self, deadline: float | None) -> Connection:
        """Open a connection in a slot that is ours; give the slot back if that fails."""
        seconds = self._connect_timeout
        if deadline is not None:
            seconds = min(seconds, deadline - monotonic())
        try:
            async with asyncio.timeout(seconds) as scope:
                self._connecting.add(scope)
                try:
                    connection = await connect(self._origin, self._tls, self._max_response)
                finally:
                    self._connecting.discard(scope)
        except TimeoutError as error:
            self._free_slot()
            if self._stopped:
                raise self._not_running() from error
            if seconds < self._connect_timeout:
                raise self._too_late("while connecting") from error
            raise NotSent(
                f"{self._origin}: no connection within {seconds} s; is the address right?",
                Reason.CONNECT,
            ) from error
        except BaseException:
            self._free_slot()
            raise
        if self._stopped:
            connection.abort()
            self._free_slot()
            raise self._not_running()
        connection.on_free = self._freed
        connection.on_lost = self._lost  # from here on it holds the slot
        self._open.add(connection)
        return connection

    def _freed(self, connection: Connection) -> None:
        """A connection can carry another request: the first in line has it, or it idles."""
        if self._grant(connection):
            return
        if self._draining:
            connection.abort()
        else:
            connection.idle_since = self._loop.time()
            self._idle[connection] = None
            if self._sweeper is None:
                self._sweeper = self._loop.call_later(self._idle_timeout, self._sweep)

    def _lost(self, connection: Connection) -> None:
        self._open.discard(connection)
        self._idle.pop(connection, None)
        self._free_slot()

    def _free_slot(self) -> None:
        if self._stopped or not self._grant(None):
            self._slots -= 1
            if self._slots == 0 and self._empty is not None and not self._empty.done():
                self._empty.set_result(None)

    def _grant(self, granted: Connection | None) -> bool:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(granted)
                return True
        return False

    def _pass_on(self, granted: Connection | None) -> None:
        if granted is None:
            self._free_slot()
        elif granted.fresh():
            self._freed(granted)
        else:
            granted.abort()

    def _sweep(self) -> None:
        """Close what idled too long, and come again when the next will have."""
        self._sweeper = None
        now = self._loop.time()
        for connection in list(self._idle):
            left = connection.idle_since + self._idle_timeout - now
            if left > 0:
                self._sweeper = self._loop.call_later(left, self._sweep)
                return
            del self._idle[connection]
            connection.abort()

    # --- words ----------------------------------------------------------------------------------

    def _too_late(self, when: str) -> NotSent:
        return NotSent(f"{self._origin}: the deadline passed {when}", Reason.DEADLINE)

    def _not_running(self) -> NotSent:
        return NotSent(f"{self._origin}: the pool is stopped", Reason.STOPPED)
