"""Typed clients: a contract becomes an object whose methods are calls.

Knows how a call leaves (HTTP, or straight to a handler in this process) and what became of it:
answered, not sent, or unknown. `connect` needs nothing but a contract and a URL; `Discovered` finds
its way by a registry it is handed.

Deliberately knows no service, no host and no engine: whoever assembles a system hands it handlers.
"""

from .chained import chained
from .collector import Collector, Telemetry
from .connect import connect, resilient
from .discovered import Discovered
from .http import Http
from .lane import IDLE
from .local import serialising
from .pages import items
from .proxy import TIMEOUT, Timeout, proxy

__all__ = [
    "IDLE",
    "TIMEOUT",
    "Collector",
    "Discovered",
    "Http",
    "Telemetry",
    "Timeout",
    "chained",
    "connect",
    "items",
    "proxy",
    "resilient",
    "serialising",
]
