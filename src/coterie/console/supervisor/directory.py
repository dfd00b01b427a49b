"""Directory: who is where, told to the registry and to the gateway at once."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from coterie.call import Failure
from coterie.registry import Instance, Registry, Watch

__all__ = ["Directory"]

log = logging.getLogger("coterie.console")

Feed = Callable[[str, tuple[Instance, ...]], None]
"""Is told a service and its instances, each time they change."""


class Directory:
    """Announces the instances of this system, and tells ``feed`` all there are, others' too.

    What happens here is fed at once, whether the registry is there or not.
    """

    def __init__(self, registry: Registry, feed: Feed) -> None:
        self._registry = registry
        self._feed = feed
        self._own: dict[tuple[str, str], Instance] = {}
        self._foreign: dict[tuple[str, str], Instance] = {}
        self._dropped: set[tuple[str, str]] = set()
        self._changes: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._watch: Watch | None = None

    async def start(self) -> None:
        """Watch and announce."""
        self._watch = await self._registry.watch(None, self._heard)
        self._task = asyncio.create_task(self._announce(), name="announce instances")

    async def stop(self) -> None:
        """Announce no more."""
        if self._watch is not None:
            self._watch.close()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def instances(self, service: str) -> tuple[Instance, ...]:
        """Those of ``service``, by id."""
        found = {**self._foreign, **self._own}
        return tuple(found[key] for key in sorted(found) if key[0] == service)

    def put(self, instance: Instance) -> None:
        """``instance`` is there, or has changed."""
        key = (instance.service, instance.id)
        if self._own.get(key) != instance:
            self._own[key] = instance
            self._dropped.discard(key)
            self._changed(key)

    def drop(self, service: str, id: str) -> None:
        """It is gone."""
        if self._own.pop((service, id), None) is not None:
            self._dropped.add((service, id))
            self._changed((service, id))

    async def settled(self) -> None:
        """Wait until the registry knows all that happened so far."""
        await self._changes.join()

    def _changed(self, key: tuple[str, str]) -> None:
        self._feed(key[0], self.instances(key[0]))
        self._changes.put_nowait(key)

    async def _announce(self) -> None:
        while True:
            service, name = await self._changes.get()
            instance = self._own.get((service, name))
            try:
                if instance is None:
                    await self._registry.withdraw(service, name)
                else:
                    await self._registry.announce(instance)
            except Failure as error:
                log.warning("the registry was not told of %s: %s", name, error)
            finally:
                self._changes.task_done()

    def _heard(self, instances: tuple[Instance, ...]) -> None:
        told = {(i.service, i.id): i for i in instances}
        # Our own come back to us for a moment after they were dropped: they are not another's.
        self._dropped &= told.keys()
        ours = self._own.keys() | self._dropped
        found = {key: instance for key, instance in told.items() if key not in ours}
        touched = {
            key[0]
            for key in found.keys() | self._foreign.keys()
            if found.get(key) != self._foreign.get(key)
        }
        self._foreign = found
        for service in touched:
            self._feed(service, self.instances(service))
