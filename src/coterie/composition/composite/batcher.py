"""Batcher: single lookups, gathered into one call."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Mapping
from typing import Any, Generic, TypeVar

from msgspec import structs

from coterie.call import Failure, current, current_context
from coterie.contract import Code

from .asker import asker, own
from .flight import Flight, own_copy, ready_to_call
from .scope import checked, name_of, named

__all__ = ["Batcher"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Batcher(Generic[K, V]):
    """Looks things up one by one, and asks for them many at a time.

    ::

        self.price = Batcher(self._prices, size=50)
        ...
        async def _prices(self, ids: list[int]) -> dict[int, Price]:
            return {price.id: price for price in await self.catalogue.prices(ids)}
        ...
        price = await self.price(7)

    Lookups that begin together, or within ``within`` seconds of the first, become one call of
    ``load_many`` with up to ``size`` keys, in the order they were asked for, each once. It gives
    back a value for each key; an exception in place of a value is raised to those who asked for
    that key, and a key without any is a `Failure` (``not_found``).

    Only lookups of the same caller are put together: same principal, token and baggage, which
    travel with the call. ``shared=True`` puts all together, for what is the same for everyone; the
    call then travels without them. Each waits no longer than its own deadline, and the call no
    longer than the last of them; when nobody waits any more it is cancelled. It runs outside of
    anybody's unit of work.

    Source: Facebook's *DataLoader*. Raises `ValueError` where a number makes no sense.
    """

    def __init__(
        self,
        load_many: Callable[[list[K]], Awaitable[Mapping[K, V | Exception]]],
        *,
        size: int = 100,
        within: float = 0.0,
        shared: bool = False,
    ) -> None:
        checked((), within=within)
        if size < 1:
            raise ValueError(f"size={size}: take the number of keys a call may have, such as 100")
        self._load_many = load_many
        self._size = size
        self._within = within
        self._shared = shared
        self._name = name_of(load_many)
        self._open: dict[Hashable, _Batch[K]] = {}

    def __call__(self, key: K) -> Coroutine[object, None, V]:
        """The value for ``key``."""
        return named(self._one(key), self._name)

    async def _one(self, key: K) -> V:
        ready_to_call(self._name)
        who = None if self._shared else asker()
        batch = self._open.get(who)
        if batch is None:
            batch = self._open[who] = self._begin(who)
        batch.add(key, current().deadline)
        if len(batch.keys) >= self._size:
            batch.send()
        found = await batch.flight.join()
        value = found.get(key, _NONE)
        if value is _NONE:
            raise Failure(Code.NOT_FOUND, f"{self._name} gave no value for this key")
        if isinstance(value, Exception):
            raise own_copy(value)
        given: V = value
        return given

    def _begin(self, who: Hashable) -> "_Batch[K]":
        def close(_: object = None) -> None:
            if self._open.get(who) is batch:
                del self._open[who]

        batch: _Batch[K] = _Batch(self._within, close)
        context = own(current(), shared=self._shared, deadline=None)
        batch.flight = Flight(self._name, batch.ask(self._load_many), context, close)
        return batch


_NONE: Any = object()


class _Batch(Generic[K]):
    """Keys that will be asked for in one call; ``close`` is called when there may be no more."""

    flight: Flight[Mapping[K, Any]]

    def __init__(self, within: float, close: Callable[[], None]) -> None:
        self.keys: dict[K, None] = {}
        self._within = within
        self._close = close
        self._deadlines: list[float | None] = []
        self._sending = asyncio.get_running_loop().create_future()

    def add(self, key: K, deadline: float | None) -> None:
        self.keys[key] = None
        self._deadlines.append(deadline)

    def send(self) -> None:
        """Take no more keys; ask now."""
        self._close()
        if not self._sending.done():
            self._sending.set_result(None)

    async def ask(
        self, load_many: Callable[[list[K]], Awaitable[Mapping[K, Any]]]
    ) -> Mapping[K, Any]:
        """Wait for more keys, then ask for all of them."""
        if self._within and not self._sending.done():
            timer = asyncio.get_running_loop().call_later(self._within, self.send)
            try:
                await self._sending
            finally:
                timer.cancel()
        else:
            await asyncio.sleep(0)  # those that begin in this turn of the loop have their say
        self._close()
        ends = [deadline for deadline in self._deadlines if deadline is not None]
        if len(ends) == len(self._deadlines):
            current_context.set(structs.replace(current(), deadline=max(ends)))
        return await load_many(list(self.keys))
