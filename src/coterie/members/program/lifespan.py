"""Lifespan: an ASGI application's own start and end."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from .asgi import Application
from .mistake import ProgramMistake

__all__ = ["Lifespan"]

log = logging.getLogger("coterie.program")

_LAST = 10.0
"""Seconds that an application may take to end."""


class Lifespan:
    """Runs the lifespan of ``app``, called ``name`` (ASGI 3.0, *Lifespan Protocol* 2.0). A component.

    ``patience`` is the seconds it may take to start. ``state`` is what it keeps for its requests.
    An application that knows no lifespan is none the worse.

    Raises `ProgramMistake` at start where the application says that it failed, or is not ready in time.
    """

    def __init__(self, app: Application, *, name: str, patience: float = 60.0) -> None:
        self.state: dict[str, Any] = {}
        self._app = app
        self._name = name
        self._patience = patience
        self._task: asyncio.Task[None] | None = None
        self._inbox: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
        self._started: asyncio.Future[str | None] | None = None
        self._stopped: asyncio.Future[str | None] | None = None
        self._speaks = False

    async def start(self) -> None:
        """Start the application; returns when it is ready."""
        loop = asyncio.get_running_loop()
        self._started, self._stopped = loop.create_future(), loop.create_future()
        self._inbox.put_nowait({"type": "lifespan.startup"})
        self._task = asyncio.create_task(self._run(), name=f"lifespan of {self._name}")
        # Both: one that ends without a word is told by its task alone.
        waiting: set[asyncio.Future[Any]] = {self._started, self._task}
        done, _ = await asyncio.wait(
            waiting, timeout=self._patience, return_when=asyncio.FIRST_COMPLETED
        )
        if not done:
            await self._cancel()
            what = f"{self._name} has not started within {self._patience:.0f} s"
            raise ProgramMistake(what, "See what its lifespan waits for")
        if self._started.done() and (failed := self._started.result()) is not None:
            await self._cancel()
            last = failed.strip().rpartition("\n")[2] or "it does not say why"
            if failed.strip():
                log.error("%s did not start:\n%s", self._name, failed.strip())
            what = f"the lifespan of {self._name} failed at its start: {last}"
            raise ProgramMistake(what, "Its log says where")

    async def stop(self) -> None:
        """End the application; what it complains of is logged."""
        task, stopped = self._task, self._stopped
        self._task = None
        if task is None or stopped is None or not self._speaks or task.done():
            return
        self._inbox.put_nowait({"type": "lifespan.shutdown"})
        waiting: set[asyncio.Future[Any]] = {stopped, task}
        done, _ = await asyncio.wait(waiting, timeout=_LAST, return_when=asyncio.FIRST_COMPLETED)
        if not done:
            log.warning("%s has not ended within %.0f s", self._name, _LAST)
        elif stopped.done() and (failed := stopped.result()) is not None:
            log.error("%s did not end well: %s", self._name, failed.strip() or "it says no more")
        self._task = task
        await self._cancel()

    async def _cancel(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            if self._stopped is not None and self._stopped.done():
                await asyncio.wait((task,), timeout=1.0)  # its own last lines
            task.cancel()
            await asyncio.wait((task,))

    async def _run(self) -> None:
        scope: dict[str, Any] = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        try:
            await self._app(scope, self._inbox.get, self._send)
        except Exception as error:  # the specification: then it knows no lifespan, and is served
            if self._speaks or self._inbox.empty():
                log.exception("the lifespan of %s ended with an error", self._name)
            else:
                log.debug("%s knows no lifespan: %r", self._name, error)

    async def _send(self, message: Mapping[str, Any]) -> None:
        kind = message["type"]
        if self._started is None or self._stopped is None:
            raise RuntimeError("nobody asked this lifespan to start")
        said: str | None = message.get("message", "") if kind.endswith(".failed") else None
        if kind.startswith("lifespan.startup.") and not self._started.done():
            self._speaks = said is None
            self._started.set_result(said)
        elif kind.startswith("lifespan.shutdown.") and not self._stopped.done():
            self._stopped.set_result(said)
        else:
            raise RuntimeError(f"unexpected lifespan message {kind!r}")
