"""The protocol: one request a connection, JSON objects, each on a line of its own (RFC 8259).

``{"do": "ps"}`` asks for rows; the module's requests are all there is. What comes back is lines,
each one of the forms of `Answer`, the last of which is ``{"done": true}`` or an error. Whoever
follows a stream closes the connection when it has seen enough.
"""

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta, Struct

from coterie.console.row import Row
from coterie.policy.inject import Rule
from coterie.registry import Offer
from coterie.system import Inventory

from .errors import ControlError

__all__ = [
    "LONGEST_REQUEST",
    "MOST_REPLICAS",
    "Answer",
    "Catalogue",
    "Faults",
    "Guest",
    "Join",
    "Leave",
    "LogLine",
    "Logs",
    "Ps",
    "Request",
    "Restart",
    "Rows",
    "Scale",
    "ShowInventory",
    "Stop",
    "Terms",
    "Watch",
    "Welcome",
    "line_of",
    "request_of",
]

LONGEST_REQUEST = 64 * 1024
MOST_REPLICAS = 1000
_MOST_LINES = 100_000

Name = Annotated[str, Meta(min_length=1, max_length=100)]
Names = Annotated[tuple[Name, ...], Meta(max_length=1000)]


# A member that is misspelt must not pass for one left out: {"do": "stop", "name": ["orders"]}
# would stop the whole system. So unknown members are refused.
class _Do(Struct, frozen=True, tag_field="do", forbid_unknown_fields=True):
    pass


class Ps(_Do, frozen=True, tag="ps"):
    """Every process: one line of rows."""


class ShowInventory(_Do, frozen=True, tag="inventory"):
    """What the system promises: one line."""


class Scale(_Do, frozen=True, tag="scale"):
    """So many instances of a service."""

    service: Name
    replicas: Annotated[int, Meta(ge=1, le=MOST_REPLICAS)]


class Restart(_Do, frozen=True, tag="restart"):
    """Restart services or processes, all of them if none is named."""

    names: Names = ()


class Stop(_Do, frozen=True, tag="stop"):
    """Stop services or processes, the whole system if none is named."""

    names: Names = ()


class Logs(_Do, frozen=True, tag="logs"):
    """The last lines of each process, and with ``follow`` those to come."""

    names: Names = ()
    lines: Annotated[int, Meta(ge=0, le=_MOST_LINES)] = 100
    follow: bool = False


class Watch(_Do, frozen=True, tag="watch"):
    """Rows every second, and each line of the log."""


class Terms(_Do, frozen=True, tag="terms"):
    """What a process needs to know that wants to join: one line."""


class Guest(Struct, frozen=True):
    """A process that was started elsewhere and runs ``services`` at ``url``."""

    name: str
    pid: int
    url: str
    services: tuple[str, ...]
    offers: tuple[Offer, ...] = ()


class Join(_Do, frozen=True, tag="join"):
    """A guest takes the place of the instances that run its services, until it goes."""

    guest: Guest


class Leave(_Do, frozen=True, tag="leave"):
    """A guest is about to go: the system's own instances come back first."""

    name: Name


class Faults(_Do, frozen=True, tag="faults"):
    """Faults that calls meet from now on, decided by ``number``; none end those there are."""

    number: int
    rules: Annotated[tuple[Rule, ...], Meta(max_length=100)] = ()


Request: TypeAlias = (
    Ps | ShowInventory | Scale | Restart | Stop | Logs | Watch | Terms | Join | Leave | Faults
)


class Rows(Struct, frozen=True):
    """Every process at one moment."""

    rows: tuple[Row, ...]


class LogLine(Struct, frozen=True):
    """A line that the process ``source`` has logged, without its line feed."""

    source: str
    line: str


class Catalogue(Struct, frozen=True):
    """What a running system promises; ``seen`` are calls that took place: caller, callee."""

    inventory: Inventory
    seen: tuple[tuple[str, str], ...] = ()


class Welcome(Struct, frozen=True):
    """What a guest is told: the registry's URL, with its password, and what all others promise."""

    registry: str
    inventory: Inventory
    gateway: str


class Answer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of an answer, in one of its forms.

    ``rows``; ``welcome``; ``inventory`` with ``seen``; ``told``; ``source`` with ``line``; ``done``; ``error``
    with ``remedy``.
    """

    rows: tuple[Row, ...] | None = None
    inventory: Inventory | None = None
    seen: tuple[tuple[str, str], ...] = ()
    welcome: Welcome | None = None
    told: str | None = None
    source: str | None = None
    line: str | None = None
    done: bool = False
    error: str | None = None
    remedy: str = ""


_requests: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)
_encoder = msgspec.json.Encoder()


def request_of(line: bytes) -> Request:
    """The request that ``line`` makes. Raises `ControlError` for anything else."""
    try:
        return _requests.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        what = f"that is no request: {error}"
        remedy = 'Send one JSON object on a line, such as {"do": "ps"}'
        raise ControlError(what, remedy) from None


def line_of(value: Struct) -> bytes:
    """``value`` as a line of the protocol."""
    return _encoder.encode(value) + b"\n"
