"""The pages of the dashboard, one a file: each a function from what is known to what is shown.

Knows how things are told to people. All text goes through `tag`, which escapes it.

Deliberately knows no HTTP: the application decides which page is asked for, and how it leaves.
"""

from .contract import contract_page
from .contracts import contracts_page
from .frame import SECTIONS, frame, notice
from .graph import graph_page
from .logs import logs_page, logs_stream
from .missing import missing_page
from .overview import overview_page
from .process import process_page
from .protection import protection_page
from .trace import trace_page
from .traces import traces_page

__all__ = [
    "SECTIONS",
    "contract_page",
    "contracts_page",
    "frame",
    "graph_page",
    "logs_page",
    "logs_stream",
    "missing_page",
    "notice",
    "overview_page",
    "process_page",
    "protection_page",
    "trace_page",
    "traces_page",
]
