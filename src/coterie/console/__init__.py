"""Running a system on this machine, and watching over it.

Knows how an assembled system is started, kept and stopped: signals, drain, reload on change.
Here every service runs in one process, behind the gateway in that process.

Deliberately reads no file of the user's and builds no service: `coterie.system` does. What it
has to say goes to the logger ``coterie.console``.
"""

from .parent import end_with
from .reload import reload
from .up import Interrupted, Up, up

__all__ = ["Interrupted", "Up", "end_with", "reload", "up"]
