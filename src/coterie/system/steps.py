"""Step: one policy of a chain, as it is built and as it is told. There is no second list."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from msgspec import Struct, structs

from coterie.call import Policy

from .policies import Policies

__all__ = ["Scene", "Step", "Value", "built", "numbers", "single"]

S = TypeVar("S")


class Scene(Struct, frozen=True, kw_only=True):
    """Where a chain stands: round the calls of which operation, and what is there besides.

    ``local`` says that caller and service share a process; ``keeps`` that the service has a
    database; ``identified`` that somebody can tell who calls; ``injected`` that faults are put in on
    purpose.
    """

    policies: Policies
    local: bool = False
    keeps: bool = False
    identified: bool = False
    injected: bool = False


class Value(Struct, frozen=True):
    """One value of a step, and where it is from."""

    name: str
    value: Any
    source: str


class Step(Struct, Generic[S], frozen=True, kw_only=True):
    """One policy at its place.

    ``applies`` says in which scenes it is there; ``make`` makes it from what its side shares, or is
    ``None`` where the transport itself does it: then it is told, and has its place, all the same.
    """

    name: str
    told: str
    applies: Callable[[Scene], bool]
    make: Callable[[Scene, S], Policy] | None
    values: Callable[[Policies], Iterable[Value]]


def built(steps: Iterable[Step[S]], scene: Scene, shared: S) -> list[Policy]:
    """The policies of ``scene``, the first outermost."""
    return [
        step.make(scene, shared) for step in steps if step.make is not None and step.applies(scene)
    ]


def single(name: str) -> Callable[[Policies], Iterable[Value]]:
    """Tells a policy that is one value."""

    def values(policies: Policies) -> Iterator[Value]:
        yield Value(name, getattr(policies, name), policies.source(name))

    return values


def numbers(name: str) -> Callable[[Policies], Iterable[Value]]:
    """Tells a policy with settings: each of them."""

    def values(policies: Policies) -> Iterator[Value]:
        settings = getattr(policies, name)
        if settings is None:
            return
        for field in structs.fields(settings):
            value = getattr(settings, field.name)
            yield Value(field.name, value, policies.source(name, field.name))

    return values
