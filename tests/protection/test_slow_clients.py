"""A thousand slow clients at the gateway: whoever is not slow does not notice them.

Slow with a head (Slowloris), slow with a body, slow to read an answer; the same before Envoy and
before our own gateway. Each test runs for some seconds, with limits that are shorter than those of
a system: what is shown is that they hold.

With COTERIE_TEST_LONG in the environment every kind before both gateways; otherwise each once.
"""

import asyncio
import json
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import product
from math import ceil
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from msgspec import structs

from coterie.client.http1 import NotSent, Pool, Unknown
from coterie.deploy.envoy import Edge
from coterie.registry import Instance
from coterie.server import Slowness
from tests.deploy.running import gate_of
from tests.protection.slow import KINDS, slow_clients
from tests.protection.wide import WIDE, own_gateway, wide

pytestmark = pytest.mark.alone

LONG_TESTS = "COTERIE_TEST_LONG" in os.environ
GATEWAYS = ("envoy", "our own")
SAMPLE = [("our own", "head"), ("envoy", "body"), ("our own", "read")]

MANY = 1000
LIMIT = 8.0
"""Seconds that a client may be slow here: all are at it while the others are measured."""
LONG = 60.0

RATE, WINDOW, WINDOWS = 200, 0.6, 5
QUIET = 0.010
"""Seconds: below this a difference is the scheduler's, on a machine that does other things too."""

PATHS = {"head": "/short", "body": "/notes", "read": "/long?size=60000"}


@asynccontextmanager
async def gateway_of(
    gateway: str,
    folder: Path,
    limit: float = LIMIT,
    alter: Callable[[dict[str, bytes]], None] = lambda files: None,
) -> AsyncGenerator[tuple[int, int]]:
    """One of the two, before a service in a process of its own: its port, and the service's."""
    async with wide() as service:
        if gateway == "our own":
            slowness = Slowness(head=limit, idle=limit, flush=limit)
            async with own_gateway(service, slowness, limit) as port:
                yield port, service
            return

        def edge(known: Edge) -> Edge:
            return structs.replace(
                known, timeout=5.0, head_timeout=limit, body_timeout=limit, idle_timeout=limit
            )

        found = Instance(service="wide", id="wide-1", url=f"http://127.0.0.1:{service}")
        async with gate_of(folder, WIDE, {"wide": (found,)}, edge, alter) as gate:
            yield gate.port, service


async def calm_p99(port: int) -> float:
    """Seconds that 99 of 100 requests take at most, in the calmest of some short windows.

    They come at a fixed rate, however long the answers take. Each is answered, or this fails. What
    else the machine does disturbs some windows; who harms the others does in all of them.
    """
    taken: list[list[float]] = [[] for _ in range(WINDOWS)]

    async def one(pool: Pool, window: int) -> None:
        began = monotonic()
        try:
            answer = await pool.request("GET", "/short", deadline=began + 10)
        except (NotSent, Unknown) as error:
            raise AssertionError(f"a client that is not slow was not served: {error}") from error
        assert answer.status == 200
        taken[window].append(monotonic() - began)

    async with (
        Pool(f"http://127.0.0.1:{port}", connections=50) as pool,
        asyncio.TaskGroup() as all_,
    ):
        began = monotonic()
        for number in range(round(RATE * WINDOW * WINDOWS)):
            await asyncio.sleep(began + number / RATE - monotonic())
            all_.create_task(one(pool, int(number / RATE / WINDOW)))
    return min(sorted(window)[ceil(len(window) * 0.99) - 1] for window in taken)


def connections_of(port: int) -> int:
    """How many connections whoever listens at ``port`` of the loopback has (proc(5), net/tcp)."""
    # While connections come and go, the same one may be listed twice.
    lines = {tuple(line.split()[1:4]) for line in Path("/proc/net/tcp").read_text().splitlines()}
    return sum(here.endswith(f":{port:04X}") and state == "01" for here, _, state in lines)


