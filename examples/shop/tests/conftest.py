"""The shop, running, and who uses it."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from coterie.client.http1 import Pool
from coterie.testing import running
from flask_shop import flask_shop
from shop_web import Customer, Web

SHOP = Path(__file__).parent.parent


@asynccontextmanager
async def coterie_shop() -> AsyncGenerator[Web]:
    """The whole shop by Coterie, with a state of its own."""
    async with running(SHOP, profile="test") as system, Pool(system.url) as pool:
        yield Web(pool)


SHOPS = {"coterie": coterie_shop, "flask": flask_shop}


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=SHOPS)
async def web(request: pytest.FixtureRequest) -> AsyncIterator[Web]:
    """Nobody in particular, before either shop; the tests of a file share the two."""
    async with SHOPS[request.param]() as web:
        yield web


@pytest_asyncio.fixture(loop_scope="module")
async def customer(web: Web) -> Customer:
    """A new user."""
    return await web.customer()


@pytest_asyncio.fixture(loop_scope="module")
async def admin(web: Web) -> Customer:
    """Somebody who may do everything."""
    return await web.admin()
