"""Fixtures for tests of the registry."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.registry.broker import Broker


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    """A nats-server that runs."""
    made = Broker(tmp_path)
    try:
        await made.up()
        yield made
    finally:
        made.kill()