async def let_go(port: int, seconds: float) -> None:
    """As soon as whoever listens at ``port`` has none of its connections any more."""
    async with asyncio.timeout(seconds):
        while connections_of(port):  # noqa: ASYNC110  # the kernel has no event
            await asyncio.sleep(0.1)


@pytest.mark.parametrize(
    ("gateway", "kind"), list(product(GATEWAYS, KINDS)) if LONG_TESTS else SAMPLE
)
async def test_a_thousand_slow_clients_harm_nobody(gateway: str, kind: str, tmp_path: Path) -> None:
    """The others are all served, no slower than twice; instances have none of it; it ends."""
    # Where the machine has other things to do just then, once more: who harms does so every time.
    told = []
    for turn in range(3):
        folder = tmp_path / str(turn)
        folder.mkdir()
        before, beside = await _a_thousand(gateway, kind, folder)
        told.append(f"{before * 1000:.1f} ms alone, {beside * 1000:.1f} ms beside them")
        if beside <= 2 * max(before, QUIET):
            print(f"{gateway}, {kind}: {told}")
            return
    raise AssertionError(f"the others are slowed down: {told}")


async def _a_thousand(gateway: str, kind: str, folder: Path) -> tuple[float, float]:
    """The time that clients take who are not slow: alone, and beside a thousand who are."""
    async with gateway_of(gateway, folder) as (port, service):
        before = await calm_p99(port)
        async with slow_clients(kind, port, MANY, PATHS[kind]) as slow:
            beside = await calm_p99(port)
            open_then, held = connections_of(port), connections_of(service)
            await let_go(port, LIMIT + 10)
            told = await slow.told() if kind == "read" else await slow.all_ended(5)
        assert open_then >= MANY
        assert held < MANY / 10
        if kind != "read":
            assert told == {"open": 0, "ended": MANY, "statuses": {"408": MANY}}
    return before, beside


@pytest.mark.parametrize("gateway", GATEWAYS if LONG_TESTS else GATEWAYS[-1:])
async def test_control_it_is_the_limits_that_end_it(gateway: str, tmp_path: Path) -> None:
    """Control: with longer ones, the slow of every kind stay as long as they like."""
    few = 30
    async with gateway_of(gateway, tmp_path, LONG) as (port, _), AsyncExitStack() as stack:
        crowds = [
            await stack.enter_async_context(slow_clients(kind, port, few, PATHS[kind]))
            for kind in KINDS
        ]
        with pytest.raises(TimeoutError):
            await let_go(port, LIMIT + 3)
        assert connections_of(port) == few * len(KINDS)
        assert [(await crowd.told())["open"] for crowd in crowds] == [few] * len(KINDS)


def passing_on(files: dict[str, bytes]) -> None:
    """For controls: nothing is kept here for anybody; what comes is passed on as it comes."""
    made: dict[str, Any] = json.loads(files["lds.json"])
    (listener,) = made["resources"]
    listener["per_connection_buffer_limit_bytes"] = 65536
    http = listener["filter_chains"][0]["filters"][0]["typed_config"]
    http["http_filters"] = [one for one in http["http_filters"] if one["name"] != "whole-body"]
    files["lds.json"] = json.dumps(made).encode()


@pytest.mark.parametrize(
    ("kind", "path", "least"), [("body", "/notes", 200), ("read", "/long?size=5000000", 20)]
)
async def test_control_what_is_passed_on_at_once_makes_instances_wait(
    kind: str, path: str, least: int, tmp_path: Path
) -> None:
    """Control: without room at the gateway, each slow client has a connection of an instance."""
    async with (
        gateway_of("envoy", tmp_path, alter=passing_on) as (port, service),
        slow_clients(kind, port, 200, path),
    ):
        most = 0
        ends = monotonic() + 3
        while monotonic() < ends and most < least:
            most = max(most, connections_of(service))
            await asyncio.sleep(0.05)
        assert most >= least
