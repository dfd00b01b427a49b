"""The registry's program: an ASGI application and all that it keeps.

Knows who registered what, under whose name, for how long, and who is to be told of it. Joins what
registers over HTTP with the `coterie.registry.Registry` that a system calls by.

Deliberately knows no system: the services of one are handed in as `Described`. It calls nobody,
not even to ask whether an instance is alive: whoever is says so.
"""

from .app import RegistryApp
from .described import Described
from .limits import Limits
from .register_file import RegisterFileError
from .tokens import ANYONE, SYSTEM, Tokens

__all__ = [
    "ANYONE",
    "SYSTEM",
    "Described",
    "Limits",
    "RegisterFileError",
    "RegistryApp",
    "Tokens",
]
