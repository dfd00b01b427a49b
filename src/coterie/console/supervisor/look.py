"""A look at the whole system, by a process that ends with it.

The supervisor itself imports nothing of the user's: it would keep the first version of every
module for ever, and a module that does not import would take the supervisor with it.
"""

import socket
import sys

import msgspec
from msgspec import Struct

from coterie.system import SystemProblems, blueprint, load

from .channel import Looked, Refused, first_line
from .part_run import files_of

__all__ = ["run_look"]


def run_look(channel: socket.socket, _: socket.socket | None) -> int:
    """Find all services and contracts, and tell the supervisor; the exit code."""
    order = first_line(channel)
    answer: Struct
    try:
        system = load(order.system, profile=order.profile, state=order.state)
        answer = Looked(blueprint(system), files_of(system))
    except SystemProblems as error:
        answer = Refused.by(error)
    channel.sendall(msgspec.json.encode(answer) + b"\n")
    sys.stderr.flush()
    return 0
