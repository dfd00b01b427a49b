"""chart(): one measure over time, with its scale."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from coterie.console.dashboard.html import Html, tag

__all__ = ["chart"]

_WIDTH, _HEIGHT = 420, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 10, 12, 24
_GAP = 2.5  # a pause longer than so many of the usual steps interrupts the line


def chart(
    points: Sequence[tuple[float, float]],
    begin: float,
    end: float,
    what: str,
    unit: Callable[[float], str],
) -> Html:
    """``points`` are times (seconds since 1970) and values, in order, within ``begin`` and ``end``."""
    top = _ceiling(max([value for _, value in points], default=0.0))
    across = (_WIDTH - _LEFT - _RIGHT) / max(1e-9, end - begin)
    up = (_HEIGHT - _TOP - _BOTTOM) / top

    def x(at: float) -> float:
        return _LEFT + (at - begin) * across

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - value * up

    parts: list[Html] = []
    for share in (0.0, 0.5, 1.0):
        level = y(top * share)
        parts += [
            tag("path", d=f"M{_LEFT} {level:.1f}H{_WIDTH - _RIGHT}", class_="chart-grid"),
            tag("text", unit(top * share), x=_LEFT - 8, y=f"{level + 4:.1f}", class_="chart-scale"),
        ]
    for share, side in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        at = begin + (end - begin) * share
        moment = datetime.fromtimestamp(at, UTC).astimezone()
        parts.append(
            tag(
                "text",
                f"{moment:%H:%M}",
                x=f"{x(at):.1f}",
                y=_HEIGHT - 6,
                class_=f"chart-time {side}",
            )
        )
    for run in _runs(points, end - begin):
        line = " L".join(f"{x(at):.1f},{y(value):.1f}" for at, value in run)
        floor = y(0)
        under = f"M{x(run[0][0]):.1f},{floor:.1f} L{line} L{x(run[-1][0]):.1f},{floor:.1f} Z"
        parts += [
            tag("path", d=under, class_="spark-area"),
            tag("path", d=f"M{line}", class_="spark-line"),
        ]
    return tag(
        "svg",
        *parts,
        class_="chart",
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        aria_label=what,
    )


def _runs(points: Sequence[tuple[float, float]], whole: float) -> list[list[tuple[float, float]]]:
    """The points, parted where nothing was known for a while."""
    if not points:
        return []
    steps = sorted(b[0] - a[0] for a, b in pairwise(points))
    usual = steps[len(steps) // 2] if steps else whole
    runs = [[points[0]]]
    for before, point in pairwise(points):
        if point[0] - before[0] > usual * _GAP:
            runs.append([])
        runs[-1].append(point)
    return runs


def _ceiling(value: float) -> float:
    """The next round number: 1, 2, 5, 10, ..."""
    if value <= 0:
        return 1.0
    power = 1.0
    while power < value:
        power *= 10
    while power / 10 >= value:
        power /= 10
    return next(power * share for share in (0.1, 0.2, 0.5, 1.0) if power * share >= value)
