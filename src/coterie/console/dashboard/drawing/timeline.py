"""bar(): one span of a waterfall, as long as it took and where it began."""

from msgspec import Struct

from coterie.console.dashboard.html import Html, tag

__all__ = ["Bar", "bar"]

_WIDTH = 1000
_HEIGHT = 14
_LEAST = 2.0


class Bar(Struct, frozen=True):
    """From ``begin`` to ``end``, as shares (0 to 1) of the whole; ``kind`` is its class."""

    begin: float
    end: float
    kind: str


def bar(drawn: Bar, inner: tuple[tuple[float, float], ...] = ()) -> Html:
    """The bar; ``inner`` are the parts in which the span waited for others, drawn paler."""
    parts = [
        tag("path", d=f"M{_WIDTH * share:g} 0V{_HEIGHT}", class_="tick")
        for share in (0.25, 0.5, 0.75)
    ]
    parts.append(_rectangle(drawn.begin, drawn.end, f"bar {drawn.kind}"))
    parts += [_rectangle(begin, end, "wait") for begin, end in inner]
    return tag(
        "svg", *parts, class_="timeline", viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        preserveAspectRatio="none", aria_hidden="true",
    )  # fmt: skip


def _rectangle(begin: float, end: float, kind: str) -> Html:
    width = max(_LEAST, (end - begin) * _WIDTH)
    left = min(begin * _WIDTH, _WIDTH - width)
    return tag("rect", x=f"{left:.1f}", y=2, width=f"{width:.1f}", height=_HEIGHT - 4, class_=kind)
