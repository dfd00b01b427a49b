"""A system, and a console that looks at it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from coterie.call import Reply
from coterie.client.http1 import Pool, Response
from coterie.console.dashboard import Dashboard, RemoteSource
from coterie.server import HttpServer
from tests.console.dashboard.fake import System

__all__ = ["Console", "until"]


async def until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110  # any condition, not only one that tells
            await asyncio.sleep(0.02)


class Console:
    """A dashboard on a port of its own."""

    def __init__(self, state: Path) -> None:
        self.dashboard = Dashboard(
            RemoteSource(state),
            state / "console.db",
            title="shop",
            gateway_url="http://localhost:8080/",
            databases={"orders": "orders.db"},
            pages=[lambda path, _: Reply(None, 200, (), b"docs") if path == "/docs" else None],
        )
        self.server = HttpServer(self.dashboard.app, patience=1)
        self.pool: Pool

    @property
    def url(self) -> str:
        return self.server.url.replace("127.0.0.1", "localhost")

    async def start(self) -> None:
        await self.dashboard.start()
        await self.server.start()
        self.pool = Pool(self.server.url)
        await self.pool.start()

    async def stop(self) -> None:
        await self.pool.stop()
        await self.dashboard.stop()
        await self.server.stop()

    async def get(self, target: str, method: str = "GET", **headers: str) -> Response:
        sent = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        return await self.pool.request(method, target, sent, deadline=time.monotonic() + 10)

    async def text(self, target: str) -> str:
        answer = await self.get(target)
        assert answer.status == 200, answer
        return answer.body.decode()

    async def shows(self, target: str, text: str, seconds: float = 10.0) -> str:
        """The page, once it shows ``text``."""
        async with asyncio.timeout(seconds):
            while True:
                answer = await self.get(target)
                page = answer.body.decode()
                if answer.status == 200 and text in page:
                    return page
                await asyncio.sleep(0.05)


@pytest.fixture
async def system(tmp_path: Path) -> AsyncIterator[System]:
    made = System(tmp_path)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def console(system: System) -> AsyncIterator[Console]:
    made = Console(system.state)
    await made.start()
    await until(lambda: system.supervisor.watchers == 1)
    await made.shows("/console", "orders-1")
    yield made
    await made.stop()
