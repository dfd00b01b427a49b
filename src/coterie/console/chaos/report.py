"""Report: what was done to a system, and what became of those who used it meanwhile."""

from collections.abc import Sequence
from statistics import median

from msgspec import Struct

from .plan import Plan, Strike
from .port import Audit, Outcome

__all__ = ["Recovery", "Report", "Tries", "report"]


class Recovery(Struct, frozen=True):
    """A kill of ``process``, and the ``seconds`` until it served again; ``None`` if it never did."""

    process: str
    seconds: float | None


class Tries(Struct):
    """How many attempts there were, and what became of them."""

    attempted: int = 0
    acknowledged: int = 0
    unknown: int = 0
    failed: int = 0
    broken: list[str] = []
    """Attempts that raised something, in words."""

    def note(self, outcome: Outcome) -> None:
        """Count one that has ended."""
        match outcome:
            case Outcome.ACKNOWLEDGED:
                self.acknowledged += 1
            case Outcome.UNKNOWN:
                self.unknown += 1
            case Outcome.FAILED:
                self.failed += 1


class Report(Struct, frozen=True, kw_only=True):
    """A run, from its number to what its audit has found.

    ``seconds`` is how long attempts were made; ``injected`` the strikes by kind, ``missed`` those
    whose process was away just then; ``recovery_median`` and ``recovery_longest`` the seconds from a kill to the
    first success of what was killed.
    """

    number: int
    plan: str
    seconds: float
    interrupted: bool
    injected: dict[str, int]
    missed: int
    attempted: int
    acknowledged: int
    unknown: int
    failed: int
    lost: tuple[str, ...]
    duplicated: tuple[str, ...]
    unexpected: tuple[str, ...]
    recovery_median: float | None
    recovery_longest: float | None
    recoveries: tuple[Recovery, ...]

    @property
    def right(self) -> bool:
        """Whether nothing was lost, nothing done twice, and nothing else wrong."""
        return not (self.lost or self.duplicated or self.unexpected)


def report(
    plan: Plan,
    *,
    seconds: float,
    interrupted: bool,
    done: Sequence[Strike],
    missed: int,
    tries: Tries,
    audit: Audit,
    recoveries: Sequence[Recovery],
) -> Report:
    """All that is known of a run."""
    injected: dict[str, int] = {}
    for strike in done:
        injected[strike.kind] = injected.get(strike.kind, 0) + 1
    times = [found.seconds for found in recoveries if found.seconds is not None]
    never = [
        f"{r.process} did not serve again after a kill" for r in recoveries if r.seconds is None
    ]
    return Report(
        number=plan.number,
        plan=plan.digest,
        seconds=round(seconds, 3),
        interrupted=interrupted,
        injected=dict(sorted(injected.items())),
        missed=missed,
        attempted=tries.attempted,
        acknowledged=tries.acknowledged,
        unknown=tries.unknown,
        failed=tries.failed,
        lost=audit.lost,
        duplicated=audit.duplicated,
        unexpected=(*audit.unexpected, *tries.broken, *never),
        recovery_median=round(median(times), 3) if times else None,
        recovery_longest=round(max(times), 3) if times else None,
        recoveries=tuple(recoveries),
    )
