"""What one contestant did in one round, and what several rounds come to."""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec import Struct


class Round(Struct, frozen=True):
    """`count` right answers within `seconds`; `p50` and `p99` are seconds an answer took.

    `total` counts right answers after the end of the round too. `busy` is the share of its core
    that the asking side used: near 1, the asking side was the limit. `cost` is the seconds of
    processor time an answer took of the serving side (0: not known): unlike the rate, it hardly
    depends on who else uses the machine.
    """

    count: int
    seconds: float
    p50: float
    p99: float
    errors: dict[str, int]
    total: int
    busy: float
    cost: float = 0.0

    @property
    def rate(self) -> float:
        """Right answers a second."""
        return self.count / self.seconds

    @classmethod
    def of(
        cls,
        count: int,
        seconds: float,
        times: Sequence[float],
        *,
        errors: Mapping[str, int],
        total: int,
        busy: float,
    ) -> "Round":
        """The round of these times, one of each counted answer."""
        ranked = sorted(times) or [0.0]
        return cls(
            count=count,
            seconds=seconds,
            p50=ranked[len(ranked) // 2],
            p99=ranked[min(len(ranked) - 1, len(ranked) * 99 // 100)],
            errors=dict(errors),
            total=total,
            busy=busy,
        )


class Score(Struct, frozen=True):
    """The medians of a contestant's rounds; `low` and `high` bound the rates that were seen."""

    name: str
    rate: float
    low: float
    high: float
    p50: float
    p99: float
    busy: float
    cost: float
    rounds: int
    errors: dict[str, int]

    @classmethod
    def of(cls, name: str, rounds: Sequence[Round], warm: Sequence[Round] = ()) -> "Score":
        """The score of at least one round; errors of the warm-up count, its speed does not."""
        errors: Counter[str] = Counter()
        for one in (*warm, *rounds):
            errors.update(one.errors)
        rates = [one.rate for one in rounds]
        return cls(
            name=name,
            rate=statistics.median(rates),
            low=min(rates),
            high=max(rates),
            p50=statistics.median(one.p50 for one in rounds),
            p99=statistics.median(one.p99 for one in rounds),
            busy=statistics.median(one.busy for one in rounds),
            cost=statistics.median(one.cost for one in rounds),
            rounds=len(rates),
            errors=dict(errors),
        )
