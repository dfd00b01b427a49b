"""The registry over HTTP: programs of any language register here and find each other.

Here is the side of those who register and ask, in plain Python: blocking, with the standard library
alone. A program that has its lease kept: `Registrant`; one that only calls others: `Discovery`;
the requests themselves: `RegistryClient`. `coterie.members.registry.server` is the other side, the
registry itself.

Deliberately knows no asyncio and no contract: a program that has these has `coterie.client`.
"""

from .client import RegistryAway, RegistryClient, RegistryRefused
from .discovery import Discovery, NoInstance
from .registrant import Registrant

__all__ = [
    "Discovery",
    "NoInstance",
    "Registrant",
    "RegistryAway",
    "RegistryClient",
    "RegistryRefused",
]
