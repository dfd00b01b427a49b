"""The dashboard: a running system in a browser, at ``/console``.

Knows what a person wants to see of a system: its processes, who calls whom, single calls and
what they caused, log lines, contracts; and keeps a history of it, bounded, in one file. Pages are
made on the server and work as they are; where there is JavaScript, they stay up to date.

Deliberately changes nothing: there is no request that does. It knows no process and no service,
only a `Source` that tells what happens; it costs next to nothing while nobody looks.
"""

from .dashboard import Dashboard
from .guard import LOCAL
from .port import Action, Audience, Batch, Note, Reading, Source, Span
from .remote import RemoteSource

__all__ = [
    "LOCAL",
    "Action",
    "Audience",
    "Batch",
    "Dashboard",
    "Note",
    "Reading",
    "RemoteSource",
    "Source",
    "Span",
]
