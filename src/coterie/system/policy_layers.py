"""Layers: the tables that speak of one policy, from the widest to the most specific."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

from msgspec import Struct

from .places import Places, TomlPath
from .policy_specs import PolicySpec
from .problem import Report
from .specs import ServiceSpec

__all__ = ["DEFAULT", "Layer", "Merged", "merged", "service_layers", "source_of"]

T = TypeVar("T")

DEFAULT = "default"
"""The source of what nobody said."""


class Layer(Struct, frozen=True):
    """A table, and where it stands."""

    path: TomlPath
    spec: Struct


class Merged(Struct, Generic[T], frozen=True):
    """The settings of one policy, ``None`` where it is off.

    ``sources`` and ``paths`` tell where it, and each field that was said, stands: ``retry``,
    ``retry.attempts``.
    """

    value: T | None
    sources: Mapping[str, str]
    paths: Mapping[str, TomlPath]


def service_layers(policy: PolicySpec, service: ServiceSpec | None) -> list[Layer]:
    """The tables that speak of all operations of ``service``."""
    layers = [Layer(("policy",), policy)]
    if service is not None:
        layers.append(Layer(("service", service.name, "policy"), service.policy))
    return layers


def source_of(places: Places, path: TomlPath) -> str:
    """``coterie.toml:12``: where ``path`` stands."""
    line = places.line(*path)
    return places.file.name if line is None else f"{places.file.name}:{line}"


def merged(
    name: str,
    kind: type[T],
    layers: Sequence[Layer],
    report: Report,
    *,
    on: bool = True,
) -> Merged[T]:
    """The settings of the policy ``name``, of type ``kind``, as ``layers`` say together.

    Each field is of the most specific table that has it. ``on`` says whether the policy is on where
    nobody says. Values that contradict each other are noted in ``report``, at the last of them, and
    the defaults stand in.
    """
    fields: dict[str, Any] = {}
    paths: dict[str, TomlPath] = {}
    for layer in layers:
        told = _told(getattr(layer.spec, name, None))
        if told is None:
            continue
        paths[name] = (*layer.path, name)
        on = told is not False
        for field, value in told.items() if isinstance(told, Mapping) else ():
            fields[field] = value
            paths[f"{name}.{field}"] = (*paths[name], field)
    sources = {one: source_of(report.places, path) for one, path in paths.items()}
    if not on:
        return Merged(None, sources, paths)
    try:
        return Merged(kind(**fields), sources, paths)
    except ValueError:
        for field, what, remedy in _wrong(kind, fields):
            path = paths.get(f"{name}.{field}") or paths[name]
            report.complain(path, f"{name}: {what}", remedy)
        return Merged(kind(), sources, paths)


def _wrong(kind: type[Any], fields: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Each field that is wrong, with what is wrong and what to do; the others without it."""
    left = dict(fields)
    dropped: list[str] = []
    while True:
        try:
            kind(**left)
        except ValueError as error:
            what, _, remedy = str(error).partition(": ")
            field = what.split(" ", 1)[0]
            # Held against the default of one that was wrong itself, it may well be right.
            if not any(f"{one} = " in remedy for one in dropped):
                yield field, what, remedy[:1].upper() + remedy[1:]
            if field not in left:
                return
            dropped.append(field)
            del left[field]
        else:
            return


def _told(said: Any) -> bool | Mapping[str, Any] | None:
    """``said`` by a table; a policy with modes may be named by its mode."""
    if isinstance(said, str):
        return False if said == "off" else {"mode": said}
    told: bool | Mapping[str, Any] | None = said
    return told
