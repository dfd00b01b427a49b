"""What the registry on NATS promises when its broker dies, forgets, or is none."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from time import perf_counter

import msgspec
import nats
import pytest
from msgspec import structs
from nats.aio.msg import Msg

from coterie.call import Failure
from coterie.contract import Code
from coterie.registry import Instance, InstanceState
from coterie.registry.nats import Nats
from coterie.registry.nats_session import Session
from coterie.testing.registry_suite import Seen
from tests.registry.broker import Broker
from tests.registry.test_engines import ANNOUNCER

LEASE = 1.0


def instance(id: str, state: InstanceState = InstanceState.UP) -> Instance:
    return Instance(service="orders", id=id, url="http://127.0.0.1:4001", state=state)


@asynccontextmanager
async def _process(url: str, id: str) -> AsyncGenerator[int]:
    """Announces from a process of its own, killed at the end of the block."""
    asked = (url, str(LEASE), msgspec.json.encode(instance(id)).decode())
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", ANNOUNCER, *asked)
    try:
        yield process.pid
    finally:
        process.kill()
        await process.wait()


class Registries:
    """Makes started registries, and stops them at the end."""

    def __init__(self, url: str, stack: AsyncExitStack) -> None:
        self.url = url
        self._stack = stack

    async def __call__(self, kind: type[Nats] = Nats, lease: float = LEASE) -> Nats:
        made = kind(self.url, lease=lease)
        await made.start()
        self._stack.push_async_callback(made.stop)
        return made


@pytest.fixture
async def registry(broker: Broker) -> AsyncIterator[Registries]:
    async with AsyncExitStack() as stack:
        yield Registries(broker.url, stack)


async def test_a_broker_that_was_killed_is_missed_by_nobody(
    broker: Broker, registry: Registries, caplog: pytest.LogCaptureFixture
) -> None:
    """While it is away nothing is forgotten; once back, what changed is seen within a second."""
    caplog.set_level(logging.INFO, "coterie.registry")
    here, there = await registry(), await registry()
    watch = await there.watch("orders", seen := Seen())
    for number in range(20):
        await here.announce(instance(f"orders-{number:02}"))
    known = await seen.until(lambda all_: len(all_) == 20)

    broker.kill()
    await here.announce(instance("orders-00", InstanceState.DRAINING))
    await here.announce(instance("orders-99"))
    await here.withdraw("orders", "orders-01")
    assert watch.instances == known
    told = len(seen.told)

    await broker.up()
    began = perf_counter()
    await seen.until(
        lambda all_: (
            bool(all_)
            and all_[-1].id == "orders-99"
            and all_[0].state is InstanceState.DRAINING
            and all_[1].id == "orders-02"
        )
    )
    assert perf_counter() - began <= 1
    # What was withdrawn meanwhile is told; of the others, none was ever missing.
    await seen.until(lambda all_: len(all_) == 20)
    kept = {i.id for i in known} - {"orders-01"}
    assert all(kept <= {i.id for i in all_} for all_ in seen.told[told:])
    away = [record.message for record in caplog.records if "is away" in record.message]
    assert len(away) == 2  # one for each registry


class Deaf(Nats):
    """A registry whose watches are not made anew."""

    async def _follow(self, session: Session | None, service: str | None) -> None:
        if session is not None and not self._whole[service].is_set():
            await super()._follow(session, service)


@pytest.mark.parametrize("kind", [Nats, Deaf])
async def test_no_watch_is_deaf(broker: Broker, registry: Registries, kind: type[Nats]) -> None:
    """An instance announced after a restart is seen at once; control: watches not made anew."""
    here, there = await registry(), await registry(kind)
    await there.watch("orders", seen := Seen())
    for number in range(3):
        broker.kill()
        await broker.up()
        await here.announce(instance(f"orders-{number}"))
        hearing = seen.until(lambda all_, n=number: len(all_) == n + 1, within=1)  # type: ignore[misc]
        if kind is Deaf:
            with pytest.raises(AssertionError, match="not told"):
                await hearing
            return
        await hearing


async def test_who_died_while_the_broker_was_away_is_dropped(
    broker: Broker, registry: Registries
) -> None:
    """Kept until a lease and a second have passed, and then gone; the others stay."""
    here, there = await registry(), await registry()
    await there.watch("orders", seen := Seen())
    await here.announce(instance("orders-1"))
    async with _process(broker.url, "orders-2"):
        await seen.until(lambda all_: len(all_) == 2, within=10)
        broker.kill()
    await broker.up()
    began = perf_counter()
    await seen.until(lambda all_: len(all_) == 1, within=LEASE + 2)
    assert perf_counter() - began >= LEASE
    assert seen.ids == ["orders-1"]


async def test_who_slept_through_its_lease_is_announced_again(
    broker: Broker, registry: Registries
) -> None:
    """A process that was paused for long comes back by itself."""
    there = await registry()
    await there.watch("orders", seen := Seen())
    async with _process(broker.url, "orders-1") as pid:
        await seen.until(bool, within=10)
        os.kill(pid, signal.SIGSTOP)
        await seen.until(lambda all_: not all_, within=LEASE + 1)
        os.kill(pid, signal.SIGCONT)
        await seen.until(bool, within=LEASE + 1)


async def test_what_another_took_over_stays_when_its_first_owner_leaves(
    registry: Registries,
) -> None:
    """Whoever announced last is the one to withdraw, by stopping or by silence."""
    first, second, there = await registry(), await registry(), await registry()
    await there.watch("orders", seen := Seen())
    await first.announce(instance("orders-1"))
    await second.announce(instance("orders-1", InstanceState.DRAINING))
    await seen.until(lambda all_: [i.state.value for i in all_] == ["draining"])
    told = len(seen.told)
    await first.stop()
    await there.announce(instance("orders-2"))
    await seen.until(lambda all_: len(all_) == 2)
    assert all("orders-1" in {i.id for i in all_} for all_ in seen.told[told:])


async def test_what_another_withdrew_does_not_come_back(
    broker: Broker, registry: Registries
) -> None:
    """Its announcer learns of it, and does not announce it to a new broker."""
    first, second = await registry(), await registry()
    await second.watch("orders", seen := Seen())
    await first.announce(instance("orders-1"))
    await first.announce(instance("orders-2"))
    await second.withdraw("orders", "orders-1")
    async with asyncio.timeout(LEASE):
        while "1 announced" not in repr(first):  # noqa: ASYNC110  # it learns this by itself
            await asyncio.sleep(0.01)
    broker.kill()
    await broker.up()
    await first.announce(instance("orders-3"))
    await seen.until(lambda all_: bool(all_) and all_[-1].id == "orders-3")
    assert seen.ids == ["orders-2", "orders-3"]


@pytest.mark.alone  # where the machine is busy, leases end before they are renewed
async def test_renewals_are_heard_by_no_watcher(broker: Broker, registry: Registries) -> None:
    """200 instances cost the broker 600 messages a lease, and 20 watchers next to nothing."""
    here = await registry()
    for number in range(200):
        await here.announce(instance(f"orders-{number:03}"))
    for _ in range(20):
        watch = await (await registry()).watch("orders")
        assert len(watch.instances) == 200
    before = await broker.messages()
    began = perf_counter()
    listening = await nats.connect(broker.url)
    renewed: asyncio.Queue[str] = asyncio.Queue()

    async def on_renewal(message: Msg) -> None:
        renewed.put_nowait(message.subject)

    await listening.subscribe("coterie.registry.lease.orders.orders-000", cb=on_renewal)
    for _ in range(6):
        await asyncio.wait_for(renewed.get(), LEASE)
    seconds = perf_counter() - began
    taken, given = (b - a for a, b in zip(before, await broker.messages(), strict=True))
    await listening.close()
    leases = seconds / LEASE + 0.4  # renewals come a little early, in bursts of 200
    assert taken <= 200 * 3 * leases * 1.1 + 100
    assert not list(broker.folder.rglob("*.blk"))  # where a stream on disk keeps its messages
    assert given <= taken + 20 * 3 * leases + 100  # an answer to each, and heartbeats


async def test_what_cannot_be_read_is_ignored(
    broker: Broker, registry: Registries, caplog: pytest.LogCaptureFixture
) -> None:
    """Versions live side by side: one line in the log, and the others are seen."""
    there = await registry()
    watch = await there.watch("orders", seen := Seen())
    other = await nats.connect(broker.url)
    for body in (b"{", b'{"service":"orders"}', b"\xff"):
        await other.publish("coterie.registry.at.orders.orders-0", body)
    newer = {**msgspec.to_builtins(instance("orders-1")), "colour": "blue"}
    await other.publish("coterie.registry.at.orders.orders-1", msgspec.json.encode(newer))
    await other.close()
    await seen.until(bool)
    assert watch.instances == (instance("orders-1"),)
    told = [record.message for record in caplog.records if "another version" in record.message]
    assert len(told) == 1


async def test_what_is_nested_without_end_holds_nobody_up(
    broker: Broker, registry: Registries
) -> None:
    """Nor does it end a watch: the broker keeps it, and tells it first to whoever comes."""
    first = await registry()
    await first.announce(instance("orders-1"))
    other = await nats.connect(broker.url)
    deep = b'{"colour":' + b"[" * 100_000
    await other.jetstream().publish("coterie.registry.at.orders.orders-2", deep)
    await other.close()
    late = await registry()
    began = perf_counter()
    assert (await late.watch("orders")).instances == (instance("orders-1"),)
    assert perf_counter() - began < 1


async def test_who_speaks_for_another_is_ignored(broker: Broker, registry: Registries) -> None:
    """An instance is withdrawn by the name it was announced by: it has no other."""
    there = await registry()
    watch = await there.watch("orders", seen := Seen())
    other = await nats.connect(broker.url)
    for service, id_ in (("orders", "orders-9"), ("users", "orders-0")):
        forged = structs.replace(instance("orders-0"), service=service, id=id_)
        await other.publish("coterie.registry.at.orders.orders-0", msgspec.json.encode(forged))
    await other.publish(
        "coterie.registry.at.orders.orders-1", msgspec.json.encode(instance("orders-1"))
    )
    await other.close()
    await seen.until(bool)
    assert watch.instances == (instance("orders-1"),)


async def test_nothing_is_left_after_stop(broker: Broker) -> None:
    """No task, whether the broker is there or not."""
    before = asyncio.all_tasks()
    for away in (False, True):
        made = Nats(broker.url, lease=LEASE)
        await made.start()
        await made.watch("orders")
        await made.announce(instance("orders-1"))
        if away:
            broker.kill()
        await made.stop()
        await made.stop()
        assert asyncio.all_tasks() == before


async def test_a_broker_that_is_not_there_is_named(broker: Broker) -> None:
    """In words, in time, and without the password."""
    broker.kill()
    before = asyncio.all_tasks()
    made = Nats(broker.url.replace("//", "//me:hunter2@"), patience=0.3)
    with pytest.raises(Failure, match=rf"127.0.0.1:{broker.port} was not reached") as caught:
        await made.start()
    assert caught.value.code is Code.UNAVAILABLE
    assert "hunter2" not in str(caught.value) + repr(made)
    assert asyncio.all_tasks() == before


async def test_a_broker_without_jetstream_is_refused(broker: Broker) -> None:
    """At once, saying how to switch it on."""
    broker.kill()
    await broker.up(jetstream=False)
    with pytest.raises(Failure, match="-js") as caught:
        await Nats(broker.url).start()
    assert caught.value.code is Code.FAILED_PRECONDITION


async def test_systems_on_one_broker_do_not_meet(broker: Broker) -> None:
    """Each sees its own."""
    blue, red = (Nats(broker.url, lease=LEASE, system=name) for name in ("blue", "red.x"))
    async with AsyncExitStack() as stack:
        for made in (blue, red):
            await made.start()
            stack.push_async_callback(made.stop)
        await red.announce(instance("orders-1"))
        assert (await blue.watch()).instances == ()
        assert len((await red.watch()).instances) == 1


def test_a_lease_too_short_to_renew_is_refused() -> None:
    """Where it is written."""
    with pytest.raises(ValueError, match="less than a second"):
        Nats("nats://127.0.0.1:4222", lease=0.5)
