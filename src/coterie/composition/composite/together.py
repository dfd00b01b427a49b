"""together(): several calls at once, for one answer."""

import logging
from collections.abc import Awaitable, Mapping
from time import monotonic
from types import MappingProxyType
from typing import Any, TypeVar, TypeVarTuple, cast, overload

from coterie.call import Failure
from coterie.contract import Fault

from .part import Part
from .scope import Running, Scope, checked, dismiss, name_of, too_late

__all__ = ["Gathered", "together"]

log = logging.getLogger("coterie.composite")

Ts = TypeVarTuple("Ts")
T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
F = TypeVar("F")
G = TypeVar("G")
H = TypeVar("H")

_SPARE = 0.1
"""What optional parts leave of the time: a tenth of it, and no more than this many seconds."""

_NOTHING: Mapping[str, Failure | Fault] = MappingProxyType({})


class Gathered(tuple[*Ts]):  # noqa: SLOT001  # a tuple cannot have slots of its own
    """The values of the parts in the order they were given: a tuple, to be unpacked as one."""

    missing: Mapping[str, Failure | Fault]
    """What is not there, and why: of each part left out its name and what it failed with."""


@overload
async def together(a: Awaitable[A], /, *, within: float | None = None) -> Gathered[A]: ...
@overload
async def together(
    a: Awaitable[A], b: Awaitable[B], /, *, within: float | None = None
) -> Gathered[A, B]: ...
@overload
async def together(
    a: Awaitable[A], b: Awaitable[B], c: Awaitable[C], /, *, within: float | None = None
) -> Gathered[A, B, C]: ...
@overload
async def together(
    a: Awaitable[A],
    b: Awaitable[B],
    c: Awaitable[C],
    d: Awaitable[D],
    /,
    *,
    within: float | None = None,
) -> Gathered[A, B, C, D]: ...
@overload
async def together(
    a: Awaitable[A],
    b: Awaitable[B],
    c: Awaitable[C],
    d: Awaitable[D],
    e: Awaitable[E],
    /,
    *,
    within: float | None = None,
) -> Gathered[A, B, C, D, E]: ...
@overload
async def together(
    a: Awaitable[A],
    b: Awaitable[B],
    c: Awaitable[C],
    d: Awaitable[D],
    e: Awaitable[E],
    f: Awaitable[F],
    /,
    *,
    within: float | None = None,
) -> Gathered[A, B, C, D, E, F]: ...
@overload
async def together(
    a: Awaitable[A],
    b: Awaitable[B],
    c: Awaitable[C],
    d: Awaitable[D],
    e: Awaitable[E],
    f: Awaitable[F],
    g: Awaitable[G],
    /,
    *,
    within: float | None = None,
) -> Gathered[A, B, C, D, E, F, G]: ...
@overload
async def together(
    a: Awaitable[A],
    b: Awaitable[B],
    c: Awaitable[C],
    d: Awaitable[D],
    e: Awaitable[E],
    f: Awaitable[F],
    g: Awaitable[G],
    h: Awaitable[H],
    /,
    *,
    within: float | None = None,
) -> Gathered[A, B, C, D, E, F, G, H]: ...
@overload
async def together(
    *parts: Awaitable[T], within: float | None = None
) -> Gathered[*tuple[T, ...]]: ...
async def together(*parts: Awaitable[Any], within: float | None = None) -> Any:
    """All ``parts`` at once; their values in the order given, when the last of them is there.

    ::

        found = await together(
            self.hotels.hotel(id),
            optional(self.reviews.of(id), default=[]),
            optional(self.partner.near(id), default=[], within=0.3),
            within=1.0,
        )
        hotel, reviews, near = found
        found.missing  # {"partner.near": Failure(unavailable, ...)}

    One deadline holds for all: ``within`` seconds, or the caller's where it is nearer. A part that
    fails ends the others and is raised itself, in no group; one that is `optional` is left out
    where it may be. Optional parts end a little before the deadline, a tenth of the time and
    0.1 s at most, so that there is time to answer without them. When the deadline
    comes, a `Failure` (``deadline_exceeded``) names the parts that were not done.

    Whichever way it ends, also when it is cancelled, nothing is left running: each part has ended
    before this returns. A part that holds out against its cancellation is waited for.

    Source: Hohpe and Woolf, *Scatter-Gather*; Richardson, *API composition*.
    Raises `TypeError` for what cannot be awaited, `ValueError` for a time that is none.
    """
    checked(parts, within=within)
    scope = Scope(within)
    now = monotonic()
    if scope.deadline is not None and scope.deadline <= now:
        dismiss(parts)
        raise too_late(", ".join(map(_name, parts)) or "Nothing")
    gathering = _Gathering(scope, parts)
    try:
        gathering.begin(now)
        while gathering.places:
            ended = await scope.next()
            if ended is None:
                gathering.time_is_over()
                break
            gathering.take(ended)
    finally:
        await scope.close()
    return gathering.gathered()


class _Gathering:
    """The parts, each with its place among the results."""

    def __init__(self, scope: Scope, parts: tuple[Awaitable[Any], ...]) -> None:
        self.scope = scope
        self.parts = parts
        self.places: dict[Running, int] = {}
        self.values: list[Any] = [None] * len(parts)
        self.missing: dict[int, Failure | Fault] = {}

    def begin(self, now: float) -> None:
        scope, places = self.scope, self.places
        deadline = scope.deadline
        last = None if deadline is None else deadline - min(_SPARE, (deadline - now) / 10)
        for place, part in enumerate(self.parts):
            if isinstance(part, Part):
                until = last
                if part.within is not None:
                    until = now + part.within if last is None else min(last, now + part.within)
                places[scope.start(part.work, until)] = place
            else:
                places[scope.start(part)] = place

    def take(self, ended: Running) -> None:
        """A part has ended: its value is kept, or it is left out, or what it raised is raised."""
        place = self.places.pop(ended)
        if not ended.cancelled() and ended.exception() is None:
            self.values[place] = ended.result()
            return
        part = self.parts[place]
        error = self.scope.error(ended, _name(part))
        if error is not None:
            self.leave_out(place, part, error)

    def leave_out(self, place: int, part: Awaitable[Any], error: BaseException) -> None:
        if not isinstance(part, Part) or not part.forgives(error):
            raise error
        self.values[place] = part.default
        self.missing[place] = cast("Failure | Fault", error)

    def time_is_over(self) -> None:
        left = sorted(self.places.values())
        needed = [_name(self.parts[i]) for i in left if not isinstance(self.parts[i], Part)]
        if needed:
            raise too_late(", ".join(needed))
        for place in left:
            part = self.parts[place]
            self.leave_out(place, part, too_late(_name(part)))

    def gathered(self) -> Gathered[*tuple[Any, ...]]:
        found: Gathered[*tuple[Any, ...]] = Gathered(self.values)
        found.missing = self.named() if self.missing else _NOTHING
        return found

    def named(self) -> Mapping[str, Failure | Fault]:
        named: dict[str, Failure | Fault] = {}
        for place in sorted(self.missing):
            name = wanted = _name(self.parts[place])
            again = 1
            while name in named:  # the same operation, asked for twice
                again += 1
                name = f"{wanted} ({again})"
            named[name] = self.missing[place]
            # No message: it may quote what the caller asked for.
            log.info("left out of an answer: %s (%s)", name, named[name].code.value)
        return MappingProxyType(named)


def _name(part: object) -> str:
    return part.name if isinstance(part, Part) else name_of(part)
