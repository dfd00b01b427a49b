"""Surround: what stands round a program that knows nothing of us."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import Any

from coterie.binding.rest import from_headers, problem_reply
from coterie.call import Context, Failure, Reply, current_context
from coterie.contract import Code, Operation
from coterie.server import AccessLog
from coterie.telemetry import Meter

from .answering import Answering
from .asgi import Application, Receive, Scope, Send
from .forwarded import GATEWAYS, believe
from .named import Named, code_of, route_of
from .own import OWN_BELOW, Own
from .tell import tell

__all__ = ["Surround"]

log = logging.getLogger("coterie.program")

_LEFT = 499
"""What the log has where nobody waited for an answer."""

Names = Callable[[str, str], str | None]
"""What the operation of a request is called, by its method and path; ``None`` where nobody knows."""


class Surround:
    """Serves ``app`` as the ``instance`` of ``service``, and takes of it nothing but ``/.coterie/``.

    ::

        GET /.coterie/live         200 while the process answers
        GET /.coterie/ready        200 while ``ready`` is true, the program is well, and it does not drain
        GET /.coterie/metrics      Prometheus text, as other instances tell it
        GET /.coterie/telemetry    ``?after=N``: the spans numbered above N, in JSON

    None of these is answered to whoever comes through a gateway. Each request leaves a span in
    ``meter`` and a line in ``access``. It continues the trace of its ``traceparent``; the program finds
    there the span it is itself, and `coterie.call.current` knows it too. ``names`` says what operation a
    request is, where a contract tells; else it is called by the method, and by the route where the
    framework says which. ``unwell`` says what is the matter with the program, the empty text while
    nothing is. ``state`` is what its lifespan keeps. What a gateway says of the client is believed,
    unless ``forwarded`` is false: then anybody may reach this instance.

    An error of the program is answered with 500, without a word of what it was; the log has that,
    with the trace. So is an answer that is none.
    """

    def __init__(
        self,
        app: Application,
        *,
        service: str,
        instance: str = "",
        meter: Meter,
        access: AccessLog | None = None,
        names: Names | None = None,
        unwell: Callable[[], str] = str,
        state: Mapping[str, Any] | None = None,
        forwarded: bool = True,
    ) -> None:
        self.calls = 0
        """Requests that have come in since it began; its own pages are not counted."""
        self.in_flight = 0
        """Those that are not answered yet."""
        self.ready = False
        """Whoever started the program says so."""
        self.draining = False
        self.service = service
        self._app = app
        self._access = access
        self._names = names
        self._state = {} if state is None else state
        self._forwarded = forwarded
        self._named = Named(meter)
        self._log_name = f"{service} ({instance})" if instance else service
        self._own = Own(meter, lambda: self.in_flight, lambda: self._away(unwell))

    def flush(self) -> None:
        """Write what the access log still holds."""
        if self._access is not None:
            self._access.flush()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's request (ASGI 3.0)."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            raise RuntimeError("the program's life belongs to its Lifespan")

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = perf_counter()
        method: str = scope["method"]
        path: str = scope["path"]
        known: dict[bytes, bytes] = dict(scope["headers"])
        if path.startswith(OWN_BELOW):
            gated = not known.keys().isdisjoint(GATEWAYS)
            await tell(self._own.answer(scope, gated=gated), send)
            return
        context = self._entered(scope, known)
        trace = context.trace
        operation: Operation | None = None
        left = False

        def opened(status: int) -> None:
            nonlocal operation
            operation = self._operation(method, path, scope)
            self._named.served(operation, trace, code_of(status), perf_counter() - began)

        async def listened() -> Mapping[str, Any]:
            nonlocal left
            message = await receive()
            left = left or message["type"] == "http.disconnect"
            return message

        answering = Answering(send, method, opened)
        self.calls += 1
        self.in_flight += 1
        token = current_context.set(context)
        try:
            error = await _raised(self._app(scope, listened, answering.send))
            if not answering.whole:
                what = f"{method} {path} (trace {trace.trace_id})"
                self._say(what, answering, error, left=left)
                if not left and not answering.begun:
                    answering.status = 500
                    await tell(_sorry(self.service, trace.trace_id), send)
            elif error is not None or answering.garbage:
                what = f"{method} {path} (trace {trace.trace_id})"
                self._say_after(what, answering, error)
        finally:
            current_context.reset(token)
            self.in_flight -= 1
            status = answering.status or _LEFT
            if operation is None:
                broken = answering.begun and not answering.whole
                opened((_LEFT if left else 500) if broken else status)
            if self._access is not None:
                name = "-" if operation is None else operation.id
                seconds = perf_counter() - began
                told = (trace.trace_id, trace.span_id)
                self._access.note(method, path, status, seconds, name, *told)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = perf_counter()
        context = self._entered(scope, dict(scope["headers"]))
        path: str = scope["path"]
        answered = False

        async def noted(message: Mapping[str, Any]) -> None:
            nonlocal answered
            if not answered:
                answered = True
                code = None if message["type"] == "websocket.accept" else Code.PERMISSION_DENIED
                operation = self._operation("WEBSOCKET", path, scope)
                self._named.served(operation, context.trace, code, perf_counter() - began)
            await send(message)

        self.calls += 1
        self.in_flight += 1
        token = current_context.set(context)
        try:
            await self._app(scope, receive, noted)
        except Exception:
            trace_id = context.trace.trace_id
            log.exception("%s: WEBSOCKET %s failed (trace %s)", self._log_name, path, trace_id)
            await send({"type": "websocket.close", "code": 1011})
        finally:
            current_context.reset(token)
            self.in_flight -= 1

    def _entered(self, scope: Scope, known: dict[bytes, bytes]) -> Context:
        """The context of a request; its scope is made what the program is to see."""
        context = from_headers(known)
        parent = (b"traceparent", context.trace.traceparent.encode())
        if b"traceparent" in known:
            headers = [pair for pair in scope["headers"] if pair[0] != b"traceparent"]
            scope["headers"] = [*headers, parent]
        else:
            # Without a parent, what vendors added to one means nothing (W3C Trace Context, 3.3).
            headers = [pair for pair in scope["headers"] if pair[0] != b"tracestate"]
            scope["headers"] = [*headers, parent]
        if self._forwarded:
            believe(scope, known)
        scope["state"] = dict(self._state)
        return context

    def _operation(self, method: str, path: str, scope: Scope) -> Operation:
        name = None if self._names is None else self._names(method, path)
        if name is not None:
            return self._named.promised(name)
        return self._named.operation(self.service, method, route_of(scope))

    def _say(
        self, what: str, answering: Answering, error: BaseException | None, *, left: bool
    ) -> None:
        """Say in the log why there is no whole answer."""
        begun = "broke off in the middle of its answer to" if answering.begun else "failed at"
        if answering.garbage:
            log.error("%s %s %s: %s", self._log_name, begun, what, answering.garbage)
        elif left:
            log.info("%s: the client of %s went away: %r", self._log_name, what, error)
        elif error is not None:
            log.error("%s %s %s", self._log_name, begun, what, exc_info=error)
        else:
            log.error(
                "%s %s %s: it returned before its answer was whole", self._log_name, begun, what
            )

    def _say_after(self, what: str, answering: Answering, error: BaseException | None) -> None:
        """Say in the log what went wrong beside an answer that is whole."""
        if answering.garbage:
            log.error("%s: at %s %s", self._log_name, what, answering.garbage)
        else:
            log.error("%s: %s failed after its answer", self._log_name, what, exc_info=error)

    def _away(self, unwell: Callable[[], str]) -> str:
        """Why no requests are wanted here now; the empty text where they are."""
        if self.draining:
            return f"{self.service} is draining"
        if not self.ready:
            return f"{self.service} is starting"
        return unwell()


async def _raised(serving: Awaitable[None]) -> BaseException | None:
    """Await it; what the program raised. An end of this task is none of the program's."""
    task = asyncio.current_task()
    try:
        await serving
    except asyncio.CancelledError as error:
        if task is None or task.cancelling():
            raise
        return error
    except (Exception, SystemExit) as error:  # noqa: BLE001  # the process is not its to end
        return error
    return None


def _sorry(service: str, trace_id: str) -> Reply:
    what = f"{service} failed; its log tells why under trace {trace_id}"
    return problem_reply(Failure(Code.INTERNAL, what), trace_id)
