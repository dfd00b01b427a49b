"""Limits: how much a registry holds, so that nobody can fill its memory."""

from msgspec import Struct

__all__ = ["Limits"]


class Limits(Struct, frozen=True, kw_only=True):
    """Numbers and sizes that a registry does not go beyond; times are in seconds.

    ``services`` and ``instances`` are registered in all, ``services_each`` and ``instances_each``
    by one registrant, ``instances_of`` under one name. ``body`` is the octets of a request's body,
    ``body_time`` how long it may take to come. ``watchers`` wait or listen at one time, ``wait`` is
    how long one may wait for an answer, ``changes`` how many are kept for those who come back.
    A lease is between ``shortest`` and ``longest``; one that ended is shown for ``shown`` longer, as
    DOWN, before the instance is forgotten.
    """

    services: int = 1000
    services_each: int = 250
    instances: int = 5000
    instances_each: int = 1250
    instances_of: int = 200
    body: int = 65536
    body_time: float = 10.0
    watchers: int = 256
    wait: float = 60.0
    changes: int = 1024
    shortest: float = 1.0
    longest: float = 86400.0
    shown: float = 600.0
