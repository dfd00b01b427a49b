"""Claims: whose a name is, and how much somebody may have."""

from collections.abc import Callable, Mapping

from .held import HeldInstance, HeldService
from .limits import Limits
from .records import ServiceRecord
from .refusal import Refused
from .tokens import SYSTEM

__all__ = ["Claims"]


class Claims:
    """A name is its first registrant's, and nobody's whom ``is_native`` tells to be the system's.

    Looks at what is ``held`` and changes nothing. Every method raises `Refused`.
    """

    def __init__(
        self, held: Mapping[str, HeldService], is_native: Callable[[str], bool], limits: Limits
    ) -> None:
        self._held = held
        self._is_native = is_native
        self._limits = limits

    def own(self, by: str, name: str, *, sweep: bool = False) -> HeldService:
        """A service of ``by``'s. With ``sweep`` the system may, too: somebody must clear up."""
        if self._is_native(name):
            what = f"{name} is a service of the system itself: it is started and stopped there"
            raise Refused(403, what)
        service = self._held.get(name)
        if service is None:
            raise Refused(404, f"Service {name} not found: register it first")
        if service.record.registered_by != by and not (sweep and by == SYSTEM):
            what = f"Another registrant has the name {name}: take another name, or the right token"
            raise Refused(403, what)
        return service

    def own_instance(self, by: str, name: str, id: str, *, sweep: bool = False) -> HeldInstance:
        """An instance of a service that `own` finds."""
        instance = self.own(by, name, sweep=sweep).instances.get(id)
        if instance is None:
            raise Refused(404, f"Instance {id} of {name} not found: register it again")
        return instance

    def claimed(self, by: str, name: str) -> HeldService:
        """A service of ``by``'s, or a new one where nobody has the name and there is room."""
        if name in self._held or self._is_native(name):
            return self.own(by, name)
        theirs = sum(one.record.registered_by == by for one in self._held.values())
        if theirs >= self._limits.services_each:
            raise _full("services of one registrant", self._limits.services_each)
        if len(self._held) >= self._limits.services:
            raise _full("services", self._limits.services)
        return HeldService(ServiceRecord(name=name, registered_by=by))

    def check_room(self, by: str, service: HeldService) -> None:
        """Whether there is room for one more instance of ``service``."""
        if len(service.instances) >= self._limits.instances_of:
            raise _full("instances of one service", self._limits.instances_of)
        counts = [(s.record.registered_by == by, len(s.instances)) for s in self._held.values()]
        if sum(count for theirs, count in counts if theirs) >= self._limits.instances_each:
            raise _full("instances of one registrant", self._limits.instances_each)
        if sum(count for _, count in counts) >= self._limits.instances:
            raise _full("instances", self._limits.instances)


def _full(what: str, most: int) -> Refused:
    return Refused(409, f"The registry takes no more than {most} {what}: remove one first")
