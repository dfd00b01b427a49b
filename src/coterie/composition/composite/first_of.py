"""first_of(): the same from whoever has it first."""

from collections.abc import Awaitable
from typing import Any, TypeVar

from coterie.call import Failure
from coterie.contract import Fault

from .scope import Scope, checked, dismiss, name_of, too_late
from .telling import Unsuccessful, most_telling

__all__ = ["first_of"]

T = TypeVar("T")


async def first_of(
    *calls: Awaitable[T], within: float | None = None, stagger: float | None = None
) -> T:
    """The value of the first of ``calls`` that succeeds; the others are cancelled and awaited.

    ::

        quote = await first_of(self.north.quote(id), self.south.quote(id), stagger=0.05)

    All begin at once, or, with ``stagger``, one after another: the next begins when the one before
    it has failed or has not answered for so many seconds. What was not begun is never sent.

    A call that raises a fault or a `Failure` has not succeeded, and the others go on. Where all
    have failed the most telling is raised: a fault before a failure, an answer before silence; its
    notes name the rest. Anything else, such as a `TypeError`, is a defect and raised at once. One
    deadline holds for all: ``within`` seconds, or the caller's where it is nearer.

    Meant for what is safe to ask several times: a call that is cancelled may have had its effect.
    Source: Dean and Barroso, *The Tail at Scale* (tied and hedged requests); RFC 8305 (staggered
    start). Raises `TypeError` for what cannot be awaited, `ValueError` for no calls at all and for
    a time that is none.
    """
    checked(calls, within=within, stagger=stagger)
    if not calls:
        raise ValueError("first_of() needs at least one call")
    scope = Scope(within)
    names = [name_of(call) for call in calls]
    places: dict[Any, int] = {}
    failed: list[Unsuccessful] = []
    try:
        at_once = len(calls) if stagger is None else 1
        while len(failed) < len(calls):
            for place in range(len(places), min(at_once, len(calls))):
                places[scope.start(calls[place])] = place
            ended = await scope.next(stagger if len(places) < len(calls) else None)
            if scope.over and ended is None:
                raise too_late(", ".join(names))
            at_once += 1
            if ended is None:
                continue
            name = names[places[ended]]
            error = scope.error(ended, name)
            if error is None:
                value: T = ended.result()
                return value
            if not isinstance(error, Failure | Fault):
                raise error
            failed.append((name, error))
    finally:
        dismiss(calls[len(places) :])
        await scope.close()
    raise most_telling(failed)
