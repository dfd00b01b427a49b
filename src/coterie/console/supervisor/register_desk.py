"""RegisterDesk: the registry over HTTP within the console's process, open once its file is free."""

import asyncio
import logging
from contextlib import suppress
from typing import Any

from coterie.members.registry.server import RegisterFileError, RegistryApp

__all__ = ["RegisterDesk"]

log = logging.getLogger("coterie.console")

_PREFIX = "/registry"
_AGAIN = 0.05
_PATIENCE = 15.0
_CLOSED = b'{"error": "The registry is just being opened. Try again in a second."}'
_HEADERS = [
    (b"content-type", b"application/json"),
    (b"content-length", str(len(_CLOSED)).encode()),
    (b"retry-after", b"1"),
]


class RegisterDesk:
    """``registry`` below ``/registry``, ``rest`` everywhere else.

    One console takes over from another while that one finishes; the register's file is one
    process's at a time. So it is opened as soon as the other has let go, and whoever asks before
    is told to come again.
    """

    def __init__(self, registry: RegistryApp, rest: Any) -> None:
        self._registry = registry
        self._rest = rest
        self._open = False
        self._opening: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to open it."""
        self._opening = asyncio.create_task(self._start(), name="open the registry")

    async def stop(self) -> None:
        """Close it."""
        if self._opening is not None:
            self._opening.cancel()
            with suppress(asyncio.CancelledError):
                await self._opening
        if self._open:
            self._open = False
            await self._registry.stop()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request (ASGI 3.0)."""
        path: str = scope.get("path", "")
        if path != _PREFIX and not path.startswith(f"{_PREFIX}/"):
            await self._rest(scope, receive, send)
        elif self._open:
            await self._registry(scope, receive, send)
        else:
            await send({"type": "http.response.start", "status": 503, "headers": _HEADERS})
            await send({"type": "http.response.body", "body": _CLOSED})

    async def _start(self) -> None:
        until = asyncio.get_running_loop().time() + _PATIENCE
        while not self._open:
            try:
                await self._registry.start()
            except RegisterFileError as error:
                if asyncio.get_running_loop().time() > until:
                    log.error("there is no registry at %s: %s", _PREFIX, error)  # noqa: TRY400
                    return
                await asyncio.sleep(_AGAIN)
            else:
                self._open = True
