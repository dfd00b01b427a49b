"""Which of several instances takes the next call."""

import os
import random
from collections.abc import Sequence
from typing import Protocol, TypeVar

from .port import Instance, InstanceState

__all__ = ["Choose", "Loaded", "RoundRobin", "eligible", "two_choices"]

# As in traces: unlike each other, not secret; and a seed set by a test is left alone. Forked
# processes would all make the same choices.
_random = random.Random()  # noqa: S311  # not for secrets
_draw = _random.random
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_random.seed)


class Loaded(Protocol):
    """Something with an instance behind it, and calls under way."""

    @property
    def instance(self) -> Instance:
        """Where its calls go."""
        ...

    @property
    def in_flight(self) -> int:
        """Calls that this process has under way there."""
        ...

    @property
    def weight(self) -> float:
        """Its share among the others now: its instance's, or less while that is new."""
        ...


L = TypeVar("L", bound=Loaded)


class Choose(Protocol):
    """Chooses one of at least one."""

    def __call__(self, among: Sequence[L], key: str | None = None, /) -> L:
        """One of ``among``; ``key`` is what the call is about, for those who keep that together."""
        ...


def eligible(instances: Sequence[Instance], zone: str = "") -> tuple[Instance, ...]:
    """Those that calls may go to.

    ``up`` before ``starting``, in ``zone`` before elsewhere: the first of those four groups that is
    not empty. Never ``draining``. Weight 0 only where there is nothing else in the whole group.
    """
    up = [i for i in instances if i.state is InstanceState.UP]
    group = up or [i for i in instances if i.state is InstanceState.STARTING]
    weighted = [i for i in group if i.weight > 0] or group
    near = [i for i in weighted if zone and i.zone == zone]
    return tuple(near or weighted)


def two_choices(among: Sequence[L], _: str | None = None, /) -> L:
    """Of two, drawn at random by weight, the one with fewer calls under way for its weight.

    Near the balance of asking all, without the herd that runs to whoever is idle.

    Source: M. Mitzenmacher, The Power of Two Choices in Randomized Load Balancing (2001).
    """
    count = len(among)
    if count == 1:
        return among[0]
    total = 0.0
    for each in among:
        total += each.weight
    first, second = _drawn(among, total), _drawn(among, total)
    if first is second:  # the next one: two equal choices are none
        second = among[(among.index(first) + 1) % count]
        if second.weight <= 0:
            return first
    if first.in_flight * second.weight <= second.in_flight * first.weight:
        return first
    return second


def _drawn(among: Sequence[L], total: float) -> L:
    if total <= 0:
        return among[int(_draw() * len(among))]
    left = _draw() * total
    for each in among:
        left -= each.weight
        if left < 0:
            return each
    return among[-1]


class RoundRobin:
    """One after the other, each as often as its weight says, evenly spread.

    Deaf to load: for calls that all cost the same, or tests that want to know who is next.

    Source: the smooth weighted round robin of nginx (2012).
    """

    def __init__(self) -> None:
        self._credit: dict[str, float] = {}

    def __call__(self, among: Sequence[L], key: str | None = None, /) -> L:
        """The one that has waited longest for its share."""
        credit = self._credit
        if len(credit) > 2 * len(among):
            ids = {each.instance.id for each in among}
            self._credit = credit = {id_: c for id_, c in credit.items() if id_ in ids}
        total = 0.0
        best, most = among[0], float("-inf")
        for each in among:
            weight = each.weight or 1e-9
            total += weight
            has = credit[each.instance.id] = credit.get(each.instance.id, 0.0) + weight
            if has > most:
                best, most = each, has
        credit[best.instance.id] -= total
        return best
