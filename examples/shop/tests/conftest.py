"""The shop, running, and who uses it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from coterie.client.http1 import Pool
from coterie.testing import RunningSystem, running
from shop_web import Customer, Web

SHOP = Path(__file__).parent.parent


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop() -> AsyncIterator[RunningSystem]:
    """The whole shop, with a state of its own; the tests of a file share it."""
    async with running(SHOP, profile="test") as system:
        yield system


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def web(shop: RunningSystem) -> AsyncIterator[Web]:
    """Nobody in particular."""
    async with Pool(shop.url) as pool:
        yield Web(pool)


@pytest_asyncio.fixture(loop_scope="module")
async def customer(web: Web) -> Customer:
    """A user with a token."""
    return await web.customer()


@pytest_asyncio.fixture(loop_scope="module")
async def admin(web: Web) -> Customer:
    """The administrator of the profile ``test``."""
    return await web.login("admin", "administrator")
