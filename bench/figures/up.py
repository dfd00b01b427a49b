"""`up`: from the command to the first answer of a service through the gateway."""

import asyncio
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from msgspec import structs

from bench.ask import status
from bench.figure import Figure, limited
from bench.report import line
from bench.server import ServerError
from bench.setting import Setting
from bench.systems import SHOP, small
from bench.up import Up

POLL = 0.005
LIMIT = 30.0
SMALL = 20
TIMES = 5
GOALS = {"shop": 2.0, "small": 3.5}
"""Seconds at most."""


async def measure(setting: Setting, said: Callable[[str], None]) -> list[Figure]:
    """Seconds, on an empty state folder (cold) and on one that was there (warm)."""
    many = small(setting.folder / "many", SMALL)
    return [
        await _figure(setting, said, "shop", SHOP, "/api/products"),
        await _figure(setting, said, "small", many, f"/api/s{SMALL}/ping"),
    ]


async def _figure(
    setting: Setting, said: Callable[[str], None], name: str, system: Path, path: str
) -> Figure:
    taken: dict[str, list[float]] = {"cold": [], "warm": []}
    why = ""
    try:
        # Once for nothing: what is imported has been compiled and read from the disk afterwards.
        for number in range(setting.times(TIMES) + 1):
            folder = setting.folder / f"{name}-{number}"
            folder.mkdir()
            for kind, times in taken.items():
                up = Up(structs.replace(setting, folder=folder), system, spread=True)
                seconds = await _first_answer(up, path)
                if number:
                    times.append(seconds)
                    said(f"{name}, {kind}: {seconds:.2f} s")
    except ServerError as error:
        why = str(error)
    medians = {kind: statistics.median(times) for kind, times in taken.items() if times}
    figure = limited(
        f"up.{name}",
        "seconds, the slower median",
        max(medians.values(), default=None) if not why else None,
        GOALS[name],
        rounds=len(taken["warm"]),
        also=medians | {f"slowest {kind}": max(times) for kind, times in taken.items() if times},
        why=why,
    )
    said(line(figure))
    return figure


async def _first_answer(up: Up, path: str) -> float:
    """Seconds until `path` is answered with 200."""
    up.spawn()
    try:
        while (answered := await status(up.port, path)) != 200:
            if time.monotonic() - up.spawned > LIMIT:
                raise ServerError(f"{path}: {answered or 'no answer'} after {LIMIT:g} s")
            await asyncio.sleep(POLL)
        return time.monotonic() - up.spawned
    finally:
        await up.stop()
