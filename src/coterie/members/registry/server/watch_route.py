"""WatchRoute: ``GET /watch``, as a long poll or as server-sent events."""

import asyncio
import math

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from .directory import Directory
from .refusal import Refused
from .reply import PLAIN, answer
from .views import Watched
from .watching import Watching, index_of

__all__ = ["WatchRoute"]

_STREAM = {**PLAIN, "X-Accel-Buffering": "no"}  # nginx would gather events before it passes them on


class WatchRoute:
    """Answers who watches ``directory``."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self.watching = Watching(directory)

    async def __call__(self, request: Request) -> Response:
        """``?index=N&wait=SECONDS&service=NAME``, and ``Accept: text/event-stream`` for a stream."""
        query = request.query_params
        service = query.get("service")
        if request.method == "HEAD":
            return answer(None)
        if "text/event-stream" in request.headers.get("accept", ""):
            self.watching.check_room()
            known = index_of(request.headers.get("last-event-id") or query.get("index"))
            events = self.watching.stream(known, service)
            return StreamingResponse(events, headers=_STREAM, media_type="text/event-stream")
        known = index_of(query.get("index", "0"))
        if known is None:
            raise Refused(400, "The index is the number that the last answer had")
        told = await self._while_here(request, known, self._wait(query.get("wait", "30")), service)
        return answer(told, index=told.index)

    def _wait(self, text: str) -> float:
        most = self._directory.limits.wait
        try:
            seconds = float(text)
        except ValueError:
            seconds = math.nan
        if not 0 <= seconds <= most:
            raise Refused(400, f"The wait is a number of seconds, 0 to {most:g}")
        return seconds

    async def _while_here(
        self, request: Request, index: int, wait: float, service: str | None
    ) -> Watched:
        """What is told, unless who asked leaves: then nobody waits in their place."""
        polling = asyncio.ensure_future(self.watching.poll(index, wait, service))
        leaving = asyncio.ensure_future(_left(request))
        try:
            await asyncio.wait((polling, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not polling.done():
                polling.cancel()
            leaving.cancel()
            await asyncio.wait((polling, leaving))
        if polling.cancelled():
            return Watched(index=index, reset=False, changes=())
        return polling.result()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
