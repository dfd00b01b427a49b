"""Admin: what Envoy tells of itself and is told, over a Unix socket in a private folder."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from .port import Failed

__all__ = ["Admin"]

_PATIENCE = 5.0
_LARGEST = 16 * 2**20


class Admin:
    """Envoy's administration interface behind the socket ``path``. Each call is a connection.

    Raises `Failed` where Envoy does not answer within five seconds.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    async def ready(self) -> bool:
        """Whether it is initialized and not draining (`LIVE`); false where nobody answers."""
        try:
            status, body = await self._ask("GET", "/ready")
        except (OSError, EOFError, ValueError):
            return False
        return status == 200 and body.strip() == b"LIVE"

    async def stats(self, pattern: str = "") -> dict[str, int | str]:
        """Counters, gauges and texts by name; those whose name matches the expression ``pattern``."""
        told = await self._json(f"/stats?format=json&filter={_quoted(pattern)}")
        # Histograms have another shape, and no name.
        return {stat["name"]: stat["value"] for stat in told["stats"] if "value" in stat}

    async def in_flight(self) -> int:
        """Requests that have come in and are not answered yet, without those to this interface."""
        found = await self.stats(r"^http\..*\.downstream_rq_active$")
        return sum(int(n) for name, n in found.items() if not name.startswith("http.admin."))

    async def listening(self, name: str = "gateway") -> int:
        """The port that the listener ``name`` has, asked for or chosen by the system."""
        told = await self._json("/listeners?format=json")
        for status in told.get("listener_statuses", ()):
            if status["name"] == name:
                return int(status["local_address"]["socket_address"]["port_value"])
        why = f"has no listener named {name}"
        raise Failed("envoy", why, "See its log: it refuses a listener that it cannot use")

    async def reopen_logs(self) -> None:
        """Write access logs to files of their names, whatever became of those written so far."""
        await self._post("/reopen_logs")

    async def drain(self) -> None:
        """Take no new work: answers close their connections, health checks of the gateway fail.

        Listeners stay open; who has work under way is answered. To be stopped when `in_flight` is 0.
        """
        await self._post("/healthcheck/fail")
        await self._post("/drain_listeners?graceful&skip_exit")

    async def refuse(self, *, inbound: bool = False) -> None:
        """Listen no longer: connections that are open go on, new ones are refused.

        Only where the traffic is ``inbound``, and the listener says so, if that is asked for.
        """
        await self._post(f"/drain_listeners{'?inboundonly' if inbound else ''}")

    async def _post(self, target: str) -> None:
        status, body = await self._answered("POST", target)
        if status != 200:
            raise _odd(target, status, body)

    async def _json(self, target: str) -> dict[str, Any]:
        status, body = await self._answered("GET", target)
        try:
            if status == 200:
                return msgspec.json.decode(body, type=dict[str, Any])
        except msgspec.DecodeError:
            pass
        raise _odd(target, status, body)

    async def _answered(self, method: str, target: str) -> tuple[int, bytes]:
        try:
            return await self._ask(method, target)
        except (OSError, EOFError, ValueError) as error:
            why = f"does not answer at {self.path}: {str(error) or type(error).__name__}"
            raise Failed("envoy", why, "It may have ended; see its log") from error

    async def _ask(self, method: str, target: str) -> tuple[int, bytes]:
        """Status and body, by HTTP/1.1 (RFC 9112); 1.0, plainer to read, is refused by Envoy."""
        async with asyncio.timeout(_PATIENCE):
            reader, writer = await asyncio.open_unix_connection(self.path, limit=_LARGEST)
            try:
                fields = "Host: admin\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
                writer.write(f"{method} {target} HTTP/1.1\r\n{fields}".encode())
                head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
            finally:
                writer.transport.abort()
        words = head.split(b" ", 2)
        if len(words) < 3:
            raise EOFError("it hung up")
        chunked = b"\r\ntransfer-encoding: chunked" in head.lower()
        return int(words[1]), b"".join(_chunks(body)) if chunked else body


def _chunks(body: bytes) -> Iterator[bytes]:
    """What a chunked body holds (RFC 9112, 7.1). Raises `EOFError` if its end is missing."""
    at = 0
    while True:
        line, end, _ = body[at : at + 20].partition(b"\r\n")
        if not end:
            raise EOFError("it hung up in the middle of an answer")
        size = int(line.partition(b";")[0], 16)
        at += len(line) + 2
        if size == 0:
            return
        yield body[at : at + size]
        at += size + 2


def _quoted(pattern: str) -> str:
    return "".join(c if c.isalnum() and c.isascii() else f"%{ord(c):02X}" for c in pattern)


def _odd(target: str, status: int, body: bytes) -> Failed:
    said = body[:200].decode(errors="replace").strip()
    return Failed("envoy", f"answered {status} to {target}: {said}", "See its log")
