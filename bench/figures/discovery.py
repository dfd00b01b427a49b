"""`discovery`: how soon callers in other processes know who is there, and who no longer is."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

from msgspec import Struct

from bench.client import Client
from bench.figure import Figure, limited
from bench.report import line
from bench.server import ServerError
from bench.setting import Setting
from bench.systems import TARGET, system
from bench.up import Up

NEW, SUPERVISED, LEASED = 0.1, 1.0, 1.0
"""Seconds at most: until a new one is called, a dead one is not; for the last, beyond the lease."""

LEASE = 2.0
ANNOUNCED, KILLED, SILENCED = 100, 12, 8
REPLICAS = 4
GAP = 0.05
"""Seconds for which one of a few instances is chosen by chance no oftener than never."""


class _Told(Struct):
    at: float
    pid: int


class _Remembered(Struct):
    chosen: list[float]
    answered: float | None
    failed: dict[str, int]
    calls: int


class _Scene(Struct):
    """A system, a program that calls it without end, and who announces themselves."""

    setting: Setting
    up: Up
    caller: Client
    guests: list[Client]
    failed: Counter[str]

    async def remembered(self, since: float, name: str = "", pid: int = 0) -> _Remembered:
        """What the caller saw since then."""
        asked = {"since": since, "name": name, "pid": pid}
        told = await self.caller.ask(asked, _Remembered)
        self.failed.update(told.failed)
        return told


async def measure(setting: Setting, said: Callable[[str], None]) -> list[Figure]:
    """Seconds, of which the 99th percentile counts; a call that failed meanwhile fails the figure."""
    target = system(setting.folder / "target", f"{TARGET}replicas = {REPLICAS}\n")
    up = Up(setting, target)
    scene = _Scene(setting, up, _program(setting, up, "caller"), [], Counter())
    parts = (
        ("new", "announced to called", NEW, _new),
        ("dead", "supervised, killed to never called", SUPERVISED, _dead),
        ("silent", f"lease of {LEASE:g} s, killed to never called", LEASE + LEASED, _silent),
    )
    figures: list[Figure] = []
    async with AsyncExitStack() as stack:
        why = ""
        try:
            stack.push_async_callback(up.stop)
            await up.start()
            stack.push_async_callback(scene.caller.stop)
            await scene.caller.start()
            for number in range(setting.times(SILENCED)):
                guest = _program(setting, up, "announced", f"guest-{number}", str(LEASE))
                scene.guests.append(guest)
                stack.push_async_callback(guest.stop)
                await guest.start()
        except ServerError as error:
            why = str(error)
        for name, what, goal, part in parts:
            seconds: Sequence[float] = ()
            scene.failed.clear()
            if not why:
                try:
                    seconds = await part(scene)
                    await scene.remembered(time.monotonic())
                except ServerError as error:
                    why = str(error)
            figure = _figure(f"discovery.{name}", what, goal, sorted(seconds), scene.failed, why)
            said(line(figure))
            figures.append(figure)
    return figures


async def _new(scene: _Scene) -> list[float]:
    """From just before it is announced until it has answered a call."""
    guest, found = scene.guests[0], []
    for _ in range(scene.setting.times(ANNOUNCED)):
        told = await guest.ask("announce", _Told)
        end = time.monotonic() + 10
        while (seen := await scene.remembered(told.at, pid=told.pid)).answered is None:
            if time.monotonic() > end:
                raise ServerError("a new instance was not called within 10 s")
            await asyncio.sleep(0.01)
        found.append(seen.answered - told.at)
        await guest.ask("withdraw", _Told)
        await asyncio.sleep(0.05)
    return found


async def _dead(scene: _Scene) -> list[float]:
    """From its death until it is chosen no longer, while its successor starts."""
    found = []
    for number in range(scene.setting.times(KILLED)):
        name = f"target-{number % REPLICAS + 1}"
        pid = (await scene.up.processes())[name].pid
        if pid is None:
            raise ServerError(f"{name} does not run")
        killed = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        await _again(scene.up, name, pid)
        chosen = (await scene.remembered(killed, name)).chosen
        found.append(_last(chosen, killed))
    return found


async def _silent(scene: _Scene) -> list[float]:
    """From the death of one who announced itself until its lease is over, and known to be."""
    killed: dict[str, float] = {}
    for guest in scene.guests:
        await guest.ask("announce", _Told)
    await asyncio.sleep(0.5)
    for number, guest in enumerate(scene.guests):
        killed[f"guest-{number}"] = time.monotonic()
        guest.kill()
        await asyncio.sleep(0.1)
    await asyncio.sleep(LEASE + 2 * LEASED)
    return [
        (await scene.remembered(moment, name)).chosen[-1] - moment
        for name, moment in killed.items()
    ]


async def _again(up: Up, name: str, before: int) -> None:
    end = time.monotonic() + 30
    while True:
        row = (await up.processes())[name]
        if row.state == "up" and row.pid != before:
            return
        if time.monotonic() > end:
            raise ServerError(f"{name} is not up 30 s after its death")


def _last(chosen: Sequence[float], killed: float) -> float:
    """Seconds after `killed` at which it was last chosen, before it was back."""
    last = killed
    for moment in chosen:
        if moment - last > GAP:
            break
        last = moment
    return last - killed


def _figure(
    name: str, what: str, goal: float, ranked: Sequence[float], failed: Counter[str], why: str
) -> Figure:
    also = {}
    if ranked:
        also = {"median": ranked[len(ranked) // 2], "slowest": ranked[-1]}
    return limited(
        name,
        f"seconds, {what}, p99",
        ranked[min(len(ranked) - 1, len(ranked) * 99 // 100)] if ranked else None,
        goal,
        rounds=len(ranked),
        also=also,
        errors=failed,
        why=why,
    )


def _program(setting: Setting, up: Up, program: str, *arguments: str) -> Client:
    name = "-".join((program, *arguments))
    command = [str(setting.python), "-m", f"bench.apps.coterie_{program}", str(up.state)]
    return Client(
        name,
        [*command, *arguments],
        log=setting.folder / f"{name}.log",
        cores=setting.cores.asking,
    )
