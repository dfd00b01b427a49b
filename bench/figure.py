"""A figure: what came out, beside its floor and its peers, and whether the goals are met."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from bench.contestant import OURS
from bench.round import Score


class Goal(Struct, frozen=True):
    """Ours must be at least `ratio` times the contestant `against`."""

    against: str
    ratio: float


class Peer(Struct, frozen=True):
    """A contestant's median, and what ours is in multiples of it. None: it could not be measured."""

    value: float | None
    ratio: float | None
    goal: float
    ok: bool


class Figure(Struct, frozen=True):
    """One line of the bench; `floor`, `ratio` and `goal` speak of the floor, `peers` of the rest.

    `cost` is the processor time of the serving side, in microseconds an answer, by contestant. A
    value is None where it could not be measured, and `why` says the reason. `ok` asks that
    every goal is met and no contestant gave one wrong answer. A figure that is a limit, and no
    race, has no floor: `goal` is the most that `value` may be, and `also` what else was seen.
    """

    name: str
    value: float | None
    unit: str
    floor: float | None
    ratio: float | None
    goal: float | None
    ok: bool
    peers: dict[str, Peer]
    rounds: int
    cost: dict[str, float]
    errors: dict[str, dict[str, int]]
    why: dict[str, str]
    also: dict[str, float] = {}


def ranked(
    name: str,
    unit: str,
    scores: Sequence[Score],
    absent: Mapping[str, str],
    *,
    floor: Goal | None,
    peers: Sequence[Goal],
) -> Figure:
    """The figure of these scores; rates, so more is better."""
    rates = {score.name: score.rate for score in scores}
    errors = {score.name: score.errors for score in scores if score.errors}
    compared = {goal.against: _peer(rates, goal) for goal in peers}
    beneath = None if floor is None else _peer(rates, floor)
    met = all(peer.ok for peer in (*compared.values(), *([beneath] if beneath else [])))
    return Figure(
        name=name,
        value=_short(rates.get(OURS)),
        unit=unit,
        floor=None if beneath is None else beneath.value,
        ratio=None if beneath is None else beneath.ratio,
        goal=None if beneath is None else beneath.goal,
        ok=met and not errors and OURS in rates,
        peers=compared,
        rounds=max((score.rounds for score in scores), default=0),
        cost={score.name: round(score.cost * 1e6, 1) for score in scores if score.cost},
        errors=errors,
        why=dict(absent),
    )


def limited(
    name: str,
    unit: str,
    value: float | None,
    goal: float,
    *,
    rounds: int = 0,
    also: Mapping[str, float] | None = None,
    errors: Mapping[str, int] | None = None,
    why: str = "",
) -> Figure:
    """The figure of one value of ours that may be ``goal`` at most, in the same unit."""
    return Figure(
        name=name,
        value=None if value is None else round(value, 3),
        unit=unit,
        floor=None,
        ratio=None,
        goal=goal,
        ok=value is not None and value <= goal and not errors,
        peers={},
        rounds=rounds,
        cost={},
        errors={OURS: dict(errors)} if errors else {},
        why={OURS: why} if why else {},
        also={key: round(number, 3) for key, number in (also or {}).items()},
    )


def _peer(rates: Mapping[str, float], goal: Goal) -> Peer:
    ours, theirs = rates.get(OURS), rates.get(goal.against)
    ratio = ours / theirs if ours is not None and theirs else None
    return Peer(
        value=_short(theirs),
        ratio=None if ratio is None else round(ratio, 3),
        goal=goal.ratio,
        ok=ratio is not None and ratio >= goal.ratio,
    )


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
