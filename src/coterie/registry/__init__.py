"""The live instances of every service: announced under a lease, watched by those who call them.

Knows what an instance tells of itself, how one is chosen among several, and the engines: `Memory`
for one process, `coterie.registry.nats.Nats` for several.

Deliberately knows no process and no HTTP: who is alive is said by whoever watches over it, and
calls are made by `coterie.client`.
"""

from .balance import Balance, Hashing, chooser
from .choose import Choose, Loaded, RoundRobin, eligible, two_choices
from .hashed import hashed
from .memory import Memory
from .port import Instance, InstanceState, Offer, Registry, Told, Watch

__all__ = [
    "Balance",
    "Choose",
    "Hashing",
    "Instance",
    "InstanceState",
    "Loaded",
    "Memory",
    "Offer",
    "Registry",
    "RoundRobin",
    "Told",
    "Watch",
    "chooser",
    "eligible",
    "hashed",
    "two_choices",
]
