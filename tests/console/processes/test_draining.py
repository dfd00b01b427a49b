"""An instance that goes: whoever has not heard of it yet is still answered, and told to leave."""

import asyncio
from typing import Any

import pytest

from coterie.client.http1 import NotSent, Pool
from coterie.server import HttpServer

from .lab import eventually


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers with nothing."""
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


async def told_to_leave(pool: Pool) -> bool:
    """Whether an answer says that it is the last of its connection."""
    return dict((await pool.request("GET", "/")).headers).get("connection") == "close"


async def test_a_latecomer_is_answered_and_let_go() -> None:
    """For a moment after draining begins: a new connection, and one that was kept."""
    server = HttpServer(app)
    await server.start()
    async with Pool(server.url) as kept, Pool(server.url) as late:
        assert (await kept.request("GET", "/")).status == 204
        draining = asyncio.create_task(server.drain(5))
        await asyncio.sleep(0)  # it has begun
        answer = await kept.request("GET", "/")
        assert (answer.status, dict(answer.headers)["connection"]) == (204, "close")
        await eventually(lambda: told_to_leave(late), "the word to leave", 2)
        async with asyncio.timeout(2):  # for each of them was closed by an answer
            await draining
        with pytest.raises(NotSent):
            await late.request("GET", "/")
    await server.stop()


async def test_control_without_that_moment_a_latecomer_is_refused() -> None:
    """Control: whoever drains at once lets nobody in."""
    server = HttpServer(app)
    await server.start()
    await server.drain(0)
    async with Pool(server.url) as late:
        with pytest.raises(NotSent):
            await late.request("GET", "/")
    await server.stop()
