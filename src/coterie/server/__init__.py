"""Running a service: its life, its calls, and the HTTP in front of it.

Knows a built service's life (start, ready, draining, stopped), how requests become calls, health,
metrics and the access log. A `Host` runs one service; an `App` answers HTTP for several.

Deliberately builds nothing, reads no configuration, and calls no other service.
"""

from .access import AccessLog
from .app import STREAM_LIMIT, App, Page
from .cors import Cors
from .host import Host, State
from .serving import HttpServer, PortTaken
from .slowness import TOO_SLOW, Slowness

__all__ = [
    "STREAM_LIMIT",
    "TOO_SLOW",
    "AccessLog",
    "App",
    "Cors",
    "Host",
    "HttpServer",
    "Page",
    "PortTaken",
    "Slowness",
    "State",
]
