"""Protections: what the policies of every instance did, and how they stand."""

from collections import deque
from collections.abc import Collection, Iterator, Sequence

from msgspec import Struct

from .port import Action, Reading

__all__ = ["Done", "Protections"]

_OVER = 60.0
_EVERY = 5.0
_MOST = 2000


class Done(Struct, frozen=True, kw_only=True):
    """What a policy did to calls of ``operation`` in all instances of ``service`` together.

    ``count`` is since they started, ``rate`` how often a second over the last minute.
    """

    policy: str
    what: str
    service: str
    operation: str
    count: int
    rate: float


_Key = tuple[str, str, str, str]


class _Told:
    """What one instance told, and what it had told up to a minute before."""

    def __init__(self) -> None:
        self.states: Sequence[Reading] = ()
        self.counts: dict[_Key, int] = {}
        self._at = 0.0
        self._before: deque[tuple[float, dict[_Key, int]]] = deque()

    def note(self, actions: Sequence[Action], states: Sequence[Reading], now: float) -> None:
        counts = {
            (one.policy, one.what, one.service, one.operation): one.count for one in actions[:_MOST]
        }
        if any(counts.get(key, 0) < count for key, count in self.counts.items()):
            self._before.clear()  # it started anew
        self.states, self.counts, self._at = states[:_MOST], counts, now
        if not self._before or now - self._before[-1][0] >= _EVERY:
            self._before.append((now, counts))
        while len(self._before) > 1 and now - self._before[1][0] >= _OVER:
            self._before.popleft()

    def rate(self, key: _Key) -> float:
        since, counts = self._before[0]
        passed = self._at - since
        return (self.counts[key] - counts.get(key, 0)) / passed if passed > 0 else 0.0


class Protections:
    """Keeps what instances tell, as long as they are there."""

    def __init__(self) -> None:
        self._told: dict[str, _Told] = {}

    def note(
        self, instance: str, actions: Sequence[Action], states: Sequence[Reading], now: float
    ) -> None:
        """What ``instance`` tells at ``now``, in seconds since 1970."""
        self._told.setdefault(instance, _Told()).note(actions, states, now)

    def keep(self, instances: Collection[str]) -> None:
        """Forget all but these."""
        for name in self._told.keys() - set(instances):
            del self._told[name]

    def done(self) -> list[Done]:
        """What policies did, by policy, then by what, service and operation."""
        counts: dict[_Key, int] = {}
        rates: dict[_Key, float] = {}
        for told in self._told.values():
            for key, count in told.counts.items():
                counts[key] = counts.get(key, 0) + count
                rates[key] = rates.get(key, 0.0) + told.rate(key)
        return [
            Done(
                policy=key[0],
                what=key[1],
                service=key[2],
                operation=key[3],
                count=counts[key],
                rate=rates[key],
            )
            for key in sorted(counts)
        ]

    def states(self) -> Iterator[tuple[str, Reading]]:
        """How each policy stands, by the instance in which it does."""
        for name in sorted(self._told):
            for reading in self._told[name].states:
                yield name, reading
