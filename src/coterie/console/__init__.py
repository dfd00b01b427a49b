"""Running a system on this machine, and watching over it.

Knows how an assembled system is started, kept and stopped: signals, drain, reload on change.
Here every service runs in one process, behind the gateway in that process.

Deliberately reads no file of the user's and builds no service: `coterie.system` does.
"""

from .reload import reload
from .up import Up, up

__all__ = ["Up", "reload", "up"]
