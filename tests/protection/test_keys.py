"""Whoever presses the button again and again pays once, even if the till is torn out meanwhile.

With COTERIE_TEST_LONG in the environment a thousand keys.
"""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg  # type: ignore[import-untyped]
import pytest

from tests.protection.till import storm

LONG = "COTERIE_TEST_LONG" in os.environ
KEYS, TRIES, KILLS = (1000, 20, 10) if LONG else (60, 20, 2)
PATIENCE = 400 if LONG else 80


@pytest.fixture(params=["sqlite", "postgresql"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """An empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/till.db"
        return
    server: str = request.getfixturevalue("postgres_url")
    name = f"coterie_till_{secrets.token_hex(6)}"
    await _tell(server, f"CREATE DATABASE {name}")
    yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    await _tell(server, f"DROP DATABASE {name} WITH (FORCE)")


async def _tell(server: str, statement: str) -> None:
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def test_each_key_has_one_effect_though_tills_are_killed(url: str) -> None:
    """Two instances on one database, one killed now and then; all is repeated until answered.

    Each key is paid once, each of its answers is the same, and all but one of them are replays, or
    all, where the till was killed before it could answer.
    """
    found = await asyncio.wait_for(storm(url, keys=KEYS, tries=TRIES, kills=KILLS), PATIENCE)
    print(found)
    assert 1 <= found.kills <= KILLS
    assert found.lost > 0
    assert found.paid == [1] * KEYS
    assert found.mixed == 0
    assert found.fresh <= KEYS
    assert found.statuses[200] == KEYS * TRIES
    assert found.statuses[409] > 0


async def test_control_without_keys_the_same_storm_pays_again_and_again(tmp_path: Path) -> None:
    """Control: each try is a payment, those too whose answer never came."""
    url = f"sqlite:///{tmp_path}/till.db"
    found = await asyncio.wait_for(storm(url, keys=5, tries=10, kills=1, keyed=False), 60)
    assert min(found.paid) >= 10
    assert found.mixed == 5
