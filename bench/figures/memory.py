"""`memory`: what one instance more of a service costs the machine."""

import asyncio
import statistics
from collections.abc import Callable
from pathlib import Path

from bench.figure import Figure, limited
from bench.report import line
from bench.server import ServerError
from bench.setting import Setting
from bench.systems import SHOP, small
from bench.up import Up

GOAL = 20.0
"""Megabytes (10^6 octets) at most."""

MORE = 4
CALM = 2.0
TIMES = 2


async def measure(setting: Setting, said: Callable[[str], None]) -> list[Figure]:
    """The growth of all processes together from one instance to five, divided by four."""
    tiny = small(setting.folder / "tiny", 1)
    return [
        await _figure(setting, said, "small", tiny, "s1"),
        await _figure(setting, said, "orders", SHOP, "orders"),
    ]


async def _figure(
    setting: Setting, said: Callable[[str], None], name: str, system: Path, service: str
) -> Figure:
    up = Up(setting, system, name=f"memory-{name}", spread=True)
    growth: list[float] = []
    first: list[float] = []
    why = ""
    try:
        await up.start()
        before, alone = await _sum(up, service)
        for _ in range(setting.times(TIMES)):
            await up.scale(service, 1 + MORE)
            after, _ = await _sum(up, service)
            growth.append((after - before) / MORE)
            await up.scale(service, 1)
            before, _ = await _sum(up, service)
            growth.append((after - before) / MORE)
            first.append(alone)
    except ServerError as error:
        why = str(error)
    finally:
        await up.stop()
    figure = limited(
        f"memory.{name}",
        "MB a further instance, PSS",
        statistics.median(growth) if growth and not why else None,
        GOAL,
        rounds=len(growth),
        also={"lowest": min(growth), "highest": max(growth), "the first": first[0]}
        if growth
        else {},
        why=why,
    )
    said(line(figure))
    return figure


async def _sum(up: Up, service: str) -> tuple[float, float]:
    """All processes' megabytes together, and those of the service's first instance.

    Envoy is left out: its heap grows and shrinks by ten megabytes for reasons of its own.
    """
    await asyncio.sleep(CALM)
    there = await up.processes()
    total = sum(row.memory or 0 for row in there.values() if row.kind != "gateway")
    return total / 1e6, (there[f"{service}-1"].memory or 0) / 1e6
