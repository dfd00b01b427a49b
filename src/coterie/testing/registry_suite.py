"""RegistrySuite: what every engine of the registry must do, as tests to inherit."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from statistics import quantiles
from time import perf_counter

from coterie.registry import Instance, InstanceState, Offer, Registry, Watch

__all__ = ["RegistrySuite", "Seen"]

_SOON = 2.0


class Seen:
    """A watch, and all it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[Instance, ...]] = []
        self._more = asyncio.Event()

    def __call__(self, instances: tuple[Instance, ...]) -> None:
        """Note what is told; this is what a registry is given."""
        self.told.append(instances)
        self._more.set()

    @property
    def ids(self) -> list[str]:
        """Of the instances told last."""
        return [instance.id for instance in self.told[-1]] if self.told else []

    async def until(
        self, fits: Callable[[tuple[Instance, ...]], bool], within: float = _SOON
    ) -> tuple[Instance, ...]:
        """What is told first that ``fits``, or was told last and does. Raises `AssertionError`."""
        try:
            async with asyncio.timeout(within):
                while not (self.told and fits(self.told[-1])):
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            what = self.told[-1] if self.told else "nothing"
            raise AssertionError(f"not told within {within} s; told last: {what}") from None
        return self.told[-1]


class RegistrySuite:
    """Inherit it in a test class, say how the engine is reached, and run pytest.

    ::

        class TestMine(RegistrySuite):
            lease = 1.0

            def registry(self) -> Registry:
                return Mine(self.url, lease=self.lease)

    Needs pytest-asyncio in mode ``auto``, or anyio's plugin.
    """

    lease: float | None = None
    """Seconds of a lease; ``None`` for an engine that knows none."""

    def registry(self) -> Registry:
        """A registry, not started yet; all those that one test asks for meet each other."""
        raise NotImplementedError

    def announced_by_another(self, instance: Instance) -> AbstractAsyncContextManager[None]:
        """Announce from a process that is killed, unwarned, at the end of the block.

        Only engines with leases are asked.
        """
        raise NotImplementedError

    @asynccontextmanager
    async def started(self, count: int = 2) -> AsyncGenerator[list[Registry]]:
        """So many registries, started; stopped at the end."""
        async with AsyncExitStack() as stack:
            made = [self.registry() for _ in range(count)]
            for registry in {id(each): each for each in made}.values():
                await registry.start()
                stack.push_async_callback(registry.stop)
            yield made

    async def test_what_one_announces_another_sees(self) -> None:
        """Every field arrives as it was given."""
        told = Instance(
            service="orders",
            id="orders-1",
            url="http://127.0.0.1:4001",
            version="2.1",
            offers=(Offer("orders", "1.3", "ab12"), Offer("stock", "2.0")),
            zone="east",
            weight=0.5,
            state=InstanceState.STARTING,
        )
        async with self.started() as (here, there):
            watch = await there.watch("orders", seen := Seen())
            await here.announce(told)
            assert await seen.until(bool) == (told,)
            assert watch.instances == (told,)

    async def test_what_is_there_is_told_at_once(self) -> None:
        """A watch is complete when it is handed over, and has told so."""
        async with self.started() as (here, there):
            await here.announce(_instance("orders-1"))
            await here.announce(_instance("orders-2"))
            watch = await there.watch("orders", seen := Seen())
            assert len(seen.told) == 1
            assert _ids(watch) == seen.ids == ["orders-1", "orders-2"]

    async def test_nothing_there_is_told_too(self) -> None:
        """Whoever watches hears at once that there is nobody."""
        async with self.started() as (_, there):
            watch = await there.watch("orders", seen := Seen())
            assert seen.told == [()]
            assert watch.instances == ()

    async def test_a_withdrawn_instance_is_gone(self) -> None:
        """Withdrawing is told; doing it again is no error."""
        async with self.started() as (here, there):
            await there.watch("orders", seen := Seen())
            await here.announce(_instance("orders-1"))
            await seen.until(bool)
            await here.withdraw("orders", "orders-1")
            await seen.until(_nobody)
            await here.withdraw("orders", "orders-1")
            await here.withdraw("orders", "never")
            assert (await there.watch("orders")).instances == ()

    async def test_anybody_may_withdraw(self) -> None:
        """A supervisor withdraws what its children announced."""
        async with self.started() as (here, there):
            await here.watch("orders", seen := Seen())
            await here.announce(_instance("orders-1"))
            await there.withdraw("orders", "orders-1")
            await seen.until(_nobody)

    async def test_the_last_announcement_counts(self) -> None:
        """A name is one instance, whoever announces it."""
        async with self.started() as (here, there):
            await there.watch("orders", seen := Seen())
            await here.announce(_instance("orders-1", state=InstanceState.UP))
            await there.announce(_instance("orders-1", state=InstanceState.DRAINING))
            (last,) = await seen.until(lambda all_: [i.state.value for i in all_] == ["draining"])
            assert last.id == "orders-1"

    async def test_changes_are_told_in_their_order(self) -> None:
        """Nobody sees an instance go back to what it was."""
        async with self.started() as (here, there):
            await there.watch("orders", seen := Seen())
            for version in range(30):
                await here.announce(_instance("orders-1", version=str(version)))
            await seen.until(lambda all_: bool(all_) and all_[0].version == "29")
            versions = [int(all_[0].version) for all_ in seen.told if all_]
            assert versions == sorted(versions)

    async def test_a_service_is_watched_alone(self) -> None:
        """Nothing is told of services that nobody asked for."""
        async with self.started() as (here, there):
            watch = await there.watch("orders", seen := Seen())
            await here.announce(_instance("users-1", "users"))
            await here.announce(_instance("orders-1"))
            await seen.until(bool)
            assert _ids(watch) == ["orders-1"]
            assert len(seen.told) == 2

    async def test_all_are_watched_together(self) -> None:
        """Sorted by service and id."""
        async with self.started() as (here, there):
            watch = await there.watch(None, seen := Seen())
            for service, id_ in (("users", "u-1"), ("orders", "o-2"), ("orders", "o-1")):
                await here.announce(_instance(id_, service))
            await seen.until(lambda all_: len(all_) == 3)
            assert _ids(watch) == ["o-1", "o-2", "u-1"]

    async def test_a_closed_watch_is_told_nothing(self) -> None:
        """And the watches beside it are told all the same."""
        async with self.started() as (here, there):
            watch = await there.watch("orders", closed := Seen())
            await there.watch("orders", seen := Seen())
            watch.close()
            watch.close()
            await here.announce(_instance("orders-1"))
            await seen.until(bool)
            assert closed.told == [()]

    async def test_stopping_withdraws(self) -> None:
        """Who leaves takes along what it announced, and stopping twice is no error."""
        async with self.started() as (here, there):
            await there.watch("orders", seen := Seen())
            await here.announce(_instance("orders-1"))
            await here.announce(_instance("orders-2"))
            await seen.until(lambda all_: len(all_) == 2)
            await here.stop()
            await seen.until(_nobody)

    async def test_names_of_any_kind(self) -> None:
        """Dots, spaces, wildcards and letters of any alphabet are no trouble."""
        odd = ["a.b", "c d", "*", ">", "żółw/1", "%2E"]
        async with self.started() as (here, there):
            watch = await there.watch("the.odd *>", seen := Seen())
            for name in odd:
                await here.announce(_instance(name, "the.odd *>"))
            await seen.until(lambda all_: len(all_) == len(odd))
            assert _ids(watch) == sorted(odd)

    async def test_a_new_instance_is_known_within_100_ms(self) -> None:
        """99 of 100, over 200 announcements one after the other."""
        times: list[float] = []
        async with self.started() as (here, there):
            await there.watch("orders", seen := Seen())
            for count in range(1, 201):
                began = perf_counter()
                await here.announce(_instance(f"orders-{count:03}"))
                await seen.until(lambda all_, count=count: len(all_) == count)  # type: ignore[misc]
                times.append(perf_counter() - began)
        cuts = quantiles(times, n=100)
        assert cuts[98] <= 0.1, f"p50 {cuts[49] * 1e3:.2f} ms, p99 {cuts[98] * 1e3:.2f} ms"

    async def test_a_lease_is_renewed_while_its_owner_lives(self) -> None:
        """Nothing is told for three leases of peace."""
        if self.lease is None:
            return
        async with self.started() as (here, there):
            await there.watch("orders", seen := Seen())
            await here.announce(_instance("orders-1"))
            await seen.until(bool)
            told = len(seen.told)
            try:
                await seen.until(lambda _: len(seen.told) > told, within=3 * self.lease)
            except AssertionError:
                return
            raise AssertionError(f"told without a change: {seen.told[told:]}")

    async def test_who_dies_is_gone_when_its_lease_ends(self) -> None:
        """Killed without a word: not before the lease may end, and a second after it at most."""
        if self.lease is None:
            return
        async with self.started() as (_, there):
            await there.watch("orders", seen := Seen())
            async with self.announced_by_another(_instance("orders-1")):
                await seen.until(bool, within=10)
            assert seen.ids == ["orders-1"]
            await seen.until(_nobody, within=self.lease + 1)


def _instance(
    id: str, service: str = "orders", *, state: InstanceState = InstanceState.UP, version: str = "1"
) -> Instance:
    url = "http://127.0.0.1:4001"
    return Instance(service=service, id=id, url=url, state=state, version=version)


def _ids(watch: Watch) -> list[str]:
    return [instance.id for instance in watch.instances]


def _nobody(instances: tuple[Instance, ...]) -> bool:
    return not instances
