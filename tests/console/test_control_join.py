"""Joining by the control socket: what a guest is told, and what becomes of it when it goes."""

import asyncio
from contextlib import aclosing
from pathlib import Path

from coterie.console.control import ControlClient, Guest
from coterie.registry import Offer
from tests.console.pretend import INVENTORY, Pretend, serving

GUEST = Guest("orders-joined-1", 1, "http://127.0.0.1:1", ("orders",), (Offer("orders", "1.0"),))


async def test_a_guest_is_told_what_it_needs(tmp_path: Path) -> None:
    with serving(tmp_path, Pretend()):
        welcome = await ControlClient(tmp_path).terms()
    assert welcome.inventory == INVENTORY
    assert welcome.registry.startswith("nats://")


async def test_a_guest_that_goes_away_has_left(tmp_path: Path) -> None:
    """Nobody need say so: the connection ends, however the process did."""
    pretend = Pretend()
    with serving(tmp_path, pretend):
        async with aclosing(ControlClient(tmp_path).join(GUEST)) as lines:
            assert await anext(lines) == "orders-joined-1 has joined"
            assert pretend.ended == []
        async with asyncio.timeout(5):
            while pretend.ended != ["join"]:  # noqa: ASYNC110  # it happens in another thread
                await asyncio.sleep(0.01)


async def test_a_guest_says_goodbye(tmp_path: Path) -> None:
    pretend = Pretend()
    with serving(tmp_path, pretend):
        told = [line async for line in ControlClient(tmp_path).leave("orders-joined-1")]
    assert told == ["orders-joined-1 has left"]
    assert pretend.asked == [("leave", "orders-joined-1")]
