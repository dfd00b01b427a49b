"""The table for people."""

from collections.abc import Sequence

from bench.contestant import OURS
from bench.figure import Figure, Peer
from bench.round import Score

_BUSY = 0.95


def table(figure: Figure, scores: Sequence[Score]) -> str:
    """Contestants by rate, with ours in multiples of each and the goal for that."""
    title = f"\n{figure.name}  ({figure.unit}, medians of {figure.rounds} alternating rounds)"
    head = ("", "median", "lowest", "highest", "p50 ms", "p99 ms", "cpu us", "ours is", "goal", "")
    rows = [head, *(_row(figure, score) for score in sorted(scores, key=lambda one: -one.rate))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [title]
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  " + "  ".join(cells).rstrip())
    lines += _complaints(figure)
    lines += [
        f"  {score.name}: the asking side used {score.busy:.0%} of its core: it may be the limit"
        for score in scores
        if score.busy > _BUSY and not figure.name.startswith("call")
    ]
    return "\n".join(lines)


def line(figure: Figure) -> str:
    """One value of ours against the most that it may be."""
    title = f"\n{figure.name}  ({figure.unit}"
    title += f", {figure.rounds} times)" if figure.rounds else ")"
    lines = [title]
    if figure.value is not None:
        verdict = "ok" if figure.ok else "MISSED"
        lines.append(f"  {figure.value:g}; goal <= {figure.goal:g}: {verdict}")
    if figure.also:
        lines.append("  " + ", ".join(f"{name} {value:g}" for name, value in figure.also.items()))
    lines += _complaints(figure)
    return "\n".join(lines)


def _complaints(figure: Figure) -> list[str]:
    lines = []
    for name, errors in figure.errors.items():
        counted = ", ".join(f"{count} x {kind}" for kind, count in errors.items())
        lines.append(f"  WRONG: {name}: {counted}")
    return [*lines, *(f"  not measured: {name}: {why}" for name, why in figure.why.items())]


def _row(figure: Figure, score: Score) -> tuple[str, ...]:
    peer = figure.peers.get(score.name)
    if peer is None and not score.name.startswith(OURS) and figure.goal is not None:
        peer = Peer(figure.floor, figure.ratio, figure.goal, (figure.ratio or 0) >= figure.goal)
    return (
        score.name,
        f"{score.rate:,.0f}",
        f"{score.low:,.0f}",
        f"{score.high:,.0f}",
        f"{score.p50 * 1e3:.2f}",
        f"{score.p99 * 1e3:.2f}",
        f"{score.cost * 1e6:,.0f}" if score.cost else "",
        f"{peer.ratio:.2f} x" if peer and peer.ratio is not None else "",
        f">= {peer.goal:g} x" if peer else "",
        ("ok" if peer.ok else "MISSED") if peer and peer.ratio is not None else "",
    )
