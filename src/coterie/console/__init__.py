"""Running a system on this machine, and watching over it.

Knows how a system is started, kept and stopped: each service a process (`supervisor`), or all of
them in this one (`up`), signals, drain, reload on change; how a running system is asked
(`control`) and shown (`dashboard`).

Deliberately reads no file of the user's and builds no service: `coterie.system` does. What it
has to say goes to the logger ``coterie.console``.
"""

from .interrupted import Interrupted
from .parent import end_with
from .reload import reload
from .up import Up, up

__all__ = ["Interrupted", "Up", "end_with", "reload", "up"]
