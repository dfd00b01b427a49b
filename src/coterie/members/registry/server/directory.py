"""Directory: all services there are, the system's own and those that registered."""

import asyncio
import logging
import sqlite3
from collections.abc import Collection, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct, structs

from coterie.registry import Instance, InstanceState, Registry, RoundRobin, eligible

from .asked import Alteration, Description
from .bridge import Bridge
from .changes import Changes
from .claims import Claims
from .described import Described
from .difference import native_view, tell
from .held import HeldInstance, HeldService
from .leases import Leases
from .limits import Limits
from .records import InstanceRecord, Said
from .refusal import Refused
from .register_file import RegisterFile, Write
from .views import InstanceView, ServiceView

__all__ = ["Directory"]

T = TypeVar("T")

log = logging.getLogger("coterie.registry")

_RUN = 1 << 32
"""Indices of a run begin at a multiple of this, so that they grow over restarts too."""


class _Turn(Struct, frozen=True):
    """An instance that may be discovered, and the URL it was registered with."""

    instance: Instance
    url: str
    in_flight: int = 0

    @property
    def weight(self) -> float:
        return self.instance.weight


class Directory:
    """What is registered over HTTP, kept in ``file``, beside what ``registry`` has. A component.

    ``catalogue`` describes the system's own services. Their names are the system's, and so is every
    name under which it has an instance: nobody else registers them, and whoever had one before
    is neither shown nor called while the system has it.

    One change is made at a time: it is on the disk before anybody sees it, and what is refused
    has changed nothing. Every method that writes raises `Refused`.
    """

    def __init__(
        self,
        registry: Registry,
        file: Path,
        *,
        catalogue: Sequence[Described] = (),
        limits: Limits | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.changes = Changes(0, self.limits.changes)
        self._catalogue = {each.name: each for each in catalogue}
        self._file = RegisterFile(file)
        self._bridge = Bridge(registry, self._wanted, self._touched)
        self._held: dict[str, HeldService] = {}
        self._claims = Claims(self._held, self._is_native, self.limits)
        self._leases = Leases(self.limits.shown, self._lapsed, self._over)
        self._shown: dict[str, ServiceView] = {}
        self._turns: dict[str, RoundRobin] = {}
        self._writing = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def start(self) -> None:
        """Open the file and learn what the system has. Raises `RegisterFileError`.

        A lease has its whole time before it: that we were away is nobody's silence.
        """
        kept = await self._file.open()
        self._held.update((record.name, HeldService(record)) for record in kept.services)
        for name, record in kept.instances:
            if name in self._held:
                instance = HeldInstance(record, heard=False)
                self._held[name].instances[record.id] = instance
                self._leases.watch(name, instance)
        self.changes = Changes(kept.run * _RUN, self.limits.changes)
        try:
            await self._bridge.start()
        except BaseException:
            await self.stop()
            raise
        self._touched(self.names)

    async def stop(self) -> None:
        """Withdraw what was announced from here, finish what is being written, close the file."""
        await self._bridge.stop()
        for service in self._held.values():
            for instance in service.instances.values():
                instance.let_go()
        while self._tasks:
            await asyncio.wait(list(self._tasks))
        await self._file.close()
        self._held.clear()
        self._shown.clear()

    # --- what is read ---------------------------------------------------------------------------

    @property
    def names(self) -> set[str]:
        """Of all services."""
        return self._catalogue.keys() | self._bridge.native.keys() | self._held.keys()

    def service(self, name: str) -> ServiceView | None:
        """A service, or ``None``."""
        if self._is_native(name):
            return native_view(name, self._catalogue.get(name), self._bridge.native.get(name, ()))
        held = self._held.get(name)
        return None if held is None else held.view

    def services(self, tags: Collection[str] = ()) -> tuple[ServiceView, ...]:
        """Those that have all of ``tags``, sorted by name."""
        found = (self.service(name) for name in sorted(self.names))
        return tuple(one for one in found if one is not None and set(tags) <= set(one.tags))

    def discover(self, name: str, zone: str = "") -> str | None:
        """The URL of an instance that is UP, one after the other; ``None`` where there is none.

        Those in ``zone`` come before those elsewhere. The URL is as it was registered.
        """
        ways = {way.instance.id: way for way in self._ways(name)}
        near = [ways[one.id] for one in eligible([way.instance for way in ways.values()], zone)]
        if not near:
            return None
        return self._turns.setdefault(name, RoundRobin())(near).url

    def _ways(self, name: str) -> list[_Turn]:
        if self._is_native(name):
            native = self._bridge.native.get(name, ())
            return [_Turn(one, one.url) for one in native if one.state is InstanceState.UP]
        held = self._held.get(name)
        return [] if held is None else _ways(held)

    def _is_native(self, name: str) -> bool:
        return name in self._catalogue or name in self._bridge.native

    # --- what is written ------------------------------------------------------------------------

    async def put(self, by: str, name: str, record: InstanceRecord) -> tuple[InstanceView, bool]:
        """Register an instance, or anew; the second value tells whether it is new."""
        return await self._alone(self._put(by, name, record))

    async def describe(self, by: str, name: str, how: Description) -> tuple[ServiceView, bool]:
        """Describe a service, which need not have instances yet; the second: whether it is new."""
        return await self._alone(self._describe(by, name, how))

    async def alter(self, by: str, name: str, how: Alteration) -> ServiceView:
        """Describe a service otherwise."""
        return await self._alone(self._alter(by, name, how))

    async def beat(self, by: str, name: str, id: str, said: Said | None) -> InstanceView:
        """An instance is alive: its lease begins anew. Writes nothing unless it says a new status."""
        instance = self._claims.own_instance(by, name, id)
        if said is not None and said != instance.record.said:
            return await self._alone(self._say(by, name, id, said))
        was = instance.status
        instance.hear()
        if instance.status != was:
            self._leases.renewed(name, instance)
            self._touched({name})
        return instance.view

    async def remove_instance(self, by: str, name: str, id: str) -> None:
        """An instance is gone. The service stays, and whose it is."""
        await self._alone(self._remove_instance(by, name, id))

    async def remove(self, by: str, name: str) -> None:
        """A service is gone, with its instances; the name is anybody's."""
        await self._alone(self._remove(by, name))

    async def _put(self, by: str, name: str, record: InstanceRecord) -> tuple[InstanceView, bool]:
        service = self._claims.claimed(by, name)
        new = record.id not in service.instances
        if new:
            self._claims.check_room(by, service)
        writes = [self._file.put_instance(name, record)]
        if name not in self._held:
            writes.append(self._file.put_service(service.record))
        await self._write(writes)
        if not new:
            service.instances[record.id].let_go()
        instance = service.instances[record.id] = HeldInstance(record, heard=True)
        self._held[name] = service
        self._leases.watch(name, instance)
        self._touched({name})
        return instance.view, new

    async def _describe(self, by: str, name: str, how: Description) -> tuple[ServiceView, bool]:
        service = self._claims.claimed(by, name)
        record = how.record(name, by)
        await self._write([self._file.put_service(record)])
        new = name not in self._held
        service.record = record
        self._held[name] = service
        self._touched({name})
        return service.view, new

    async def _alter(self, by: str, name: str, how: Alteration) -> ServiceView:
        service = self._claims.own(by, name)
        return (await self._describe(by, name, how.applied(service.record)))[0]

    async def _say(self, by: str, name: str, id: str, said: Said) -> InstanceView:
        instance = self._claims.own_instance(by, name, id)
        record = structs.replace(instance.record, said=said)
        await self._write([self._file.put_instance(name, record)])
        instance.record = record
        instance.hear()
        self._leases.renewed(name, instance)
        self._touched({name})
        return instance.view

    async def _remove_instance(self, by: str, name: str, id: str) -> None:
        self._claims.own_instance(by, name, id, sweep=True)
        await self._forget(name, id)

    async def _remove(self, by: str, name: str) -> None:
        service = self._claims.own(by, name, sweep=True)
        dropped = [self._file.drop_instance(name, id_) for id_ in service.instances]
        await self._write([self._file.drop_service(name), *dropped])
        for instance in service.instances.values():
            instance.let_go()
        del self._held[name]
        self._touched({name})

    async def _forget(self, name: str, id: str) -> None:
        await self._write([self._file.drop_instance(name, id)])
        self._held[name].instances.pop(id).let_go()
        self._touched({name})

    # --- one after the other --------------------------------------------------------------------

    async def _alone(self, work: Coroutine[Any, Any, T]) -> T:
        """Do ``work`` while nobody else writes; also to its end when who asked has left."""
        return await asyncio.shield(self._begin(work))

    def _begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        async def doing() -> T:
            async with self._writing:
                return await work

        task = asyncio.create_task(doing())
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # was told to who asked, if they are still there

    async def _write(self, writes: Sequence[Write]) -> None:
        try:
            await self._file.write(writes)
        except sqlite3.Error as error:
            log.error("the registry cannot write %s: %s", self._file.path, error)  # noqa: TRY400
            what = "The registry cannot write its file; nothing changed. Its log tells why"
            raise Refused(503, what, {"Retry-After": "5"}) from error

    def _touched(self, names: Collection[str]) -> None:
        """Tell everybody what is different under ``names``."""
        for name in sorted(names):
            shown = self.service(name)
            tell(self.changes, self._shown.get(name), shown)
            if shown is None:
                self._shown.pop(name, None)
                self._turns.pop(name, None)
            else:
                self._shown[name] = shown
            if name in self._held or shown is None:
                self._bridge.touch(name)

    def _wanted(self, name: str) -> Mapping[str, Instance]:
        held = self._held.get(name)
        if held is None or self._is_native(name):
            return {}
        return {way.id: way for way in _announced(held)}

    # --- leases ---------------------------------------------------------------------------------

    def _lapsed(self, name: str) -> None:
        self._touched({name})

    def _over(self, name: str, instance: HeldInstance) -> None:
        _ = self._begin(self._expire(name, instance))

    async def _expire(self, name: str, instance: HeldInstance) -> None:
        held = self._held.get(name)
        if held is None or held.instances.get(instance.record.id) is not instance:
            return
        if not self._leases.is_over(instance):
            self._leases.watch(name, instance)  # it came back while others were writing
            return
        try:
            await self._forget(name, instance.record.id)
        except Refused:
            self._leases.again(name, instance)


def _announced(held: HeldService) -> list[Instance]:
    found = (instance.announced(held.record) for instance in held.instances.values())
    return [one for one in found if one is not None]


def _ways(held: HeldService) -> list[_Turn]:
    """Those that are UP, each with its URL as it was registered."""
    ways: list[_Turn] = []
    for instance in held.instances.values():
        one = instance.announced(held.record)
        if one is not None and one.state is InstanceState.UP:
            ways.append(_Turn(one, instance.record.url))
    return ways
