"""A call that has reached a server which does as the test says."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from coterie.call import Failure
from coterie.client import connect
from tests.client.http1.peer import Peer, Talk, soon
from tests.client.kit import Desk

__all__ = ["JSON", "PROBLEM", "asked", "failed"]

JSON = b"content-type: application/json"
PROBLEM = b"content-type: application/problem+json"


@asynccontextmanager
async def asked(
    peer: Peer, operation: str = "nothing", **arguments: Any
) -> AsyncGenerator[tuple[Talk, "asyncio.Task[Any]"]]:
    """A call that has reached the server whole."""
    async with connect(Desk, peer.url, retrying=None) as desk:
        asking: asyncio.Task[Any] = asyncio.create_task(getattr(desk, operation)(**arguments))
        talk = await peer.accept()
        await talk.request()
        yield talk, asking
        asking.cancel()


async def failed(asking: "asyncio.Task[Any]") -> Failure:
    with pytest.raises(Failure) as caught:
        await soon(asking)
    return caught.value
