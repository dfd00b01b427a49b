"""The supervisor: a system as processes, each kept running, scaled, replaced and stopped.

Knows how a process is forked, how it tells that it answers, what becomes of it when it ends; who
must be told where it is; and in which order all of them go.

Deliberately imports nothing of the user's: a process that ends with it looks at the whole system
once, and each instance imports its own service.
"""

from .join import join
from .log_book import Show
from .log_lines import with_process
from .outlet import Outlet
from .supervise import Source, Supervised, fork_for, launcher, supervise

__all__ = [
    "Outlet",
    "Show",
    "Source",
    "Supervised",
    "fork_for",
    "join",
    "launcher",
    "supervise",
    "with_process",
]
