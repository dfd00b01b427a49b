"""The test kit: a whole system in one process, or one service with its events recorded.

Knows how to run things for the length of a block, on free ports and in temporary folders, and how
to make them go wrong: calls by rules that strike them, connections by a network of ours.

Deliberately mocks nothing: what stands in for a service implements its contract.
"""

from coterie.console.chaos import Audit, Outcome, Site, Workload

from .faults import abort, delay, drop, failure, slow
from .recording import Recorded, recording
from .running import RunningSystem, running
from .tcp_proxy import TcpProxy

__all__ = [
    "Audit",
    "Outcome",
    "Recorded",
    "RunningSystem",
    "Site",
    "TcpProxy",
    "Workload",
    "abort",
    "delay",
    "drop",
    "failure",
    "recording",
    "running",
    "slow",
]
