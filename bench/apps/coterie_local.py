"""Coterie: a typed call inside one process, and the same method called plainly, in turn.

`python -m bench.apps.coterie_local ROUNDS SECONDS`: prints the microseconds of each round.
"""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable

import msgspec
import uvloop

from bench import orders
from bench.apps.coterie_orders import Orders, hosted
from bench.apps.models import NewOrder, Order
from bench.drive import TOTALS
from coterie.client import proxy

BATCH = 200


async def main(rounds: int, seconds: float) -> None:
    host = hosted()
    await host.start()
    typed, plain = proxy(Orders, host.handle).place, Orders().place
    order = msgspec.convert(orders.order(0), NewOrder)
    for place in (plain, typed):  # the warm-up, and the proof that both do the work
        if (await place(order)).total != TOTALS[0]:
            raise SystemExit("wrong answer")
        await _cost(place, order, seconds / 4)
    cost: dict[str, list[float]] = {"plain": [], "typed": []}
    for _ in range(rounds):
        cost["plain"].append(await _cost(plain, order, seconds))
        cost["typed"].append(await _cost(typed, order, seconds))
    await host.stop()
    print(json.dumps(cost))


async def _cost(
    place: Callable[[NewOrder], Awaitable[Order]], order: NewOrder, seconds: float
) -> float:
    """Microseconds a call: the median of batches of 200, so that reading the clock costs nothing."""
    batches: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        began = time.perf_counter()
        for _ in range(BATCH):
            await place(order)
        batches.append(time.perf_counter() - began)
        await asyncio.sleep(0)
    return statistics.median(batches) / BATCH * 1e6


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), float(sys.argv[2])))
