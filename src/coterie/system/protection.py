"""Protection: the policies of every operation of a system, as chains ready to be put round calls."""

from collections.abc import Callable, Iterable

from coterie.call import Handler, Policy
from coterie.client import chained
from coterie.contract import Operation
from coterie.policy import Breaking, Priority, Shedding
from coterie.registry import Balance
from coterie.telemetry import Meter

from .client_steps import CLIENT_STEPS, Callee
from .model import System
from .part import Way
from .policies import SLOW_START, Policies, policies_of
from .policy_layers import merged, service_layers
from .problem import Report
from .server_steps import SERVER_STEPS, Served
from .steps import Scene, built

__all__ = ["Protection", "shedding"]


class Protection:
    """What protects the calls to one ``service`` of ``system``, on both sides.

    ``keeps`` says whether it has a database, ``identified`` whether somebody can tell who calls,
    ``injected`` whether faults are put in on purpose. ``stands_in`` says that it is no service, but
    what a test put in the place of one: nobody minds what it cannot keep.
    """

    def __init__(
        self,
        system: System,
        service: str,
        *,
        keeps: bool,
        identified: bool = False,
        injected: bool = False,
        stands_in: bool = False,
    ) -> None:
        self.system = system
        self.service = service
        self._keeps = keeps
        self._identified = identified
        self._injected = injected
        self._stands_in = stands_in
        self._known: dict[Operation, Policies] = {}

    def policies(self, operation: Operation) -> Policies:
        """What applies to the calls of ``operation``."""
        found = self._known.get(operation)
        if found is None:
            keeps = self._keeps or self._stands_in
            found = policies_of(self.system, self.service, operation, keeps=keeps)
            self._known[operation] = found
        return found

    def timeout(self, operation: Operation) -> float:
        """Seconds that a call of ``operation`` may take."""
        return self.policies(operation).timeout

    def priority(self, operation: Operation) -> Priority:
        """Who is refused last where there is too much to do."""
        return self.policies(operation).priority

    def balance(self, operation: Operation) -> Balance:
        """Which instance takes the next call of ``operation``."""
        return self.policies(operation).balance

    def scene(self, operation: Operation, *, local: bool) -> Scene:
        """Where a chain for ``operation`` stands."""
        return Scene(
            policies=self.policies(operation),
            local=local,
            keeps=self._keeps,
            identified=self._identified,
            injected=self._injected,
        )

    def server(self, served: Served) -> Callable[[Operation], list[Policy]]:
        """What the service itself puts round the calls of an operation."""
        return lambda operation: built(SERVER_STEPS, self.scene(operation, local=False), served)

    def client(self, callee: Callee, handler: Handler, *, local: bool) -> Handler:
        """``handler``, the way to the service, inside what its caller puts round each call."""
        return chained(
            lambda operation: built(CLIENT_STEPS, self.scene(operation, local=local), callee),
            handler,
        )

    def way(self, meter: Meter) -> Way:
        """What is to be done on the way to the service over a network; ``meter`` is the caller's."""
        spec = next((s for s in self.system.services if s.name == self.service), None)
        layers = service_layers(self.system.policy, spec)
        report = Report(self.system.places)
        slow = (getattr(layer.spec, "slow_start", None) for layer in reversed(layers))
        return Way(
            service=self.service,
            balance=self.balance,
            breaking=merged("breaker", Breaking, layers, report).value,
            slow_start=next((found for found in slow if found is not None), SLOW_START),
            tally=meter.tally,
            watch=lambda read: meter.watch("breaker", self.service, read),
        )


def shedding(system: System, services: Iterable[str]) -> Shedding | None:
    """How a process with these services refuses what is too much.

    There is one queue in a process: where its services differ, it is as ``[policy]`` says.
    """
    report, here = Report(system.places), set(services)
    found = [
        merged("shed", Shedding, service_layers(system.policy, spec), report).value
        for spec in system.services
        if spec.name in here
    ]
    if found and all(one == found[0] for one in found):
        return found[0]
    return merged("shed", Shedding, service_layers(system.policy, None), report).value
