"""The tables of policies read, and judged as far as their file alone tells."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from msgspec import Struct

from coterie.policy import Hedge

from .places import TomlPath
from .policy_layers import Layer, merged, service_layers
from .policy_specs import SETTINGS, OperationSpec, PolicySpec
from .problem import Report
from .specs import ServiceSpec
from .tables import Tables

__all__ = ["check_policies", "operations_of", "policy_of"]

S = TypeVar("S", bound=Struct)

_OFF = ("hedge", "cache")


def policy_of(tables: Tables, struct: type[S], values: Any, path: TomlPath) -> S:
    """The table of policies at ``path``: what of it is right, so that all can be judged at once."""
    if not isinstance(values, Mapping):
        tables.read(struct, values, path)
        return struct()
    found = tables.some(struct, values, path)
    for name, kind in SETTINGS.items():
        if name == "idempotency" and found.get(name) == {"mode": "off"}:
            found[name] = "off"  # as it may be written without a table
        if isinstance(found.get(name), dict):
            found[name] = tables.some(kind, found[name], (*path, name))
    return struct(**found)


def operations_of(tables: Tables, values: Any, path: TomlPath) -> Mapping[str, OperationSpec]:
    """The tables of single operations at ``path``."""
    found: dict[str, OperationSpec] = {}
    example = f"[{'.'.join(map(str, path))}.NAME]"
    for name, members in tables.tables(values, path, example).items():
        found[name] = policy_of(tables, OperationSpec, members, (*path, name))
    return found


def check_policies(policy: PolicySpec, services: Iterable[ServiceSpec], report: Report) -> None:
    """Report values that contradict each other, as the tables say them together."""
    _check(service_layers(policy, None), report)
    for service in services:
        layers = service_layers(policy, service)
        _check(layers, report)
        for name, operation in service.operation.items():
            path = ("service", service.name, "operation", name)
            _check([*layers, Layer(path, operation)], report)


def _check(layers: list[Layer], report: Report) -> None:
    for name, kind in SETTINGS.items():
        merged(name, kind, layers, report, on=name not in _OFF)
    hedge = merged("hedge", Hedge, layers, report, on=False).value
    last = layers[-1]
    if hedge is None or len(layers) > 2 or getattr(last.spec, "hedge", None) is None:
        return  # of an operation, its contract has to be known
    timeouts = (getattr(layer.spec, "timeout", None) for layer in reversed(layers))
    timeout = next(found for found in timeouts if found is not None)
    if isinstance(hedge.after, float) and hedge.after >= timeout:
        what = f"hedge.after is {hedge.after:g} s, and a call ends after {timeout:g} s"
        report.complain((*last.path, "hedge", "after"), what, "Make the second call earlier")
