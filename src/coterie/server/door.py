"""Door: what all connections of a process ask before they take a request up."""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Any, Protocol

import msgspec

from coterie.policy import Gate, Priority

from .access import AccessLog
from .body import Receive

__all__ = ["LEFT", "STREAMS", "Door", "Startable"]

Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Serve = Callable[[Mapping[str, Any], Receive, Send], Awaitable[None]]


class Startable(Protocol):
    """A connection with a request to be served."""

    def start(self, cycle: Any, app: Any) -> None:
        """Begin to serve it with ``app`` (ASGI 3.0)."""
        ...


log = logging.getLogger("coterie.server")

LEFT = "coterie.left"
"""In the scope of a request that was cancelled: its client has gone away."""

STREAMS = "coterie.streams"
"""In the scope of a request with a streamed body, which notices by itself that nobody is there."""

_CLOSES = b"connection: close\r\n"
_BODY = msgspec.json.encode(
    {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "There is too much to do here now, and nothing was begun; try again in a moment",
        "code": "unavailable",
    }
)
_HEADERS = [
    (
        (b"content-type", b"application/problem+json"),
        (b"retry-after", b"%d" % seconds),
        (b"coterie-refused", b"overload"),
        (b"content-length", b"%d" % len(_BODY)),
    )
    for seconds in (1, 2, 3)
]
# Heads without their last line. Not all come back at once: they are told different seconds.
_REFUSALS = [
    b"HTTP/1.1 503 Service Unavailable\r\n" + b"".join(b"%s: %s\r\n" % pair for pair in pairs)
    for pairs in _HEADERS
]

_WATCHED = frozenset(("/health/live", "/health/ready", "/metrics", "/telemetry"))

_ALOUD = 10.0
_SAMPLE = 1.0


class Door:
    """Passes on to ``serve`` what its gate lets in, and keeps what the others are told.

    ``priority`` says who goes first, by method and path; health, metrics and telemetry go before
    everybody, since those who watch must see what happens. ``access`` gets a line a second at most
    of what was refused. ``streams`` are requests under way whose bodies take as long as they like.
    """

    def __init__(
        self,
        gate: Gate,
        serve: Serve,
        priority: Callable[[str, str], Priority] | None,
        access: AccessLog | None,
    ) -> None:
        self.gate = gate
        self.streams = 0
        self._line: deque[tuple[Startable, Any]] = deque()
        self._starting = 0  # which have a task, and not had its first turn
        self._awaited = False
        begun = gate.begun

        def served(scope: Mapping[str, Any], receive: Receive, send: Send) -> Awaitable[None]:
            begun()
            self._starting -= 1
            if self._line:
                self._go_on()
            return serve(scope, receive, send)

        self.serve: Serve = served
        """Serves a request that was let in, from its first turn on (ASGI 3.0)."""
        self._priority = priority
        self._access = access
        self._sampled = 0.0
        self._told = 0.0
        self._refused = 0

    def start(self, connection: Startable, cycle: Any) -> None:
        """Serve a request that was let in: now, or in a later turn of the loop.

        Between two turns the loop looks at its sockets. So one that has much to do begins no more
        in a turn than its gate says, and those who are to be refused hear of it in time.
        """
        if self._starting < self.gate.batch and not self._line:
            self._starting += 1
            connection.start(cycle, self.serve)
            return
        self._line.append((connection, cycle))
        if not self._starting:
            self._go_on()

    def left(self) -> None:
        """A request that was started will not have its first turn: its client is gone."""
        self.gate.left()
        self._starting -= 1
        if self._line:
            self._go_on()

    def _go_on(self) -> None:
        if not self._awaited:
            self._awaited = True
            asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        self._awaited = False
        line, batch = self._line, self.gate.batch
        while line and self._starting < batch:
            connection, cycle = line.popleft()
            if cycle.disconnected:
                self.gate.left()
                continue
            self._starting += 1
            connection.start(cycle, self.serve)

    def takes(self, method: bytes, url: bytes, under_way: int) -> bool:
        """Whether this request is let in, where there is something to decide."""
        path = url.partition(b"?")[0].decode("latin-1")
        priority: Priority = "normal"
        if path in _WATCHED:
            priority = "high"
        elif self._priority is not None:
            priority = self._priority(method.decode("latin-1"), path)
        if self.gate.takes(priority, under_way - self.streams):
            return True
        self._note(method, path)
        return False

    def streaming(self, scope: Mapping[str, Any]) -> None:
        """The request of ``scope``, which the running task serves, takes as long as it likes."""
        task = asyncio.current_task()
        if task is not None and isinstance(scope, dict) and STREAMS not in scope:
            scope[STREAMS] = True
            self.streams += 1
            task.add_done_callback(self._streamed)

    def _streamed(self, _: object) -> None:
        self.streams -= 1

    def refusal(self, *, body: bool, closes: bool) -> bytes:
        """The whole answer to a request that was not let in; without ``body`` where it asked none."""
        head = _REFUSALS[int(random.random() * 3)]  # noqa: S311  # spreads, guards nothing
        return b"%s%s\r\n%s" % (head, _CLOSES if closes else b"", _BODY if body else b"")

    async def refuse(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """The same for a request that was sent ahead and answers in its turn (ASGI 3.0)."""
        headers = random.choice(_HEADERS)  # noqa: S311
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        await send({"type": "http.response.body", "body": _BODY})

    def exposition(self) -> bytes:
        """What the gate did, as Prometheus reads it."""
        gate = self.gate
        lines = [
            "# HELP coterie_shed_total Requests refused because there was too much to do.",
            "# TYPE coterie_shed_total counter",
            *(
                f'coterie_shed_total{{priority="{priority}"}} {number}'
                for priority, number in gate.refused.items()
            ),
            "# HELP coterie_shed_limit How many requests may wait for their turn now.",
            "# TYPE coterie_shed_limit gauge",
            f"coterie_shed_limit {gate.limit:.1f}",
            "# HELP coterie_shed_pressed Whether there is too much to do.",
            "# TYPE coterie_shed_pressed gauge",
            f"coterie_shed_pressed {int(gate.pressed)}",
        ]
        return ("\n".join(lines) + "\n").encode()

    def _note(self, method: bytes, path: str) -> None:
        self._refused += 1
        now = monotonic()
        if now < self._sampled:
            return
        self._sampled = now + _SAMPLE
        if self._access is not None:
            self._access.note(method.decode("latin-1"), path, 503, 0.0, "-", "")
        if now >= self._told:
            log.warning(
                "too much to do: %d requests refused since this was last said, which is every"
                " %.0f s at most; `coterie_shed_total` counts them all",
                self._refused,
                _ALOUD,
            )
            self._told = now + _ALOUD
            self._refused = 0
