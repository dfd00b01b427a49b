"""A dead dependency at the end of a chain: it is asked little more than it would be anyway.

Each truth has its control: with the protection switched off, the same scenario goes wrong.
With COTERIE_TEST_LONG in the environment the longer chain runs too.
"""

import importlib
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from coterie.contract import Code
from tests.protection.dead import Bottom, Link, Protection, chain_to, offered

# Not skipped: a test that proves a promise must run. `make protection` runs the chain of five.
LENGTHS = [3, 5] if "COTERIE_TEST_LONG" in os.environ else [3]
CALLS = 400
LATE = 0.1
"""Seconds past its deadline that nobody may wait."""

NONE = Protection(budget=False, breaker=False)


def most(calls: int, length: int) -> float:
    """What may arrive of so many calls: 1.1 for one, at each hop."""
    return float(calls * 1.1**length)


@asynccontextmanager
async def bottom_of(
    how: str, length: int, protection: Protection, patch: pytest.MonkeyPatch
) -> AsyncGenerator[tuple[Bottom, Link]]:
    """A dead bottom, and a client of the first of the chain to it."""
    async with Bottom(how) as bottom:
        if how == "refuse":
            # Nothing arrives where a connection is refused: what is counted are the tries.
            pool = importlib.import_module("coterie.client.http1.pool")
            connect = pool.connect

            async def counted(origin: Any, *args: Any) -> Any:
                if bottom.url.endswith(origin.authority):
                    bottom.arrived["connect"] += 1
                return await connect(origin, *args)

            patch.setattr(pool, "connect", counted)
        async with chain_to(bottom, length, protection) as link:
            yield bottom, link


@pytest.mark.promise("S0-08", "W3-01")
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("how", ["refuse", "503", "reset", "hang"])
async def test_a_dead_dependency_is_asked_no_more_than_ever(
    how: str, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 400 calls fewer than half arrive, however it is dead; no caller is kept past its deadline."""
    async with bottom_of(how, length, Protection(), monkeypatch) as (bottom, link):
        seen = await offered(link, CALLS)
        assert 1 <= bottom.requests <= CALLS / 2
        assert sum(seen.ended.values()) == CALLS
        assert seen.ended.keys() <= {Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED}
        assert seen.late <= LATE + seen.stalled


@pytest.mark.promise("W0-11")
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("how", ["503", "reset"])
async def test_a_budget_alone_bounds_what_arrives(
    how: str, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more than 1.1 for one at each hop, though nobody there knows of the others."""
    without = Protection(breaker=False)
    async with bottom_of(how, length, without, monkeypatch) as (bottom, link):
        seen = await offered(link, CALLS, timeout=2.0)
        assert CALLS <= bottom.requests <= most(CALLS, length)
        assert seen.late <= LATE + seen.stalled


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("how", ["refuse", "503", "reset"])
async def test_without_protection_it_is_asked_many_times(
    how: str, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of both: three attempts at each hop are 27 for one after three hops."""
    async with bottom_of(how, length, NONE, monkeypatch) as (bottom, link):
        await offered(link, 20, at_once=20, timeout=2.0)
        assert bottom.requests > 2 * most(20, length)


@pytest.mark.parametrize("length", LENGTHS)
async def test_without_a_breaker_everybody_waits_for_who_hangs(
    length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of those who hang: all calls arrive, and all waste their time."""
    async with bottom_of("hang", length, Protection(breaker=False), monkeypatch) as (bottom, link):
        seen = await offered(link, 80, timeout=1.0)
        assert bottom.requests >= 75  # a machine that stands still for a second loses some
        assert seen.ended == {Code.DEADLINE_EXCEEDED: 80}


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("how", ["503", "reset"])
async def test_what_is_not_idempotent_arrives_once(
    how: str, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them exactly once, without budget or breaker too. Control: what is, arrives often."""
    async with bottom_of(how, length, NONE, monkeypatch) as (bottom, link):
        await offered(link, 100, operation="place", timeout=5.0)
        assert bottom.arrived == {f"POST /place/{number}": 1 for number in range(100)}
        await offered(link, 2, timeout=5.0)
        assert max(bottom.arrived.values()) > 3
    async with bottom_of(how, length, Protection(), monkeypatch) as (bottom, link):
        await offered(link, CALLS, operation="place")
        assert set(bottom.arrived.values()) == {1}
