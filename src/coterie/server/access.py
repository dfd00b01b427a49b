"""AccessLog: one line a request, cheap enough to leave on."""

import asyncio
import sys
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import TextIO

import msgspec

__all__ = ["AccessLog"]

_MOST = 256


class AccessLog:
    """Writes method, path, status, time, operation and trace of every request.

    Lines gather for up to ``delay`` seconds and leave in one write; `flush` writes at once.
    ``json`` makes each line an object for machines, which begins with the members of ``who``: the
    service and the instance that write it, say. Of paths that are ``untold`` only failures are
    written: watchers ask for them every second.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        json: bool = False,
        delay: float = 0.05,
        who: Mapping[str, str] | None = None,
        untold: Collection[str] = (),
    ) -> None:
        self._stream = stream or sys.stderr
        self._json = json
        self._who = dict(who or {})
        self._untold = frozenset(untold)
        self._delay = delay
        self._lines: list[str] = []
        self._timer: asyncio.TimerHandle | None = None
        self._second = 0
        self._stamp = ""

    def note(
        self,
        method: str,
        target: str,
        status: int,
        seconds: float,
        operation: str,
        trace_id: str,
        span_id: str = "",
    ) -> None:
        """Log one request that has been answered. ``target`` is escaped as it needs.

        ``span_id`` is the call's, where it became one; it stands in objects only.
        """
        if status == 200 and target in self._untold:
            return
        now = time.time()
        second = int(now)
        if second != self._second:
            self._second = second
            self._stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        stamp = f"{self._stamp}.{int((now - second) * 1000):03d}Z"
        if self._json:
            members = _members(stamp, method, target, status, seconds, operation)
            traced = {"trace_id": trace_id} | ({"span_id": span_id} if span_id else {})
            line = msgspec.json.encode({**self._who, **members, **traced}).decode() + "\n"
        else:
            if not (target.isascii() and target.isprintable()):
                target = ascii(target)
            took = f"{seconds * 1000:.1f} ms"
            line = f"{stamp} {method} {target} {status} {took} {operation} {trace_id}\n"
        self._lines.append(line)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._delay, self.flush)
        elif len(self._lines) >= _MOST:
            self.flush()

    def flush(self) -> None:
        """Write what has gathered."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        lines, self._lines = self._lines, []
        if lines:
            # A log whose reader has gone away must not stop requests, and there is nobody to tell.
            with suppress(OSError, ValueError):
                self._stream.write("".join(lines))
                self._stream.flush()


def _members(
    stamp: str, method: str, target: str, status: int, seconds: float, operation: str
) -> dict[str, str | int | float]:
    return {
        "time": stamp,
        "method": method,
        "target": target,
        "status": status,
        "ms": round(seconds * 1000, 3),
        "operation": operation,
    }
