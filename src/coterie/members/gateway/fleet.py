"""Fleet: the instances of every service, and a pool of connections to each."""

import asyncio
import logging
import random
from collections.abc import Collection, Mapping

from coterie.client import IDLE
from coterie.client.http1 import Pool
from coterie.registry import Instance, InstanceState, Registry, Watch

__all__ = ["CONNECTIONS", "Fleet", "Reach"]

CONNECTIONS = 1000
"""To one instance, and so the requests that are under way there: whoever comes then is refused."""

log = logging.getLogger("coterie.gateway")


class Reach:
    """A way to one address: its connections, and how many requests are on them."""

    __slots__ = ("busy", "pool", "started", "url")

    def __init__(self, url: str) -> None:
        self.url = url
        self.pool = Pool(url, connections=CONNECTIONS, idle_timeout=IDLE)
        self.busy = 0
        self.started = False


class Fleet:
    """Follows a registry; knows where to send the next request. A component.

    Among those that are up: the one of two drawn by lot that has less to do. While none is up,
    those that start: their addresses take connections already. ``fixed`` are services that are
    in no registry, by name, with their URL.
    """

    def __init__(self, registry: Registry, fixed: Mapping[str, str]) -> None:
        self._registry = registry
        self._fixed = fixed
        self._watch: Watch | None = None
        self._reaches: dict[str, Reach] = {}
        self._services: dict[str, list[Instance]] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._draw = random.Random()  # noqa: S311  # a lot, no secret

    async def start(self) -> None:
        """Learn who is there."""
        for url in self._fixed.values():
            await self._ready(self._reach(url))
        self._watch = await self._registry.watch(told=self._told)

    async def stop(self) -> None:
        """Follow no longer, and close every connection."""
        if self._watch is not None:
            self._watch.close()
        for reach in self._reaches.values():
            if reach.started:
                await reach.pool.stop()
        self._reaches.clear()
        if self._leaving:
            await asyncio.wait(self._leaving)

    async def choose(self, service: str, tried: Collection[str]) -> Reach | None:
        """Where to send a request for ``service``; none of ``tried`` while there are others.

        ``None`` where no instance is known at all.
        """
        if service in self._fixed:
            return self._reaches[self._fixed[service]]
        candidates = self._services.get(service, [])
        fresh = [one for one in candidates if one.url not in tried] or candidates
        if not fresh:
            return None
        weights = [one.weight for one in fresh]
        two = self._draw.choices(fresh, weights, k=2) if len(fresh) > 1 else fresh
        reach = min((self._reach(one.url) for one in two), key=lambda reach: reach.busy)
        return await self._ready(reach)

    def _reach(self, url: str) -> Reach:
        if url not in self._reaches:
            self._reaches[url] = Reach(url)
        return self._reaches[url]

    async def _ready(self, reach: Reach) -> Reach:
        if not reach.started:
            reach.started = True
            await reach.pool.start()
        return reach

    def _usable(self, instance: Instance) -> bool:
        """Whether its URL is one: a registry may hold anything."""
        try:
            self._reach(instance.url)
        except ValueError as error:
            log.warning("%s is left out by the gateway: %s", instance.id, error)
            return False
        return True

    def _told(self, instances: tuple[Instance, ...]) -> None:
        instances = tuple(filter(self._usable, instances))
        services: dict[str, list[Instance]] = {}
        for state in (InstanceState.UP, InstanceState.STARTING):
            found = [one for one in instances if one.state is state and one.weight > 0]
            names = {one.service for one in found} - services.keys()
            services |= {name: [one for one in found if one.service == name] for name in names}
        self._services = services
        known = {one.url for one in instances} | set(self._fixed.values())
        for url in self._reaches.keys() - known:
            # What is under way there ends first; nothing new comes.
            leaving = asyncio.create_task(_emptied(self._reaches.pop(url)))
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)


async def _emptied(reach: Reach) -> None:
    while reach.busy:  # noqa: ASYNC110  # a number has no event
        await asyncio.sleep(0.05)
    if reach.started:
        await reach.pool.stop()
