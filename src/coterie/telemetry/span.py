"""Span: one call, as one of its two ends saw it."""

from typing import Literal

from msgspec import Struct

from coterie.call import Trace
from coterie.contract import Code

from .action import Note

__all__ = ["Kind", "Span"]

Kind = Literal["server", "client"]
"""Which end recorded a span: who answered the call, or who made it over a network."""


class Span(Struct, frozen=True):
    """One call as it was served, or as its caller saw it.

    ``operation`` is a name in the whole system (``orders.place``); ``trace`` its place among the
    calls that caused it; ``ended`` seconds since 1970, ``seconds`` what it took; ``code`` what
    went wrong, ``None`` where nothing did; ``service`` who recorded it; ``notes`` what policies did
    to it on that side.

    A call over a network has two spans: the ``client`` one is the parent of the ``server`` one,
    and what it took longer is the network's. A call within a process has the ``server`` one alone.
    """

    operation: str
    trace: Trace
    ended: float
    seconds: float
    code: Code | None = None
    kind: Kind = "server"
    service: str = ""
    notes: tuple[Note, ...] = ()
