"""RemoteSource: a system of processes, seen through its supervisor's socket and its instances."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path

from coterie.console.control import Catalogue, ControlClient, ControlError, Rows
from coterie.console.row import OWN, Row

from .poll import Poll
from .port import Audience, Batch

__all__ = ["RemoteSource"]

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 2.0


class RemoteSource:
    """The system that keeps its state in the folder ``state``; a `Source`.

    Rows and log lines come from the control socket, spans and metrics from each instance of a
    service over HTTP. What is away is asked for again without end, at most two seconds apart.
    """

    def __init__(self, state: Path) -> None:
        self._control = ControlClient(state)
        self._polls: dict[str, Poll] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._watched = False
        self._audience: Audience
        self._task: asyncio.Task[None] | None = None

    async def start(self, audience: Audience) -> None:
        """Tell ``audience`` from here on."""
        self._audience = audience
        self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Tell nothing more; never raises."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        self._keep({})
        await asyncio.gather(*self._leaving, return_exceptions=True)

    def heed(self, *, watched: bool) -> None:
        """Somebody looks from now on, or nobody does."""
        self._watched = watched
        for poll in self._polls.values():
            poll.heed(watched=watched)

    async def catalogue(self) -> Catalogue | None:
        """What the system promises; ``None`` while the supervisor does not answer."""
        try:
            return await self._control.inventory()
        except ControlError:
            return None

    async def metrics(self) -> Sequence[tuple[str, bytes]]:
        """The Prometheus text of each instance that answers within two seconds."""
        polls = list(self._polls.items())
        bodies = await asyncio.gather(*(poll.metrics() for _, poll in polls))
        return [
            (name, body) for (name, _), body in zip(polls, bodies, strict=True) if body is not None
        ]

    async def _watch(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            why = "the supervisor has ended the conversation"
            try:
                async with aclosing(self._control.watch()) as told:
                    async for message in told:
                        pause = _FIRST_PAUSE
                        if isinstance(message, Rows):
                            self._rows(message.rows)
                        else:
                            self._audience.line(message.source, message.line)
            except ControlError as error:
                why = error.what
            self._audience.away(why)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _rows(self, rows: Sequence[Row]) -> None:
        self._keep(
            {row.name: row for row in rows if row.kind == "service" and row.address is not None}
        )
        self._audience.rows(rows)

    def _batch(self, name: str, batch: Batch) -> None:
        if batch.spans:
            self._audience.spans(batch.spans)
        if batch.lost > 0:
            self._audience.lost(batch.lost)
        self._audience.policies(name, batch.policies, batch.states)

    def _keep(self, wanted: dict[str, Row]) -> None:
        for name, poll in list(self._polls.items()):
            row = wanted.get(name)
            if row is None or row.address != poll.url:
                del self._polls[name]
                leaving = asyncio.create_task(poll.stop())
                self._leaving.add(leaving)
                leaving.add_done_callback(self._leaving.discard)
        for name, row in wanted.items():
            found = self._polls.get(name)
            if found is None and row.address is not None:
                try:
                    below = OWN if row.program else ""
                    found = Poll(row.address, partial(self._batch, name), below=below)
                except ValueError:  # an address that is no URL is nobody's to ask
                    continue
                self._polls[name] = found
                found.heed(watched=self._watched)
                found.start()
            if found is not None:
                found.calls(row.calls)
