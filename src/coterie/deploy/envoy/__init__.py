"""Envoy's configuration: routes, services and the edge, as the files it watches. Pure.

Knows Envoy's API (v3) as far as a gateway needs it: `files` makes all of them, `endpoints` the
one of a service whose instances changed. A file is swapped whole (`swap`), and Envoy reads it
anew when its name is put in place.

Deliberately runs no Envoy, and knows no registry: who is alive is handed in.
"""

from .edge import Edge, Endpoint, Tls
from .endpoints import endpoints
from .files import files
from .swap import swap

__all__ = ["Edge", "Endpoint", "Tls", "endpoints", "files", "swap"]
