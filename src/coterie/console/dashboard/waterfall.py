"""Waterfall: the spans of a trace as a tree, with what each spent itself."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from .port import Span

__all__ = ["Step", "steps"]


class Step(Struct, frozen=True):
    """A span, how deep it lies, and the seconds it spent itself, waiting for nobody.

    ``waits`` are the times (seconds since 1970) in which spans that it caused were at work.
    """

    span: Span
    depth: int
    own: float
    waits: tuple[tuple[float, float], ...]


def steps(spans: Sequence[Span]) -> list[Step]:
    """Every span once: causes before what they caused, those of one cause as they began.

    A span whose cause is not among them begins a tree of its own.
    """
    known = {span.span_id for span in spans}
    below: dict[str, list[Span]] = {}
    roots: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.began, -span.seconds)):
        if span.parent is None or span.parent not in known or span.parent == span.span_id:
            roots.append(span)
        else:
            below.setdefault(span.parent, []).append(span)
    found: list[Step] = []
    placed: set[int] = set()
    # What is left over goes round in circles: no program of ours sends that, and it must not hang.
    for root in (*roots, *spans):
        rest = [(root, 0)]
        while rest:
            span, depth = rest.pop()
            if id(span) in placed:
                continue
            placed.add(id(span))
            children = below.get(span.span_id, [])
            waits = _union((c.began, c.ended) for c in children if c is not span)
            waits = [
                (max(a, span.began), min(b, span.ended))
                for a, b in waits
                if b > span.began and a < span.ended
            ]
            own = span.seconds - sum(b - a for a, b in waits)
            found.append(Step(span, depth, max(0.0, own), tuple(waits)))
            rest += [(child, depth + 1) for child in reversed(children)]
    return found


def _union(parts: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    joined: list[tuple[float, float]] = []
    for begin, end in sorted(parts):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined
