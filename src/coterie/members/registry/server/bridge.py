"""Bridge: what is registered is announced to the system, and the system's own is shown."""

import asyncio
import logging
from collections.abc import Callable, Mapping

from coterie.registry import Instance, Registry, Watch

from .held import MARK

__all__ = ["Bridge"]

log = logging.getLogger("coterie.registry")

_AGAIN = 1.0


class Bridge:
    """Between those who register over HTTP and the ``registry`` that a system calls by. A component.

    ``wanted`` tells what is to be announced under a name, by id; ``heard`` is told the names whose
    own instances in the system have changed.

    What is announced from here has ids that end in `MARK`; so it is known again, also after a crash.
    """

    def __init__(
        self,
        registry: Registry,
        wanted: Callable[[str], Mapping[str, Instance]],
        heard: Callable[[set[str]], None],
    ) -> None:
        self.native: dict[str, tuple[Instance, ...]] = {}
        """The system's own instances, by service."""
        self._registry = registry
        self._wanted = wanted
        self._heard = heard
        self._announced: dict[str, dict[str, Instance]] = {}
        self._seen: dict[str, set[str]] = {}
        self._dirty: set[str] = set()
        self._turn = asyncio.Event()
        self._watch: Watch | None = None
        self._working: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Learn what the system has; announce what is wanted from now on."""
        self._watch = await self._registry.watch(None, self._told)
        self._working = asyncio.create_task(self._work(), name="coterie registry bridge")

    async def stop(self) -> None:
        """Withdraw what was announced."""
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        if self._working is not None:
            self._working.cancel()
            await asyncio.wait([self._working])
            self._working = None
        for service, ids in self._announced.items():
            for id_ in ids:
                await self._registry.withdraw(service, id_)
        self._announced.clear()

    def touch(self, service: str) -> None:
        """Something changed in what is wanted under this name."""
        self._dirty.add(service)
        self._turn.set()

    def _told(self, instances: tuple[Instance, ...]) -> None:
        native: dict[str, list[Instance]] = {}
        seen: dict[str, set[str]] = {}
        for one in instances:
            if one.id.endswith(MARK):
                seen.setdefault(one.service, set()).add(one.id)
            else:
                native.setdefault(one.service, []).append(one)
        before, self.native = self.native, {name: tuple(found) for name, found in native.items()}
        self._seen = seen
        names = before.keys() | self.native.keys()
        self._heard({name for name in names if before.get(name) != self.native.get(name)})
        for name, ids in seen.items():
            if ids - self._wanted(name).keys():
                self.touch(name)  # left over from who had this work before and died

    async def _work(self) -> None:
        while True:
            await self._turn.wait()
            self._turn.clear()
            dirty, self._dirty = self._dirty, set()
            for name in sorted(dirty):
                try:
                    await self._agree(name)
                except Exception:
                    log.exception("%s cannot be announced to the system; trying again", name)
                    asyncio.get_running_loop().call_later(_AGAIN, self.touch, name)

    async def _agree(self, name: str) -> None:
        """Announce and withdraw until the system knows of ``name`` what is wanted."""
        wanted = self._wanted(name)
        announced = self._announced.setdefault(name, {})
        for id_ in (announced.keys() | self._seen.get(name, set())) - wanted.keys():
            announced.pop(id_, None)
            await self._registry.withdraw(name, id_)
        for id_, instance in wanted.items():
            if announced.get(id_) != instance:
                await self._registry.announce(instance)
                announced[id_] = instance
        if not announced:
            self._announced.pop(name, None)
