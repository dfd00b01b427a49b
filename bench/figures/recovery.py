"""`recovery`: from the death of a service's process to its next answer through the gateway."""

import asyncio
import os
import signal
import statistics
import time
from collections.abc import Callable

from bench.ask import status
from bench.figure import Figure, limited
from bench.report import line
from bench.server import ServerError
from bench.setting import Setting
from bench.systems import small
from bench.up import Up

POLL = 0.002
LIMIT = 30.0
KILLS = 10
GOAL = 1.0
"""Seconds at most, the slowest of all."""


async def measure(setting: Setting, said: Callable[[str], None]) -> list[Figure]:
    """Seconds; each kill (SIGKILL) hits another service, which has one instance."""
    kills = setting.times(KILLS)
    up = Up(setting, small(setting.folder / "small", kills), spread=True)
    taken: list[float] = []
    refused = 0
    why = ""
    try:
        await up.start()
        there = await up.processes()
        for number in range(1, kills + 1):
            seconds, others = await _one(up, there[f"s{number}-1"].pid, f"/api/s{number}/ping")
            taken.append(seconds)
            refused += others
            said(f"s{number}: {seconds:.3f} s")
    except ServerError as error:
        why = str(error)
    finally:
        await up.stop()
    also = {}
    if taken:
        also = {"median": statistics.median(taken), "refused meanwhile": float(refused)}
    figure = limited(
        "recovery",
        "seconds from kill -9 to the next answer, the slowest",
        max(taken) if taken and not why else None,
        GOAL,
        rounds=len(taken),
        also=also,
        why=why,
    )
    said(line(figure))
    return [figure]


async def _one(up: Up, pid: int | None, path: str) -> tuple[float, int]:
    """Seconds, and how many requests were answered otherwise than with 200 meanwhile."""
    if pid is None or await status(up.port, path) != 200:
        raise ServerError(f"{path} is not served")
    os.kill(pid, signal.SIGKILL)
    killed, refused = time.monotonic(), 0
    while await status(up.port, path) != 200:
        refused += 1
        if time.monotonic() - killed > LIMIT:
            raise ServerError(f"{path} is not served {LIMIT:g} s after the kill")
        await asyncio.sleep(POLL)
    return time.monotonic() - killed, refused
