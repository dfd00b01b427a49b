"""`policies`: what all default policies together add to a call, on each side."""

import statistics
from collections.abc import Callable

import msgspec

from bench.figure import Figure, limited
from bench.report import line
from bench.server import ServerError, output
from bench.setting import Setting

GOAL = 15.0
"""Microseconds at most, a side."""


class Cost(msgspec.Struct, frozen=True):
    """Microseconds a call took, one number a round; the three kinds took turns."""

    plain: list[float]
    client: list[float]
    server: list[float]


async def measure(setting: Setting, said: Callable[[str], None]) -> list[Figure]:
    """Microseconds more than the same call with no policy round it."""
    rounds, seconds = str(setting.pace.rounds), str(setting.pace.seconds / 3)
    command = [str(setting.python), "-m", "bench.apps.coterie_policies", rounds, seconds]
    cost, why = Cost([], [], []), ""
    try:
        printed = await output(command, cores=setting.cores.asking)
        cost = msgspec.json.decode(printed, type=Cost)
    except ServerError as error:
        why = str(error)
    figures = [
        _figure("client", cost.client, cost.plain, why),
        _figure("server", cost.server, cost.plain, why),
    ]
    for figure in figures:
        said(line(figure))
    return figures


def _figure(side: str, ours: list[float], plain: list[float], why: str) -> Figure:
    more = sorted(one - other for one, other in zip(ours, plain, strict=True))
    return limited(
        f"policies.{side}",
        "microseconds, all default policies",
        round(statistics.median(more), 2) if more else None,
        GOAL,
        rounds=len(more),
        also={"lowest": more[0], "highest": more[-1]} if more else {},
        errors={},
        why=why,
    )
