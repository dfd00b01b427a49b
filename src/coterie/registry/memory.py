"""Memory: the registry of a system that is one process."""

from .port import Instance, Told, Watch
from .roll import Key, Roll

__all__ = ["Memory"]


class Memory:
    """A registry for those who share this object, in one event loop.

    Knows no leases: who announces and who watches live and die together.
    """

    def __init__(self) -> None:
        self._rolls: dict[str | None, Roll] = {}
        self._announced: dict[Key, Instance] = {}

    async def start(self) -> None:
        """Nothing to connect to."""

    async def stop(self) -> None:
        """Withdraw everything, end every watch."""
        for service, id_ in list(self._announced):
            await self.withdraw(service, id_)
        for roll in self._rolls.values():
            roll.close()
        self._rolls.clear()

    async def announce(self, instance: Instance) -> None:
        """Make ``instance`` known, or known anew."""
        self._announced[instance.service, instance.id] = instance
        for watched in (instance.service, None):
            if watched in self._rolls:
                self._rolls[watched].put(instance)

    async def withdraw(self, service: str, id: str) -> None:
        """Make an instance unknown; one that is unknown already is no error."""
        self._announced.pop((service, id), None)
        for watched in (service, None):
            if watched in self._rolls:
                self._rolls[watched].drop((service, id))

    async def watch(self, service: str | None = None, told: Told | None = None) -> Watch:
        """Watch ``service``, or all."""
        roll = self._rolls.get(service)
        if roll is None:
            roll = self._rolls[service] = Roll()
            for instance in self._announced.values():
                if service is None or instance.service == service:
                    roll.put(instance)
        return roll.watch(told)
