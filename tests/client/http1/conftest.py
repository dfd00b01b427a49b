"""Every test here runs on both event loops: they close, reset and write differently."""

import asyncio
from collections.abc import Callable, Iterator, Mapping

import pytest
import uvloop

from tests.client.http1.peer import Peer, listening


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
def peer() -> Iterator[Peer]:
    """A server that does as the test says."""
    with listening() as peer:
        yield peer
