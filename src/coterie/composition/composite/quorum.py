"""quorum(): enough of those asked, not all of them."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from coterie.call import Failure
from coterie.contract import Code, Fault

from .scope import Scope, checked, dismiss, name_of, too_late
from .telling import Unsuccessful, most_telling

__all__ = ["quorum"]

T = TypeVar("T")


async def quorum(
    needed: int,
    *calls: Awaitable[T],
    within: float | None = None,
    agree: Callable[[T, T], bool] | None = None,
) -> list[T]:
    """The values of the first ``needed`` of ``calls`` that succeed, in the order of the calls.

    ::

        first, second = await quorum(2, a.balance(id), b.balance(id), c.balance(id), agree=eq)

    All begin at once; the rest are cancelled and awaited when there are enough. With ``agree``
    only values that agree with each other count together: ``operator.eq``, or a function of two
    values that compares what matters of them and holds alike for all that agree.

    It gives up as soon as there can no longer be enough. A fault or a `Failure` is one voice less;
    when too many failed, the most telling of theirs is raised, with the others in its notes; when
    they answered and did not agree, a `Failure` (``aborted``). Anything else, such as a
    `TypeError`, is a defect and raised at once. One deadline holds for all: ``within`` seconds, or
    the caller's where it is nearer.

    Source: Gifford, *Weighted Voting for Replicated Data* (1979). Raises `TypeError` for what
    cannot be awaited, `ValueError` where ``needed`` is not from 1 to the number of calls.
    """
    checked(calls, within=within)
    if not 1 <= needed <= len(calls):
        dismiss(calls)
        raise ValueError(f"needed={needed} of {len(calls)}: take a number from 1 to {len(calls)}")
    scope = Scope(within)
    names = [name_of(call) for call in calls]
    voices = _Voices(needed, agree)
    try:
        places: dict[Any, int] = {scope.start(call): place for place, call in enumerate(calls)}
        while places:
            ended = await scope.next()
            if ended is None:
                raise too_late(f"{needed} of {', '.join(names)}")
            place = places.pop(ended)
            error = scope.error(ended, names[place])
            if error is None:
                if voices.hear(place, ended.result()):
                    return voices.values()
            elif isinstance(error, Failure | Fault):
                voices.failed.append((names[place], error))
            else:
                raise error
            if voices.most + len(places) < needed:
                break
    finally:
        await scope.close()
    raise voices.verdict(len(calls))


class _Voices:
    """What was answered so far, in groups that agree."""

    def __init__(self, needed: int, agree: Callable[[Any, Any], bool] | None) -> None:
        self.needed = needed
        self.agree = agree
        self.groups: list[dict[int, Any]] = []
        self.failed: list[Unsuccessful] = []

    @property
    def most(self) -> int:
        return max(map(len, self.groups), default=0)

    def hear(self, place: int, value: Any) -> bool:
        """Whether there are enough now."""
        for group in self.groups:
            if self.agree is None or self.agree(next(iter(group.values())), value):
                group[place] = value
                return len(group) >= self.needed
        self.groups.append({place: value})
        return self.needed == 1

    def values(self) -> list[Any]:
        group = max(self.groups, key=len)
        return [group[place] for place in sorted(group)]

    def verdict(self, asked: int) -> Failure | Fault:
        """Why there are not enough."""
        if len(self.failed) > asked - self.needed:
            return most_telling(self.failed)
        failure = Failure(
            Code.ABORTED,
            f"Only {self.most} agreed where {self.needed} of {asked} had to; ask again, or find"
            " out which of them is behind",
        )
        for name, error in self.failed:
            failure.add_note(f"{name} failed: {error.code.value}")
        return failure
