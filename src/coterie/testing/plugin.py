"""The pytest plugin: the fixture ``system``, and where its ``coterie.toml`` is.

It is asked for, never loaded by itself::

    # conftest.py
    pytest_plugins = ["coterie.testing.plugin"]

    # pyproject.toml
    [tool.pytest.ini_options]
    coterie_system = "."
    coterie_profile = "test"

    async def test_orders(system: RunningSystem) -> None:
        await system.client(Orders).place(...)

The fixture is asynchronous: pytest-asyncio (mode ``auto``) or anyio's plugin runs it.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .running import RunningSystem, running

__all__ = ["pytest_addoption", "system"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the ini options ``coterie_system`` and ``coterie_profile``."""
    help_ = "folder with the coterie.toml that the fixture `system` runs"
    parser.addini("coterie_system", help_, default=".")
    parser.addini("coterie_profile", "profile that the fixture `system` runs", default="")


@pytest.fixture(name="system")
async def system(request: pytest.FixtureRequest) -> AsyncIterator[RunningSystem]:
    """The system of this project, running, for one test."""
    config = request.config
    folder = Path(config.rootpath, str(config.getini("coterie_system")))
    profile = str(config.getini("coterie_profile")) or None
    async with running(folder, profile=profile) as started:
        yield started
