"""Coterie: what all default policies of one side add to a call, with and without them in turn.

`python -m bench.apps.coterie_policies ROUNDS SECONDS`: prints the microseconds of each round.
"""

import asyncio
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import uvloop

from bench.apps.coterie_orders import Nobody, Orders
from coterie.call import Call, Context, Handler, Reply, Trace, chain
from coterie.client import Discovered
from coterie.contract import authenticated, describe
from coterie.policy import Gate
from coterie.registry import Instance, Memory
from coterie.system import System
from coterie.system.client_steps import Callee
from coterie.system.protection import Protection
from coterie.system.server_steps import Served
from coterie.telemetry import Meter

BATCH = 200


async def answer(call: Call) -> Reply:
    """What is there without any policy."""
    return Reply(call)


class Answering:
    """What stands where connections would be: nothing leaves, and nothing waits."""

    handle = staticmethod(answer)

    async def stop(self) -> None:
        """Nothing is open."""


class NoKeys:
    """A place for idempotency keys that is never asked: no call of the bench has one."""

    async def claim(self, *_: bytes, lease: float, keep: float) -> int:
        raise NotImplementedError(lease, keep)

    async def finish(self, key: bytes, claim: int, reply: bytes) -> bool:
        raise NotImplementedError(key, claim, reply)

    async def release(self, key: bytes, claim: int) -> None:
        raise NotImplementedError(key, claim)


async def main(rounds: int, seconds: float) -> None:
    system = System(name="bench", folder=Path(), state=Path(), services=())
    protection = Protection(system, "target", keeps=True, identified=True)
    way = await discovered(protection)
    sides = {
        "client": protection.client(Callee("target", Meter("bench")), way.handle, local=False),
        "server": served(protection),
    }
    cost: dict[str, list[float]] = {"plain": [], "client": [], "server": []}
    for handler in (answer, *sides.values()):
        await _cost(handler, seconds / 4)
    for _ in range(rounds):
        cost["plain"].append(await _cost(answer, seconds))
        for side, handler in sides.items():
            cost[side].append(await _cost(handler, seconds))
    await way.stop()
    print(json.dumps(cost))


def served(protection: Protection) -> Handler:
    """What a service puts round a call, but for its database; and the gate before it all."""
    (operation,) = describe(Orders).operations
    told = Served(
        service="target",
        rule=authenticated,
        verifier=Nobody(),
        keys=NoKeys(),
        unit=lambda inner: inner,
        tally=Meter("target").tally,
    )
    inside, gate = chain(protection.server(told)(operation), answer), Gate()

    async def gated(call: Call) -> Reply:
        if not gate.enters(0):
            raise SystemExit("refused")
        gate.begun()
        return await inside(call)

    return gated


async def discovered(protection: Protection) -> Discovered:
    """Two instances to choose from, each with a breaker."""
    registry = Memory()
    way = protection.way(Meter("bench"))
    found = Discovered(
        "target",
        registry,
        balance=way.balance,
        breaking=way.breaking,
        slow_start=way.slow_start,
        tally=way.tally,
    )
    await found.start()
    for number in (1, 2):
        url = f"http://127.0.0.1:{number}"
        await registry.announce(Instance(service="target", id=f"target-{number}", url=url))
    while len(found.lanes) < 2:  # noqa: ASYNC110  # nothing tells when it has been told
        await asyncio.sleep(0)
    for lane in found.lanes:
        standing: Any = Answering()
        lane.http = standing
    return found


async def _cost(handler: Handler, seconds: float) -> float:
    """Microseconds a call: the median of batches of 200, so that reading the clock costs nothing."""
    (operation,) = describe(Orders).operations
    context = Context(Trace.root(), time.monotonic() + 3600)
    call = Call(operation, {"order": None}, context)
    batches: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        began = time.perf_counter()
        for _ in range(BATCH):
            await handler(call)
        batches.append(time.perf_counter() - began)
        await asyncio.sleep(0)
    return statistics.median(batches) / BATCH * 1e6


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), float(sys.argv[2])))
