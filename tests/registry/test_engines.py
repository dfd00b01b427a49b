"""What every engine of the registry promises, on each of them."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec
import pytest

from coterie.registry import Instance, Memory, Registry
from coterie.registry.nats import Nats
from coterie.testing.registry_suite import RegistrySuite
from tests.registry.broker import Broker

LEASE = 1.0

ANNOUNCER = """
import asyncio, sys, msgspec
from coterie.registry import Instance
from coterie.registry.nats import Nats

async def main(url, lease, instance):
    registry = Nats(url, lease=float(lease))
    await registry.start()
    await registry.announce(msgspec.json.decode(instance, type=Instance))
    await asyncio.Event().wait()

asyncio.run(main(*sys.argv[1:]))
"""


class TestMemory(RegistrySuite):
    """One process."""

    @pytest.fixture(autouse=True)
    def shared(self) -> None:
        self.memory = Memory()

    def registry(self) -> Registry:
        return self.memory


class TestNats(RegistrySuite):
    """Several processes."""

    lease: float | None = LEASE

    @pytest.fixture(autouse=True)
    def connected(self, broker: Broker) -> None:
        self.url = broker.url

    def registry(self) -> Registry:
        return Nats(self.url, lease=LEASE)

    @asynccontextmanager
    async def announced_by_another(self, instance: Instance) -> AsyncGenerator[None]:
        asked = (self.url, str(LEASE), msgspec.json.encode(instance).decode())
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", ANNOUNCER, *asked)
        try:
            yield
        finally:
            process.kill()
            await process.wait()
