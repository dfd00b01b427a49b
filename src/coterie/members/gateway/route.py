"""Route: one operation as the gateway sees it, and what belongs to the console instead."""

from msgspec import Struct

from .passage import Passage

__all__ = ["CONSOLE", "NOT_READY", "PAGES", "REFUSED", "REGISTRY", "TRIES", "Route"]

CONSOLE = "console"
"""The name of what answers for the gateway's own pages, among services."""

PAGES = ("/docs", "/openapi", "/.well-known/jwks.json", "/health/ready")
"""Where the console answers for the gateway: each path, and what follows it after ``/`` or ``.``."""

REGISTRY = Passage(service=CONSOLE, path="/registry", to="/registry", timeout=75.0)
"""Where the console answers for the registry, with any method. Whoever watches it may be told that
nothing happened after 60 s."""

REFUSED = "coterie-refused"
"""The header of a 503 which says that nothing was begun, and why."""

NOT_READY = "true"
"""What that header says where the same request may go elsewhere at once."""

TRIES = 3
"""How often a request is sent at most, the first time included."""


class Route(Struct, frozen=True, kw_only=True):
    """Requests with this ``method`` and ``path`` (a template such as ``/orders/{id}``) are a service's.

    ``attempts`` is how often one may be sent whose outcome is unknown; ``timeout`` is in seconds, ``None``
    for the system's; ``stream`` that its body or its answer may take any time.
    """

    service: str
    operation: str
    method: str
    path: str
    attempts: int = 1
    timeout: float | None = None
    stream: bool = False
