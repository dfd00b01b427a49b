"""Route: one operation as the gateway sees it, and what belongs to the console instead."""

from msgspec import Struct

__all__ = ["PAGES", "REFUSED", "Route"]

PAGES = ("/docs", "/openapi", "/.well-known/jwks.json", "/health/ready")
"""Where the console answers for the gateway: each path, and what follows it after ``/`` or ``.``."""

REFUSED = "coterie-refused"
"""The header of a 503 which says that nothing was begun: the same request may go elsewhere."""


class Route(Struct, frozen=True, kw_only=True):
    """Requests with this ``method`` and ``path`` (a template such as ``/orders/{id}``) are a service's.

    ``idempotent`` says that sending one twice does no harm; ``timeout`` is in seconds, ``None``
    for the system's; ``stream`` that its body or its answer may take any time.
    """

    service: str
    operation: str
    method: str
    path: str
    idempotent: bool = False
    timeout: float | None = None
    stream: bool = False
