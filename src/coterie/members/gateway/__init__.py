"""The gateway in a process of Coterie's own: one address in front of many instances.

Knows a table of routes, finds instances through the registry, and passes requests and answers on
as they arrive. `coterie.deploy.envoy` writes the same table for Envoy; what both must say in the
same words is here.

Deliberately knows no contract: an operation is a method, a path and a service, and a program is a
path and a service. It ends no TLS and opens no WebSocket; Envoy does.
"""

from .away import BUSY, away_page, away_problem, broken_page, broken_problem, wants_page
from .gateway import Gateway
from .inside import Inside
from .passage import HIDDEN, PREFIX, RESERVED, Passage, spelt
from .route import CONSOLE, NOT_READY, PAGES, REFUSED, REGISTRY, TRIES, Route

__all__ = [
    "BUSY",
    "CONSOLE",
    "HIDDEN",
    "NOT_READY",
    "PAGES",
    "PREFIX",
    "REFUSED",
    "REGISTRY",
    "RESERVED",
    "TRIES",
    "Gateway",
    "Inside",
    "Passage",
    "Route",
    "away_page",
    "away_problem",
    "broken_page",
    "broken_problem",
    "spelt",
    "wants_page",
]
