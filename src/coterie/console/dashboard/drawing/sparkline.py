"""sparkline(): a few numbers as a line the height of a word."""

from collections.abc import Sequence

from coterie.console.dashboard.html import Html, tag

__all__ = ["sparkline"]


def sparkline(
    points: Sequence[float],
    places: int,
    what: str,
    *,
    width: int = 120,
    height: int = 20,
    most: float | None = None,
) -> Html:
    """``points`` from left to right, the last at the right edge; there is room for ``places``.

    ``what`` is its name for those who do not see it; ``most`` is the value at the top, or else
    the highest of the points.
    """
    top = max([*points, most or 0.0, 1e-9])
    step = width / max(1, places - 1)
    left = width - step * (len(points) - 1)
    dots = [
        f"{left + number * step:.1f},{height - 1.5 - (height - 3) * value / top:.1f}"
        for number, value in enumerate(points)
    ]
    shape = [tag("path", d=f"M0 {height - 1}H{width}", class_="spark-ground")]
    if len(dots) > 1:
        line = " L".join(dots)
        under = f"M{left:.1f},{height} L{line} L{width},{height} Z"
        shape += [
            tag("path", d=under, class_="spark-area"),
            tag("path", d=f"M{line}", class_="spark-line"),
        ]
    return tag(
        "svg", *shape, class_="spark", viewBox=f"0 0 {width} {height}", width=width, height=height,
        preserveAspectRatio="none", role="img", aria_label=what,
    )  # fmt: skip
