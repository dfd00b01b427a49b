"""Chaos: a system is harmed on purpose while it is used, and must not lose or double anything.

Knows how all that will be done is planned from a number, so that a run can be had again; how
processes are killed and paused, and services given faults; how the system's own workload tells
what became of each attempt; and how all of it is reported.

Deliberately knows nothing of what the system is for: its workload does, see `Workload`. It harms
only a system that it has started itself.
"""

from .plan import WEIGHTS, Fault, Plan, Strike, Targets, plan, targets_of
from .port import Audit, Outcome, Site, Workload
from .report import Recovery, Report, Tries
from .run import Watcher, wreak
from .stage import Stage, StageFailed

__all__ = [
    "WEIGHTS",
    "Audit",
    "Fault",
    "Outcome",
    "Plan",
    "Recovery",
    "Report",
    "Site",
    "Stage",
    "StageFailed",
    "Strike",
    "Targets",
    "Tries",
    "Watcher",
    "Workload",
    "plan",
    "targets_of",
    "wreak",
]
