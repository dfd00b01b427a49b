"""What registers over HTTP is found by the system's own services, as long as it is alive."""

import asyncio
from pathlib import Path

import pytest

from coterie.members.registry.server import Limits
from coterie.registry import Instance, InstanceState, Memory, Watch
from coterie.registry.nats import Nats
from tests.members.registry.kit import live
from tests.registry.broker import Broker
from tests.server.talk import until

INSTANCES = "/services/billing/instances"


def urls(watch: Watch) -> list[tuple[str, InstanceState]]:
    return [(one.url, one.state) for one in watch.instances]


async def seen(watch: Watch, *wanted: tuple[str, InstanceState]) -> None:
    await until(lambda: sorted(urls(watch), key=str) == sorted(wanted, key=str))


@pytest.mark.promise("S0-78", "S0-84")
async def test_native_callers_find_what_registered(tmp_path: Path) -> None:
    """Announced when it registers, told when it moves or drains, withdrawn when it goes or is silent."""
    system = Memory()
    watch = await system.watch("billing")
    limits = Limits(shortest=0.01)
    up, draining = InstanceState.UP, InstanceState.DRAINING
    async with live(tmp_path, registry=system, limits=limits) as here:
        await here.ask("POST", "/register", {"name": "billing", "url": "http://localhost:5000/"})
        await seen(watch, ("http://localhost:5000", up))
        await here.ask("PUT", "/services/billing", {"version": "2.1"})
        await until(lambda: watch.instances[0].version == "2.1")
        await here.ask("POST", INSTANCES, {"id": "b-1", "url": "http://localhost:5001", "ttl": 1.0})
        await seen(watch, ("http://localhost:5000", up), ("http://localhost:5001", up))
        await here.ask("PUT", f"{INSTANCES}/b-1/heartbeat", {"status": "DRAINING"})
        await seen(watch, ("http://localhost:5000", up), ("http://localhost:5001", draining))
        await seen(watch, ("http://localhost:5000", up))
        await here.ask("PUT", f"{INSTANCES}/b-1/heartbeat", {"status": "UP"})
        await seen(watch, ("http://localhost:5000", up), ("http://localhost:5001", up))
        await here.ask("DELETE", "/services/billing")
        await seen(watch)
        await here.ask("POST", "/register", {"name": "billing", "url": "http://localhost:5002"})
        await seen(watch, ("http://localhost:5002", up))
    assert urls(watch) == []


async def test_it_is_announced_again_after_a_restart(tmp_path: Path) -> None:
    """And what was left over from a registry that died is withdrawn."""
    system = Memory()
    watch = await system.watch("billing")
    async with live(tmp_path, registry=system) as here:
        await here.ask("POST", "/register", {"name": "billing", "url": "http://localhost:5000"})
        await seen(watch, ("http://localhost:5000", InstanceState.UP))
        kept = watch.instances[0]
    left = Instance(service="gone", id="gone-default@registry", url="http://localhost:5001")
    await system.announce(left)
    await system.announce(Instance(service="billing", id=f"x{kept.id}", url="http://x"))
    everybody = await system.watch()
    async with live(tmp_path, registry=system) as here:
        await seen(watch, ("http://localhost:5000", InstanceState.UP))
        await until(lambda: [one.service for one in everybody.instances] == ["billing"])
        names = [service["name"] for service in await here.state()]
        assert names == ["billing"]


async def test_a_name_the_system_takes_is_the_systems(tmp_path: Path) -> None:
    """Who registered it before is neither called nor shown as long as the system has an instance."""
    system = Memory()
    watch = await system.watch("billing")
    own = Instance(service="billing", id="billing-1", url="http://127.0.0.1:4000")
    async with live(tmp_path, registry=system) as here:
        sent = {"name": "billing", "url": "http://localhost:5000"}
        await here.ask("POST", "/register", sent)
        await seen(watch, ("http://localhost:5000", InstanceState.UP))
        await system.announce(own)
        await seen(watch, ("http://127.0.0.1:4000", InstanceState.UP))
        assert await here.found("billing") == {"http://127.0.0.1:4000"}
        (shown,) = await here.state()
        assert (shown["read_only"], len(shown["instances"])) == (True, 1)
        assert (await here.ask("POST", "/register", sent)).status == 403
        await system.withdraw("billing", "billing-1")
        await seen(watch, ("http://localhost:5000", InstanceState.UP))
        assert await here.found("billing") == {"http://localhost:5000"}


class Moody(Memory):
    """A registry that cannot be spoken with at times."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False

    async def announce(self, instance: Instance) -> None:
        if self.away:
            raise ConnectionError("away")
        await super().announce(instance)


async def test_what_could_not_be_announced_is_announced_later(tmp_path: Path) -> None:
    """Whoever registers is answered all the same."""
    system = Moody()
    watch = await system.watch("billing")
    async with live(tmp_path, registry=system) as here:
        system.away = True
        await here.ask("POST", "/register", {"name": "billing", "url": "http://localhost:5000"})
        assert await here.found("billing") == {"http://localhost:5000"}
        system.away = False
        await seen(watch, ("http://localhost:5000", InstanceState.UP))


async def test_other_processes_find_what_registered(tmp_path: Path) -> None:
    """Through a broker, under any name that a service may have, and no longer when it has gone."""
    broker = Broker(tmp_path)
    await broker.up()
    try:
        here_, there = Nats(broker.url), Nats(broker.url)
        await here_.start()
        await there.start()
        watch = await there.watch("Service_A.v2-x")
        async with live(tmp_path, registry=here_) as here:
            sent = {"name": "Service_A.v2-x", "url": "http://localhost:5000"}
            await here.ask("POST", "/register", sent)
            await seen(watch, ("http://localhost:5000", InstanceState.UP))
            own = Instance(service="orders", id="orders-1", url="http://127.0.0.1:4000")
            await there.announce(own)
            async with asyncio.timeout(5):
                while await here.found("orders", 1) != {own.url}:  # noqa: ASYNC110  # another's
                    await asyncio.sleep(0.01)
            await here.ask("DELETE", "/services/Service_A.v2-x")
            await seen(watch)
            await here.ask("POST", "/register", sent)
            await seen(watch, ("http://localhost:5000", InstanceState.UP))
        await seen(watch)
        await here_.stop()
        await there.stop()
    finally:
        broker.kill()
