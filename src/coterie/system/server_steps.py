"""What stands round a call on its service's side, outermost first."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from coterie.call import Policy
from coterie.contract import Rule
from coterie.policy import (
    Injector,
    Keys,
    Tally,
    Verifier,
    authenticate,
    authorize,
    deadline,
    idempotency,
    inject,
    untold,
)

from .policies import Policies
from .steps import Scene, Step, Value, numbers, single

__all__ = ["SERVER_STEPS", "Served"]


class Served(Struct, frozen=True, kw_only=True):
    """What all calls of one service share on its own side.

    ``rule`` is whose the operations are that say nothing; ``verifier`` tells whom a token speaks
    for; ``unit`` is the unit of work of its database and ``keys`` where that keeps idempotency keys,
    ``None`` where it has no database.
    """

    service: str
    rule: Rule
    verifier: Verifier | None = None
    unit: Policy | None = None
    keys: Keys | None = None
    tally: Tally = untold
    injector: Injector | None = None


def _inject(_: Scene, served: Served) -> Policy:
    injector = served.injector or Injector()
    return inject(injector, served.tally, side="server", service=served.service)


def _deadline(scene: Scene, served: Served) -> Policy:
    return deadline(scene.policies.timeout, served.tally, fixed=True)


def _authenticate(_: Scene, served: Served) -> Policy:
    if served.verifier is None:
        raise ValueError("nobody is here to tell whom a token speaks for")
    return authenticate(served.verifier)


def _idempotency(scene: Scene, served: Served) -> Policy:
    if served.keys is None:
        raise ValueError("there is no database to keep keys in")
    return idempotency(served.keys, scene.policies.idempotency, served.tally)


def _unit(_: Scene, served: Served) -> Policy:
    if served.unit is None:
        raise ValueError("there is no database to work on")
    return served.unit


def _shed(policies: Policies) -> Iterator[Value]:
    yield Value("priority", policies.priority, policies.source("priority"))
    yield from numbers("shed")(policies)


def _rule(policies: Policies) -> Iterator[Value]:
    operation = policies.operation
    if operation.rule is not None:
        yield Value("allow", str(operation.rule), f"contract {operation.id}")


def _none(_: Policies) -> tuple[()]:
    return ()


def _always(_: Any) -> bool:
    return True


SERVER_STEPS: tuple[Step[Served], ...] = (
    Step(
        name="shed",
        told="refuses before anything is read where there is too much to do",
        applies=lambda scene: scene.policies.shed is not None,
        make=None,  # the process asks it for each request, before there is a call
        values=_shed,
    ),
    Step(
        name="inject",
        told="goes wrong on purpose",
        applies=lambda scene: scene.injected,
        make=_inject,
        values=_none,
    ),
    Step(
        name="deadline",
        told="stops the call where its time is over",
        applies=_always,
        make=_deadline,
        values=single("timeout"),
    ),
    Step(
        name="authenticate",
        told="finds out who calls",
        applies=lambda scene: scene.identified,
        make=_authenticate,
        values=_none,
    ),
    Step(
        name="authorize",
        told="refuses who may not call",
        applies=_always,
        make=lambda _, served: authorize(served.rule),
        values=_rule,
    ),
    Step(
        name="idempotency",
        told="answers a call that comes again as it was answered before",
        applies=lambda scene: scene.policies.idempotency is not None and scene.keeps,
        make=_idempotency,
        values=numbers("idempotency"),
    ),
    Step(
        name="unit_of_work",
        told="commits what the call did once its reply is encoded",
        applies=lambda scene: scene.keeps,
        make=_unit,
        values=_none,
    ),
)
"""The policies of a service."""
