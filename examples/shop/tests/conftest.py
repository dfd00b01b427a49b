"""The shop, running, and who uses it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from flask_shop import FLASK_WAYS
from shop_ways import WAYS
from shop_web import Customer, Web

SHOPS = {**WAYS, **FLASK_WAYS}


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=SHOPS)
async def web(request: pytest.FixtureRequest) -> AsyncIterator[Web]:
    """Nobody in particular, before each of the shops; the tests of a file share them."""
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
