"""Kept: a part's value, used again for a while."""

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from time import monotonic
from typing import Any, Generic, NamedTuple, ParamSpec, TypeVar

import msgspec

from coterie.call import Failure, current
from coterie.contract import Code

from .asker import asker, own, time_left
from .flight import Flight, ready_to_call
from .part import forgiven
from .scope import checked, name_of, named

__all__ = ["Kept"]

log = logging.getLogger("coterie.composite")

P = ParamSpec("P")
T = TypeVar("T")

_AGAIN = frozenset({Code.DEADLINE_EXCEEDED, Code.CANCELLED})


class _Value(NamedTuple):
    value: Any
    since: float


class Kept(Generic[P, T]):
    """Calls ``load``, and gives the same answer again for ``keep`` seconds.

    ::

        self.rates = Kept(rates.of, keep=60.0, stale=3600.0)
        ...
        rates = await self.rates("EUR")

    It is called as ``load`` is. Answers are told apart by the arguments and by who asks: principal,
    token and baggage; ``shared=True`` is for what is the same for everyone, and then travels
    without them. Equal calls that begin while one is under way wait for it; each waits no longer
    than its own deadline, and when nobody waits any more it is cancelled. Failures are not kept.

    ``stale`` is for how many seconds beyond ``keep`` an old answer is given where a new one is not
    to be had: ``unavailable``, ``deadline_exceeded``, ``resource_exhausted``, ``canceled``. At most
    ``most`` answers are kept; the one not used for longest goes first. An answer is handed to
    several callers: treat it as frozen. ``clock`` gives seconds.

    Source: RFC 5861 (stale-if-error). Raises `ValueError` where a number makes no sense; a call
    raises `TypeError` for arguments that msgspec cannot encode.
    """

    def __init__(
        self,
        load: Callable[P, Awaitable[T]],
        *,
        keep: float,
        stale: float = 0.0,
        most: int = 1000,
        shared: bool = False,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        checked((), keep=keep, stale=stale)
        if most < 1:
            raise ValueError(f"most={most}: take the number of answers to keep, such as 1000")
        self._load = load
        self._keep = keep
        self._stale = stale
        self._most = most
        self._shared = shared
        self._clock = clock
        self._name = name_of(load)
        self._encode = msgspec.msgpack.Encoder(order="deterministic").encode
        self._values: OrderedDict[Hashable, _Value] = OrderedDict()
        self._flights: dict[Hashable, Flight[T]] = {}
        self._forgotten = 0

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[object, None, T]:
        """What ``load`` gives for these arguments, now or a moment ago."""
        return named(self._get(args, kwargs), self._name)

    def forget(self) -> None:
        """Forget every answer: the next calls ask anew."""
        self._forgotten += 1
        self._values.clear()
        self._flights.clear()  # what is under way answers those who wait, and nobody after them

    async def _get(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
        # Encoded, because 1, 1.0 and True are equal keys of a dict, and lists are none.
        key = (self._encode((args, kwargs)), None if self._shared else asker())
        old = self._values.get(key)
        age = 0.0 if old is None else self._clock() - old.since
        if old is not None and age < self._keep:
            self._values.move_to_end(key)
            kept: T = old.value
            return kept
        ready_to_call(self._name)
        try:
            return await self._fresh(key, args, kwargs)
        except Failure as failure:
            if old is None or not forgiven(failure) or age >= self._keep + self._stale:
                raise
            log.info("an answer %.0f s old is given: %s (%s)", age, self._name, failure.code.value)
            stale: T = old.value
            return stale

    async def _fresh(self, key: Hashable, args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
        while True:
            flight = self._flights.get(key)
            others = flight is not None
            if flight is None:
                flight = self._begin(key, args, kwargs)
            try:
                return await flight.join()
            except Failure as failure:
                # It ended by the time of whoever began it; who has time left asks for himself.
                if not (others and failure.code in _AGAIN and time_left()):
                    raise

    def _begin(self, key: Hashable, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Flight[T]:
        def gone(flight: Flight[T]) -> None:
            if self._flights.get(key) is flight:
                del self._flights[key]

        async def load() -> T:
            value = await self._load(*args, **kwargs)
            if self._forgotten == forgotten:
                self._values[key] = _Value(value, self._clock())
                self._values.move_to_end(key)
                if len(self._values) > self._most:
                    self._values.popitem(last=False)
            return value

        forgotten = self._forgotten
        caller = current()
        context = own(caller, shared=self._shared, deadline=caller.deadline)
        flight: Flight[T] = Flight(self._name, load(), context, gone)
        self._flights[key] = flight
        return flight
