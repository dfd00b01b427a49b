"""Explanation: the chain of policies of one operation in words, with the source of each value."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import UNSET, Struct, structs

from coterie.contract import Operation

from .client_steps import CLIENT_STEPS
from .model import System
from .plan import Planned
from .policy_layers import DEFAULT
from .protection import Protection
from .server_steps import SERVER_STEPS
from .steps import Scene, Step, Value

__all__ = ["Explanation", "Told", "explained"]


class Told(Struct, frozen=True):
    """One policy at its place: what it does, by which values.

    ``local`` says that it is there, too, where caller and service share a process.
    """

    policy: str
    told: str
    values: tuple[Value, ...]
    local: bool


class Explanation(Struct, frozen=True, kw_only=True):
    """What stands round the calls of one operation, on both sides, the first outermost.

    ``absent`` names the policies that are not there, and tells why.
    """

    operation: str
    service: str
    client: tuple[Told, ...]
    server: tuple[Told, ...]
    absent: Mapping[str, str]

    @property
    def told(self) -> tuple[Told, ...]:
        """Both sides, the caller's first."""
        return (*self.client, *self.server)

    @property
    def changed(self) -> tuple[tuple[str, Value], ...]:
        """The values that somebody said, by policy: each once, whichever side it counts on."""
        found: dict[tuple[str, str], tuple[str, Value]] = {}
        for told in self.told:
            for value in told.values:
                if value.source != DEFAULT and value.name != "allow":
                    found.setdefault((value.name, value.source), (told.policy, value))
        return tuple(found.values())


def explained(system: System, service: Planned, operation: Operation) -> Explanation:
    """What protects the calls of ``operation``: what is built, made from the same steps."""
    identified = system.identity is not None
    protection = Protection(system, service.name, keeps=service.keeps, identified=identified)
    scene = protection.scene(operation, local=False)
    local = protection.scene(operation, local=True)
    told = (tuple(_told(steps, scene, local)) for steps in (CLIENT_STEPS, SERVER_STEPS))
    client, server = told
    there = {one.policy for one in (*client, *server)}
    absent = {name: why for name, why in scene.policies.absent.items() if name not in there}
    if "fallback" not in there:
        absent["fallback"] = "none is given"
    return Explanation(
        operation=operation.id,
        service=service.name,
        client=client,
        server=server,
        absent=dict(sorted(absent.items())),
    )


def _told(steps: Iterable[Step[Any]], scene: Scene, local: Scene) -> Iterator[Told]:
    for step in steps:
        if step.applies(scene):
            values = tuple(_plain(value) for value in step.values(scene.policies))
            yield Told(step.name, step.told, values, step.applies(local))


def _plain(value: Value) -> Value:
    return structs.replace(value, value=None) if value.value is UNSET else value
