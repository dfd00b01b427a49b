"""Poll: takes each span of one instance once, for as long as the instance is there."""

import asyncio
from collections.abc import Callable
from time import monotonic

import msgspec

from coterie.client.http1 import NotSent, Pool, Unknown

from .port import Batch

__all__ = ["Poll"]

_SOON = 1.0
_RARELY = 5.0
_ABSENT = 30.0
_PATIENCE = 2.0

_batches = msgspec.json.Decoder(Batch)


class Poll:
    """Asks ``GET {url}{below}/telemetry?after=N``, gives ``told`` each answer, every span once.

    Once a second while there is something to tell or somebody looks; less and less often up to
    every five seconds otherwise. An instance that is away is asked again without end.
    """

    def __init__(self, url: str, told: Callable[[Batch], None], *, below: str = "") -> None:
        self.url = url
        self._below = below
        self.watched = False
        self._pool = Pool(url, connections=2, queue=4, connect_timeout=_PATIENCE)
        self._told = told
        self._next = 0
        self._calls = 0
        self._pause = _SOON
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to ask."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Ask no more; never raises."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        await self._pool.stop()

    def heed(self, *, watched: bool) -> None:
        """Somebody looks from now on, or nobody does."""
        self.watched = watched
        if watched:
            self._wake.set()

    def calls(self, number: int) -> None:
        """The instance has answered ``number`` calls by now: more than before is a reason to ask."""
        if number != self._calls:
            self._calls = number
            self._wake.set()

    async def metrics(self) -> bytes | None:
        """Its Prometheus text, or ``None`` if it does not answer in time."""
        return await self._get(f"{self._below}/metrics")

    async def _run(self) -> None:
        await self._pool.start()
        while True:
            began = monotonic()
            self._wake.clear()
            await self._ask()
            # Not twice a second, however often somebody wakes us.
            await asyncio.sleep(max(0.0, began + _SOON - monotonic()))
            more = self._pause - _SOON
            if more > 0 and not self.watched:
                try:
                    async with asyncio.timeout(more):
                        await self._wake.wait()
                except TimeoutError:
                    pass

    async def _ask(self) -> None:
        body = await self._get(f"{self._below}/telemetry?after={self._next}")
        if body is None:
            self._pause = min(self._pause * 2, _ABSENT)
            return
        try:
            batch = _batches.decode(body)
        except (msgspec.DecodeError, RecursionError):  # who answers here may be anybody
            self._pause = _ABSENT
            return
        self._next = batch.next
        self._told(batch)
        if batch.spans:
            self._pause = _SOON
        else:
            self._pause = min(self._pause * 2, _RARELY)

    async def _get(self, target: str) -> bytes | None:
        try:
            answer = await self._pool.request("GET", target, deadline=monotonic() + _PATIENCE)
        except (NotSent, Unknown):
            return None
        return answer.body if answer.status == 200 else None
