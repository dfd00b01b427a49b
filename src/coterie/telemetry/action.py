"""Action, Reading, Note: what policies did, and how they stand."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from msgspec import Struct

__all__ = ["Action", "Note", "Read", "Reading"]

Read: TypeAlias = Callable[[], Mapping[str, float]]
"""Tells how something stands, each number by its name, when somebody asks."""


class Action(Struct, frozen=True):
    """How often ``policy`` did ``what`` to calls of ``operation``; empty: to no call in particular."""

    policy: str
    what: str
    operation: str
    count: int


class Reading(Struct, frozen=True):
    """How a policy stands: ``name`` is what is told, ``of`` whom it is about (a service, mostly)."""

    policy: str
    of: str
    name: str
    value: float


class Note(Struct, frozen=True):
    """What a policy did to one call, ``at`` seconds since 1970."""

    at: float
    policy: str
    what: str
    detail: str = ""
