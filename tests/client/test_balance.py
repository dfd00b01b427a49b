"""Which instance a call goes to: by rule, by how new it is, and by what the call avoids."""

from contextlib import AsyncExitStack
from time import monotonic

import pytest

from coterie.call import Call, Context, Handler, Reply, Trace
from coterie.client import Discovered, proxy
from coterie.contract import Operation, describe
from coterie.registry import Balance, Hashing, InstanceState, Memory
from tests.client.discovering import Served, discovered, instance, served
from tests.client.http1.peer import soon, until
from tests.client.kit import Desk


def weights(client: Discovered) -> dict[str, float]:
    return {lane.instance.id: lane.weight for lane in client.lanes}


async def test_who_comes_gets_its_share_little_by_little() -> None:
    """From a tenth at once to all of it after `slow_start` seconds; who was there has it all."""
    async with discovered(slow_start=0.4) as found:
        await found.announce("old", "http://127.0.0.1:9")
        await until(lambda: weights(found.client) == {"old": 1.0})
        began = monotonic()
        await found.announce("new", "http://127.0.0.1:9", weight=2.0)
        assert weights(found.client) == {"old": 1.0, "new": pytest.approx(0.2)}
        seen: list[float] = []

        def grown() -> bool:
            seen.append(weights(found.client)["new"])
            return seen[-1] == 2.0

        await until(grown)
        assert monotonic() - began >= 0.35
        assert seen == sorted(seen)
        assert len(set(seen)) >= 3


async def test_who_was_there_first_is_not_new() -> None:
    """A client that starts knows nothing of the age of those it finds."""
    registry = Memory()
    for name in "ab":
        await registry.announce(instance(name, "http://127.0.0.1:9"))
    client = Discovered("desks", registry, slow_start=60.0)
    await client.start()
    assert weights(client) == {"a": 1.0, "b": 1.0}
    await client.stop()


async def test_who_starts_is_new_when_it_is_up() -> None:
    """Not before: until then it takes calls where there is nobody else. Control: none is new at 0."""
    for slow_start, share in ((60.0, 0.1), (0.0, 1.0)):
        async with discovered(slow_start=slow_start) as found:
            url = "http://127.0.0.1:9"
            await found.announce("a", url, InstanceState.STARTING)
            assert weights(found.client) == {"a": 1.0}
            await found.announce("a", url)
            assert weights(found.client) == {"a": pytest.approx(share)}
            await found.announce("a", url, InstanceState.DRAINING)
            assert weights(found.client) == {}


@pytest.mark.parametrize("slow_start", [-1.0, float("inf"), float("nan")])
def test_a_start_that_takes_no_time_is_refused(slow_start: float) -> None:
    with pytest.raises(ValueError, match="number of seconds"):
        Discovered("desks", Memory(), slow_start=slow_start)


async def test_the_new_are_called_and_the_only_one_gets_all() -> None:
    """Within a few calls, however slow its start."""
    async with discovered(slow_start=600.0) as found, served() as one, served() as two:
        await found.announce("one", one.url)
        await found.announce("two", two.url)
        for _ in range(200):
            await found.desk.add(1, 2)
        assert two.calls >= 1
        await found.withdraw("one")
        before = two.calls
        for _ in range(20):
            await found.desk.add(1, 2)
        assert two.calls == before + 20


async def test_the_same_key_goes_to_the_same_instance() -> None:
    """For the operation that says so; the others go where they like."""

    def balance(operation: Operation) -> Balance:
        return Hashing(hash="a") if operation.name == "add" else "round-robin"

    async with discovered(balance=balance) as found, AsyncExitStack() as stack:
        there: list[Served] = []
        for name in "abc":
            there.append(await stack.enter_async_context(served()))
            await found.announce(name, there[-1].url)
        used = set()
        for key in range(12):
            before = [one.calls for one in there]
            for b in range(5):
                await found.desk.add(key, b)
            grown = [one.calls - was for one, was in zip(there, before, strict=True)]
            assert sorted(grown) == [0, 0, 5]
            used.add(grown.index(5))
        assert len(used) > 1
        before = [one.calls for one in there]
        for _ in range(6):
            await found.desk.nothing()
        assert [one.calls - was for one, was in zip(there, before, strict=True)] == [2, 2, 2]


def avoiding(handler: Handler, *names: str) -> Handler:
    async def avoid(call: Call) -> Reply:
        return await handler(
            Call(call.operation, call.arguments, call.context, avoid=frozenset(names))
        )

    return avoid


async def test_a_call_avoids_whom_it_names_while_there_are_others() -> None:
    """In another zone too. Control: without it half of the calls go there."""
    async with discovered(zone="here") as found, served() as one, served() as two:
        await found.announce("one", one.url, zone="here")
        desk = proxy(Desk, avoiding(found.client.handle, "one"))
        await desk.nothing()
        assert one.calls == 1  # there is nobody else
        await found.announce("two", two.url, zone="there")
        await found.desk.nothing()
        assert (one.calls, two.calls) == (2, 0)
        for _ in range(10):
            await desk.nothing()
        assert (one.calls, two.calls) == (2, 10)


async def test_a_stopped_client_leaves_no_timer() -> None:
    """Also in the midst of a slow start."""
    async with discovered(slow_start=60.0) as found:
        await found.announce("one", "http://127.0.0.1:9")
    call = Call(describe(Desk).operation("nothing"), {}, Context(Trace.root()))
    with pytest.raises(Exception, match="is stopped"):
        await soon(found.client.handle(call))
