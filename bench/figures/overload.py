"""`overload`: what is done in time while far more is asked than can be done, and how refusals fare."""

from collections.abc import Callable

from bench.figure import Figure, limited
from bench.open_loop import Plan
from bench.overload import PATHS, Busy, busy, percentile
from bench.report import line
from bench.setting import Setting

SECONDS = 20
SKIP = 1.0
LEAST = 0.9
SLOWEST = 0.05
NORMAL = 10.0
GROWTH = 1.5


async def measure(setting: Setting, said: Callable[[str], None]) -> list[Figure]:
    """Refusals' slowest hundredth, goodput over its peak, recovery, and what a gate is worth.

    The peak is what the same service without a gate answers to as many callers as it can keep up
    with. Each is on a core of its own; rates are those of a whole core.
    """
    seconds = float(setting.times(SECONDS))
    async with busy(setting.cores) as protected, busy(setting.cores, gate=False) as unprotected:
        await protected.asked(Plan(paths=PATHS, rate=20, seconds=1))
        await _peak(unprotected)
        memory, refusals = protected.memory(), 0.0
        also: dict[str, float] = {}
        worst, most = 1.0, 0.0
        for times in (2, 10):
            most = await _peak(unprotected)
            rate = most * times
            load = await protected.asked(
                Plan(paths=PATHS, rate=rate, seconds=SKIP + seconds, skip=SKIP)
            )
            slowest = percentile(load.told.refused, 0.99)
            refusals, worst = max(refusals, slowest), min(worst, load.goodput / most)
            also |= {
                f"peak before {times}x": most,
                f"goodput at {times}x": load.goodput,
                f"p99 of refusals at {times}x": slowest,
                f"slowest refusal of the first second at {times}x": load.told.first,
                f"share of the core at {times}x": load.share,
            }
            said(f"{times}x: {load.goodput:.0f}/s of {most:.0f}/s, refusals {slowest:.3f} s")
        calm = await protected.asked(Plan(paths=PATHS, rate=most * 0.5, seconds=NORMAL / 2))
        grown = protected.memory() / memory if memory else 1.0
        without = await unprotected.asked(Plan(paths=PATHS, rate=most * 2, seconds=5, skip=2.5))
        also["goodput at 2x without a gate"] = without.goodput
    figures = [
        limited("overload", "s, p99 of refusals", refusals, SLOWEST, rounds=2, also=also),
        limited("overload.lost", "of the peak, at worst", 1 - worst, 1 - LEAST, rounds=2),
        limited("overload.over", "s until nobody is refused", calm.told.until, NORMAL, rounds=1),
        limited("overload.memory", "times as much", grown, GROWTH, rounds=1),
    ]
    for figure in figures:
        said(line(figure))
    return figures


async def _peak(unprotected: Busy) -> float:
    load = await unprotected.asked(Plan(paths=PATHS, connections=16, seconds=3, skip=0.5))
    return load.goodput
