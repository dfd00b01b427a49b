"""The real programs behind the ports: found, started, watched and stopped.

Knows where a program comes from (a wheel, the PATH), which are fit to run here, how each is
configured so that nobody else reaches it, and how it says that it is ready or why it is not.

Deliberately knows no system and no service: what a gateway routes is written by `coterie.deploy`,
what is kept in a broker by who uses it, and when to start one again is its supervisor's to say.
"""

from .envoy import Envoy
from .find import PROGRAMS, Program, find
from .launch import launch
from .nats import Nats, is_embedded
from .port import EngineError, Failed, Found, Launch, Missing, Process

__all__ = [
    "PROGRAMS",
    "EngineError",
    "Envoy",
    "Failed",
    "Found",
    "Launch",
    "Missing",
    "Nats",
    "Process",
    "Program",
    "find",
    "is_embedded",
    "launch",
]
