"""The shop as processes: one command starts them, and it sells on whatever becomes of them."""

import asyncio
import os
import re
import signal

import pytest

from coterie.client.http1 import Pool
from coterie.console.control import ControlClient
from coterie.console.row import Row
from coterie.system import load
from shop_ways import SHOP, Up, coterie_up
from shop_web import Customer

PRODUCT = 2


def test_the_profile_says_who_shares_a_process() -> None:
    """Users and orders do in the profile `grouped`, and nobody without it."""
    groups = [group.together for group in load(SHOP, profile="grouped", environment={}).groups]
    assert groups == [("users", "orders"), ("inventory",)]
    alone = [group.together for group in load(SHOP, environment={}).groups]
    assert alone == [("users",), ("orders",), ("inventory",)]


async def services(web: Up) -> dict[str, Row]:
    """The processes that run services, by name."""
    rows = await ControlClient(web.state).rows()
    return {row.name: row for row in rows if row.kind == "service"}


@pytest.mark.promise("S3-14", "S3-46")
async def test_one_command_runs_it_all() -> None:
    """Each service is a process of its own; an order goes through all three."""
    async with coterie_up() as web:
        rows = await services(web)
        assert set(rows) == {"users-1", "orders-1", "inventory-1"}
        assert len({row.pid for row in rows.values()}) == 3
        await (await web.customer()).ordered(PRODUCT, 1)


@pytest.mark.promise("S3-14")
async def test_a_group_is_one_process() -> None:
    """As the profile says."""
    async with coterie_up(grouped=True) as web:
        rows = await services(web)
        assert set(rows) == {"core-1", "inventory-1"}
        assert rows["core-1"].services == ("users", "orders")


@pytest.mark.promise("S3-45")
async def test_what_goes_on_between_the_parts_is_seen() -> None:
    """The inventory tells who called whom; the console draws it, and each call as a trace."""
    async with coterie_up() as web:
        await (await web.customer()).ordered(PRODUCT, 1)
        control = ControlClient(web.state)
        seen = (await control.inventory()).seen
        assert {("orders", "users"), ("orders", "inventory")} <= set(seen)
        console = next(row.address for row in await control.rows() if row.kind == "console")
        assert console is not None
        async with asyncio.timeout(20), Pool(console) as browser:
            # The services tell once a second what they have done.
            while not any([await _whole(browser, trace) for trace in await _traces(browser)]):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
            graph = await browser.request("GET", "/console/graph")
        assert b"orders.db" in graph.body


async def _traces(browser: Pool) -> set[str]:
    page = await browser.request("GET", "/console/traces")
    return set(re.findall(r"/console/traces/[0-9a-f]{32}", page.body.decode()))


async def _whole(browser: Pool, trace: str) -> bool:
    """Whether the page ``trace`` shows an order with both calls it made, and who answered them."""
    page = (await browser.request("GET", trace)).body.decode()
    return all(part in page for part in ("orders.place", "users.", "inventory server"))


async def test_every_order_counts_once_whatever_is_replaced_meanwhile() -> None:
    """All services are replaced and the broker is killed while orders are placed: none fails.

    What is gone from the stock is what was ordered.
    """
    async with coterie_up() as web:
        await web.restock(PRODUCT, 100_000)
        customers = [await web.customer() for _ in range(8)]
        control, done = ControlClient(web.state), asyncio.Event()
        bought: list[int] = []
        buying = [asyncio.create_task(_buy(customer, done, bought)) for customer in customers]
        told = [line async for line in control.restart()]
        broker = next(row for row in await control.rows() if row.kind == "broker")
        assert broker.pid is not None
        os.kill(broker.pid, signal.SIGKILL)
        told += [line async for line in control.restart(["orders", "inventory"])]
        while len(bought) <= 100:
            told_again = [line async for line in control.restart()]
            assert told_again == ["users-1 is up", "orders-1 is up", "inventory-1 is up"]
        done.set()
        await asyncio.gather(*buying)
        assert told == [
            f"{name}-1 is up" for name in ("users", "orders", "inventory", "orders", "inventory")
        ]
        assert await web.stock(PRODUCT) == 100_000 - len(bought)


async def _buy(customer: Customer, done: asyncio.Event, bought: list[int]) -> None:
    while not done.is_set():
        await customer.ordered(PRODUCT, 1)
        bought.append(PRODUCT)
