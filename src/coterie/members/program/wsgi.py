"""Wsgi: a WSGI application as an ASGI one, in threads of its own."""

import asyncio
import io
import logging
import threading
from collections.abc import Mapping
from contextvars import Context, copy_context
from queue import SimpleQueue
from typing import Any
from wsgiref.types import WSGIApplication, WSGIEnvironment

from coterie.binding.rest import problem_reply
from coterie.call import Failure, Sent
from coterie.contract import Code

from .asgi import Receive, Scope, Send
from .environ import environ
from .exchange import Exchange
from .intake import Intake
from .named import ROUTE
from .responding import respond
from .tell import tell

__all__ = ["Wsgi"]

log = logging.getLogger("coterie.program")

_WHOLE = 1 << 20
"""Octets of a body that are gathered before a thread begins: it waits for no slow client then."""

_LAST = 5.0
"""Seconds that threads may take to end."""

_Job = tuple[Context, Exchange, WSGIEnvironment]


class Wsgi:
    """Answers with ``app`` (PEP 3333), ``threads`` requests at a time. A component.

    Up to ``waiting`` more wait for a thread; those beyond are refused with 503, and nothing was begun,
    nor is it for a client that leaves before.
    ``body_limit`` is in octets. Each request runs in a copy of the context it came in: what is current
    there is current in the thread. A body of up to a megabyte is there before the application is asked;
    a longer one arrives as it is read. What an application sends leaves as it is sent, and no
    faster than the client reads; one that nobody reads any more is not iterated further. What it
    returned is closed in any case.
    """

    def __init__(
        self,
        app: WSGIApplication,
        *,
        threads: int = 8,
        waiting: int = 1000,
        body_limit: int = 1 << 30,
    ) -> None:
        self._app = app
        self._count = threads
        self._most = threads + waiting
        self._limit = body_limit
        self._open = 0
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    async def start(self) -> None:
        """Start the threads."""
        self._threads = [
            # Daemons: one that a program holds for ever must not hold the process.
            threading.Thread(target=self._work, name=f"wsgi-{number}", daemon=True)
            for number in range(1, self._count + 1)
        ]
        for thread in self._threads:
            thread.start()

    async def stop(self) -> None:
        """End the threads; those that do not end in five seconds are left behind, and named."""
        threads, self._threads = self._threads, []
        for _ in threads:
            self._jobs.put(None)
        until = asyncio.get_running_loop().time() + _LAST
        while any(thread.is_alive() for thread in threads):
            if asyncio.get_running_loop().time() > until:
                late = sum(thread.is_alive() for thread in threads)
                log.warning("%d requests do not end; their threads are left behind", late)
                return
            await asyncio.sleep(0.005)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's request (ASGI 3.0)."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1000})
                return
            raise RuntimeError("a WSGI application knows no lifespan")
        if self._open >= self._most:
            what = "Every thread is busy and many requests wait; try again in a moment"
            shed = Failure(Code.UNAVAILABLE, what, retry_after=1.0, sent=Sent.SHED)
            await tell(problem_reply(shed), send)
            return
        announced, _ = _announced(scope)
        if announced is not None and announced > self._limit:
            await tell(problem_reply(self._too_large()), send)
            return
        self._open += 1
        try:
            await self._serve(scope, receive, send)
        finally:
            self._open -= 1

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        announced, chunked = _announced(scope)
        parts: list[bytes] = []
        whole = announced is None and not chunked
        if not whole and (announced is None or announced <= _WHOLE):
            left, whole = await _gather(receive, parts)
            if left:
                return
        exchange = Exchange(asyncio.get_running_loop())
        watch: asyncio.Task[None] | None = None
        intake: Intake | None = None
        body: Any
        if whole:
            length = sum(map(len, parts)) if chunked else announced
            body = io.BytesIO(parts[0] if len(parts) == 1 else b"".join(parts))
        else:
            length = announced
            intake = Intake(parts, receive, self._limit, exchange.leave)
            body = io.BufferedReader(intake, 1 << 16)
            watch = asyncio.create_task(intake.pump())
        variables = environ(scope, body, length)
        variables["wsgi.multithread"] = self._count > 1
        if self._open > self._count:
            # It has to wait for a thread: whoever leaves meanwhile needs none.
            watch = watch or asyncio.create_task(_departure(receive, exchange))
        self._jobs.put((copy_context(), exchange, variables))
        try:
            while not exchange.gone:
                messages = await exchange.take()
                scope[ROUTE] = exchange.route
                for message in messages:
                    await send(message)
                exchange.taken()
                if exchange.finished:
                    return
                # It takes its time: somebody has to see the client leave.
                watch = watch or asyncio.create_task(_departure(receive, exchange))
        finally:
            exchange.leave()
            if watch is not None:
                watch.cancel()
            if intake is not None:
                intake.end()

    def _work(self) -> None:
        jobs, app = self._jobs, self._app
        while (job := jobs.get()) is not None:
            context, exchange, variables = job
            if not exchange.gone:
                context.run(respond, app, variables, exchange)
            del job, context, exchange, variables  # or they would live until the next one comes

    def _too_large(self) -> Failure:
        what = f"The body is larger than {self._limit} bytes, the most taken here"
        close = (("connection", "close"),)
        return Failure(Code.RESOURCE_EXHAUSTED, what, status=413, headers=close)


async def _gather(receive: Receive, parts: list[bytes]) -> tuple[bool, bool]:
    """Add what comes to ``parts``, a megabyte or so; whether the client left, and whether it is all."""
    size = 0
    while size <= _WHOLE:
        message = await receive()
        if message["type"] == "http.disconnect":
            return True, False
        part: bytes = message.get("body", b"")
        parts.append(part)
        size += len(part)
        if not message.get("more_body", False):
            return False, True
    return False, False


async def _departure(receive: Receive, exchange: Exchange) -> None:
    message: Mapping[str, Any] = {"type": ""}
    while message["type"] != "http.disconnect":
        message = await receive()
    exchange.leave()


def _announced(scope: Scope) -> tuple[int | None, bool]:
    """The content-length, and whether the body is chunked."""
    length, chunked = None, False
    for name, value in scope["headers"]:
        if name == b"content-length":
            length = int(value)
        elif name == b"transfer-encoding":
            chunked = True
    return length, chunked
