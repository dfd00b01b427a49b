"""optional(): a part of a composite that an answer can do without."""

from collections.abc import Awaitable, Generator
from typing import Any, Generic, TypeVar

from coterie.call import Failure
from coterie.contract import Code, Fault

from .scope import Scope, checked, dismiss, name_of, too_late

__all__ = ["Part", "forgiven", "optional"]

T = TypeVar("T")
D = TypeVar("D")

Forgives = Code | type[Fault]

_PASSING = frozenset(
    {Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED, Code.RESOURCE_EXHAUSTED, Code.CANCELLED}
)


class Part(Generic[T]):
    """A part made by `optional`; awaited by itself it gives its value or its default."""

    __slots__ = ("_codes", "_faults", "default", "name", "within", "work")

    def __init__(
        self,
        work: Awaitable[Any],
        default: Any,
        within: float | None,
        name: str | None,
        forgives: tuple[Forgives, ...],
    ) -> None:
        self.work = work
        self.default = default
        self.within = within
        self.name = name or name_of(work)
        self._codes = frozenset(code for code in forgives if isinstance(code, Code))
        self._faults = tuple(fault for fault in forgives if not isinstance(fault, Code))

    def forgives(self, error: BaseException) -> bool:
        """Whether the answer may be given without this part, which ended with ``error``."""
        return forgiven(error, self._codes) or isinstance(error, self._faults)

    def close(self) -> None:
        """It will not be awaited."""
        dismiss((self.work,))

    def __await__(self) -> Generator[Any, Any, T]:
        return self._alone().__await__()

    async def _alone(self) -> Any:
        scope = Scope(self.within)
        task = scope.start(self.work)
        try:
            ended = await scope.next()
            error = too_late(self.name) if ended is None else scope.error(ended, self.name)
        finally:
            await scope.close()
        if error is None:
            return task.result()
        if not self.forgives(error):
            raise error
        return self.default


def optional(
    work: Awaitable[T],
    default: D,
    *,
    within: float | None = None,
    forgives: Forgives | tuple[Forgives, ...] = (),
    name: str | None = None,
) -> "Part[T | D]":
    """A part that is left out, ``default`` in its place, when it is not to be had.

    ::

        optional(self.partner.search(city), default=[], within=0.3)

    It is left out when it fails as what is down, slow or busy does: with a `Failure` of
    ``unavailable``, ``deadline_exceeded``, ``resource_exhausted``, or ``canceled`` by somebody
    else; and when it takes longer than ``within`` seconds. ``forgives`` adds codes, and faults
    that the operation declares, which are answers and count as such unless named here. A mistake
    of the caller's, such as a wrong argument or a `TypeError`, is raised: a default would hide it.

    ``name`` is what `Gathered.missing` calls it; without, the operation's own, ``partner.search``.
    Source: Nygard, *Release It!*, Fail Fast; SRE book, *Graceful Degradation*.
    Raises `TypeError` for what cannot be awaited, `ValueError` for a time that is none.
    """
    checked((work,), within=within)
    return Part(
        work, default, within, name, forgives if isinstance(forgives, tuple) else (forgives,)
    )


def forgiven(error: BaseException, more: frozenset[Code] = frozenset()) -> bool:
    """Whether ``error`` says that something is not to be had now, rather than that it is wrong."""
    return isinstance(error, Failure) and (error.code in _PASSING or error.code in more)
