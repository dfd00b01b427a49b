"""What a rule means for a document: who is refused, and which scopes nobody gets in without."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from coterie.contract import Rule

__all__ = ["Access", "access"]

_SUBJECT = "x"


class _Every(frozenset[str]):
    """Every role there could be."""

    __slots__ = ()

    def __contains__(self, _: object) -> bool:
        return True


class _Known(Struct, frozen=True):
    """A made-up caller, to ask a rule about."""

    subject: str
    scopes: frozenset[str]
    roles: frozenset[str]


class Access(Struct, frozen=True):
    """What a reader of a document wants to know of a rule.

    ``anonymous``: open to callers nobody knows; ``refuses``: closed to some who are known;
    ``scopes``: those that every caller's token must carry, sorted; ``told``: the rule in words.
    """

    anonymous: bool
    refuses: bool
    scopes: tuple[str, ...]
    told: str


def access(rule: Rule | None, *, secured: bool) -> Access:
    """What ``rule`` means; without one, ``secured`` says whether a token is asked for."""
    if rule is None:
        return Access(not secured, refuses=False, scopes=(), told="")
    named = rule.scopes()
    # A scope is needed if the caller who has everything else is refused.
    mine = _arguments(rule)
    needed = [
        scope
        for scope in sorted(named)
        if not rule.allows(_Known(_SUBJECT, named - {scope}, _Every()), mine)
    ]
    nobody = _Known(f"not {_SUBJECT}", frozenset(), frozenset())
    refuses = not rule.allows(nobody, mine)
    told = "" if rule.anonymous else str(rule)
    return Access(rule.anonymous, refuses, tuple(needed), told)


def _arguments(rule: Rule) -> Mapping[str, Any]:
    """Arguments that all belong to the made-up caller."""
    arguments: dict[str, Any] = {}
    for path in rule.parameters():
        *outer, last = path.split(".")
        inside = arguments
        for name in outer:
            inside = inside.setdefault(name, {})
        inside[last] = _SUBJECT
    return arguments
