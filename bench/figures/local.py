"""`local`: what a typed call inside one process costs over calling the method itself."""

import statistics
from collections.abc import Callable

import msgspec

from bench.figure import Figure
from bench.server import ServerError, output
from bench.setting import Setting

GOAL = 5.0
"""Microseconds at most."""


class Cost(msgspec.Struct, frozen=True):
    """Microseconds a call took, one number a round; the two kinds took turns."""

    plain: list[float]
    typed: list[float]


async def measure(setting: Setting, said: Callable[[str], None]) -> list[Figure]:
    """Microseconds more than the plain method call, which is the floor."""
    rounds, seconds = str(setting.pace.rounds), str(setting.pace.seconds / 2)
    command = [str(setting.python), "-m", "bench.apps.coterie_local", rounds, seconds]
    try:
        printed = await output(command, cores=setting.cores.asking)
    except ServerError as error:
        figure = _figure(None, str(error))
    else:
        figure = _figure(msgspec.json.decode(printed, type=Cost), None)
    said(_line(figure))
    return [figure]


def _figure(cost: Cost | None, why: str | None) -> Figure:
    value = plain = ratio = None
    if cost is not None:
        pairs = list(zip(cost.typed, cost.plain, strict=True))
        value = round(statistics.median(typed - plain for typed, plain in pairs), 2)
        ratio = round(statistics.median(typed / plain for typed, plain in pairs), 1)
        plain = round(statistics.median(cost.plain), 3)
    return Figure(
        name="local",
        value=value,
        unit="microseconds over the plain call",
        floor=plain,
        ratio=ratio,
        goal=GOAL,
        ok=value is not None and value <= GOAL,
        peers={},
        rounds=len(cost.typed) if cost else 0,
        cost={},
        errors={},
        why={"coterie": why} if why else {},
    )


def _line(figure: Figure) -> str:
    if figure.value is None:
        return f"\nlocal\n  not measured: {figure.why}"
    return (
        f"\nlocal  ({figure.unit}, median of {figure.rounds} rounds)\n"
        f"  {figure.value} over a plain call of {figure.floor}; goal <= {GOAL:g}: "
        f"{'ok' if figure.ok else 'MISSED'}"
    )
