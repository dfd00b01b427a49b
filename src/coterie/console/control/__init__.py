"""Control of a running system: what its supervisor can be asked for, over a Unix socket.

Knows the protocol (one JSON object a line, one request a connection), where the socket lies and
who may open it, how long requests and readers are waited for, and which process holds a system.

Deliberately knows no process of the system: a supervisor implements `Controls`, and whoever asks
uses `ControlClient`.
"""

from .client import ControlClient
from .errors import AlreadyUp, BrokenOff, ControlError, NotUp
from .lock import Holder, UpLock, holder
from .port import Controls
from .protocol import MOST_REPLICAS, Catalogue, Guest, LogLine, Rows, Welcome
from .server import ControlServer

__all__ = [
    "MOST_REPLICAS",
    "AlreadyUp",
    "BrokenOff",
    "Catalogue",
    "ControlClient",
    "ControlError",
    "ControlServer",
    "Controls",
    "Guest",
    "Holder",
    "LogLine",
    "NotUp",
    "Rows",
    "UpLock",
    "Welcome",
    "holder",
]
