"""Typed clients: a contract becomes an object whose methods are calls.

Knows how a call leaves (HTTP, or straight to a handler in this process) and what became of it:
answered, not sent, or unknown. `connect` needs nothing but a contract and a URL.

Deliberately knows no service, no host and no registry: whoever assembles a system hands it
handlers.
"""

from .connect import connect
from .http import Http
from .local import serialising
from .pages import items
from .proxy import proxy

__all__ = ["Http", "connect", "items", "proxy", "serialising"]
