"""Programs on sockets, and what is asked of them."""

import asyncio
import io
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from coterie.client.http1 import Pool, Response
from coterie.members.program import Surround
from coterie.server import AccessLog, HttpServer
from coterie.telemetry import Meter, Span

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE = "0af7651916cd43dd8448eb211c80319c"


class Asked:
    """A program with everything round it, and a client of it."""

    def __init__(self, surround: Surround, meter: Meter, port: int, pool: Pool) -> None:
        self.surround = surround
        self.meter = meter
        self.port = port
        self.log = io.StringIO()
        self._pool = pool

    async def ask(
        self, target: str, method: str = "GET", body: Any = b"", **headers: str
    ) -> Response:
        """One request; names of headers with underscores for hyphens."""
        pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
        return await self._pool.request(
            method, target, pairs, body, deadline=time.monotonic() + 20.0
        )

    async def json(self, target: str, method: str = "GET", body: Any = b"", **headers: str) -> Any:
        """The JSON of an answer."""
        return msgspec.json.decode((await self.ask(target, method, body, **headers)).body)

    @property
    def spans(self) -> list[Span]:
        """What was recorded."""
        return list(self.meter.spans)


@asynccontextmanager
async def surrounded(
    app: Any, *parts: Any, service: str = "legacy", **options: Any
) -> AsyncGenerator[Asked]:
    """``app`` served; ``parts`` are components, started first."""
    log = io.StringIO()
    meter = Meter(service)
    access = AccessLog(log, delay=0.0)
    surround = Surround(app, service=service, meter=meter, access=access, **options)
    server = HttpServer(surround, patience=0.2)
    for part in parts:
        await part.start()
    await server.start()
    surround.ready = True
    try:
        async with Pool(server.url) as pool:
            asked = Asked(surround, meter, server.port, pool)
            asked.log = log
            yield asked
    finally:
        await server.stop()
        for part in reversed(parts):
            await part.stop()


async def until(true: Callable[[], object], seconds: float = 10.0) -> None:
    """Return once it is; fail after ``seconds``."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        await asyncio.sleep(0.005)
