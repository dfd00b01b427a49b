"""Fixtures: the three ways, made once for a file."""

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from tests.deploy.three import Three, three_of


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def three(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Three]:
    """One small system, reached three ways."""
    async with three_of(tmp_path_factory.mktemp("three")) as found:
        yield found
