"""Part: some services of a system, built in a process of their own, and their ways to others."""

from collections.abc import Callable

from msgspec import Struct

from coterie.call import Handler
from coterie.contract import Contract, Operation, promise_of
from coterie.policy import Breaking, Tally, untold
from coterie.registry import Balance
from coterie.telemetry import Read

from .inventory import Inventory

__all__ = ["Part", "Way"]


class Way(Struct, frozen=True, kw_only=True):
    """What a process that calls ``service`` over a network is to do on the way there.

    ``balance`` tells by which rule an instance is chosen for an operation, ``breaking`` when one is
    left alone, ``slow_start`` in how many seconds a new one gets its share. ``tally`` is told what
    breakers do; ``watch`` takes what tells how they stand.
    """

    service: str
    balance: Callable[[Operation], Balance] = lambda _: "two-choices"
    breaking: Breaking | None = None
    slow_start: float = 0.0
    tally: Tally = untold
    watch: Callable[[Read], None] = lambda _: None


class Part(Struct, frozen=True):
    """The ``services`` that run here; ``reach`` makes the way to any other of the ``inventory``.

    Only modules of these services are imported: who answers for a contract stands in the
    inventory, which was made when the whole system was looked at.
    """

    services: tuple[str, ...]
    inventory: Inventory
    reach: Callable[[Way], Handler]

    def provider(self, service: str, contract: type[Contract]) -> str | None:
        """Which service answers where ``service`` asks for ``contract``."""
        promise = promise_of(contract)
        for call in self.inventory.service(service).calls:
            if call.contract == promise.name and call.version.split(".", 1)[0] == promise.major:
                return call.service
        return self.inventory.provider(promise.name, promise.major)

    def keeps(self, service: str) -> bool:
        """Whether ``service``, which may run elsewhere, has a database."""
        return any(one.name == service and one.database for one in self.inventory.services)
