"""Health: a program asked every second whether it is well."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Any

from .asgi import Application
from .mistake import ProgramMistake

__all__ = ["Health", "status_of"]

_EVERY = 1.0
"""Seconds between two questions."""

_PATIENCE = 2.0
"""Seconds that an answer may take."""

_FAILURES = 3
_LOOK = 0.1


class Health:
    """Asks ``service`` for ``path`` every second, by ``status``, which gives or raises anything.

    Well is what answers below 400. After three failures it is unwell, until it answers.
    """

    def __init__(self, service: str, path: str, status: Callable[[], Awaitable[int]]) -> None:
        self._service = service
        self._path = path
        self._status = status
        self._failures = 0
        self._watching: asyncio.Task[None] | None = None

    def unwell(self) -> str:
        """What is the matter; the empty text while nothing is."""
        if self._failures < _FAILURES:
            return ""
        return f"{self._service} does not answer GET {self._path}"

    async def answers(self) -> bool:
        """Whether it does now."""
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._status() < 400
        except (Exception, SystemExit):  # noqa: BLE001  # whatever came instead of an answer
            return False

    async def begin(self, patience: float) -> None:
        """Wait ``patience`` seconds at most until it answers, and watch it. Raises `ProgramMistake`."""
        until = monotonic() + patience
        while not await self.answers():
            if monotonic() > until:
                raise self.silent(patience)
            await asyncio.sleep(_LOOK)
        self.watch()

    def silent(self, seconds: float) -> ProgramMistake:
        """Why it is not there, though it has had ``seconds``."""
        what = f"{self._service} has not answered GET {self._path} below 400 within {seconds:.0f} s"
        return ProgramMistake(what, "See its log, or name another path as `ready`")

    def watch(self) -> None:
        """Ask from now on."""
        self._watching = asyncio.create_task(self._watch(), name=f"health of {self._service}")

    async def stop(self) -> None:
        """Ask no more."""
        watching, self._watching = self._watching, None
        if watching is not None:
            watching.cancel()
            await asyncio.wait((watching,))

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_EVERY)
            self._failures = 0 if await self.answers() else self._failures + 1


async def status_of(app: Application, path: str, state: Mapping[str, Any] | None) -> int:
    """The status of a GET of ``path`` from ``app``, asked in this process; raises what it raises.

    Nobody counts it and no log has it: it is not one of its requests.
    """
    raw, _, query = path.encode().partition(b"?")
    asked = [{"type": "http.request", "body": b"", "more_body": False}]
    status = 500

    async def receive() -> Mapping[str, Any]:
        if asked:
            return asked.pop()
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    async def send(message: Mapping[str, Any]) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path.partition("?")[0],
        "raw_path": raw,
        "query_string": query,
        "root_path": "",
        "headers": [(b"host", b"127.0.0.1")],
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", 80),
        "state": dict(state or {}),
    }
    await app(scope, receive, send)
    return status
