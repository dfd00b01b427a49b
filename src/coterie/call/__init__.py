"""What travels: a call, its reply, its context, and the two shapes that pass them on.

Knows contracts, and how calls relate to each other (deadline, trace, principal). A `Handler`
answers a `Call` with a `Reply`; a `Policy` wraps one handler into another. Both serve on both
sides of the wire.

Deliberately knows no wire format, no transport, no engine, and starts nothing.
"""

from .context import Context, calling, current, current_context, entered
from .failure import Failure, Sent, Violation
from .handler import Component, Handler, Policy, chain
from .hold import held, hold, separate
from .message import Call, Reply
from .origin import Origin
from .principal import Principal
from .require import refusal, require
from .spawn import Spawner, spawn, spawning
from .trace import Trace

__all__ = [
    "Call",
    "Component",
    "Context",
    "Failure",
    "Handler",
    "Origin",
    "Policy",
    "Principal",
    "Reply",
    "Sent",
    "Spawner",
    "Trace",
    "Violation",
    "calling",
    "chain",
    "current",
    "current_context",
    "entered",
    "held",
    "hold",
    "refusal",
    "require",
    "separate",
    "spawn",
    "spawning",
]
