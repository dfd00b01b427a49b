"""Part: some services of a system, built in a process of their own."""

from collections.abc import Callable

from msgspec import Struct

from coterie.call import Handler
from coterie.contract import Contract, promise_of

from .inventory import Inventory

__all__ = ["Part"]


class Part(Struct, frozen=True):
    """The ``services`` that run here; ``reach`` gives the way to any other of the ``inventory``.

    Only modules of these services are imported: who answers for a contract stands in the
    inventory, which was made when the whole system was looked at.
    """

    services: tuple[str, ...]
    inventory: Inventory
    reach: Callable[[str], Handler]

    def provider(self, service: str, contract: type[Contract]) -> str | None:
        """Which service answers where ``service`` asks for ``contract``."""
        promise = promise_of(contract)
        for call in self.inventory.service(service).calls:
            if call.contract == promise.name and call.version.split(".", 1)[0] == promise.major:
                return call.service
        return self.inventory.provider(promise.name, promise.major)
