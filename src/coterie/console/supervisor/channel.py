"""The way between the supervisor and one process of the system: typed lines, both ways."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

from coterie.policy.inject import Rule
from coterie.registry import Offer
from coterie.system import Blueprint, Inventory, Problem, SystemProblems

__all__ = [
    "Beat",
    "Channel",
    "Drain",
    "Faults",
    "Looked",
    "Order",
    "Ready",
    "Refused",
    "first_line",
]

_LONGEST = 1 << 26
_T = TypeVar("_T")


class Faults(Struct, frozen=True, tag="faults"):
    """What calls meet from now on, on purpose; ``number`` decides which of them."""

    number: int = 0
    rules: tuple[Rule, ...] = ()


class Order(Struct, frozen=True, kw_only=True):
    """What a new process is for; the first line that it is sent.

    ``system`` is the file that describes the system; ``state`` where it keeps things;
    ``registry`` the URL of the registry, with its password; ``gateway`` and ``console`` where these
    answer; ``tls`` the gateway's certificate and key; ``faults`` is ``None`` where none may be put in.
    ``inside`` are the ports of the loopback at which programs find each service, ``token`` what
    they prove to the registry that they belong to the system.
    """

    system: str
    profile: str | None
    state: str
    name: str = ""
    services: tuple[str, ...] = ()
    inventory: Inventory | None = None
    blueprint: str = ""
    registry: str = ""
    gateway: str = ""
    console: str = ""
    tls: tuple[str, str] | None = None
    json: bool = False
    patience: float = 60.0
    faults: Faults | None = None
    inside: dict[str, int] = {}
    token: str = ""


class Ready(Struct, frozen=True, tag="ready"):
    """It answers. ``files`` are the files of the user's that it has loaded."""

    offers: tuple[Offer, ...] = ()
    files: tuple[str, ...] = ()


class Refused(Struct, frozen=True, tag="refused"):
    """It cannot start as things are: file, line, what is wrong and the remedy, for each problem."""

    told: tuple[tuple[str, int | None, str, str], ...]

    @staticmethod
    def by(error: SystemProblems) -> "Refused":
        """What ``error`` says, so that it travels."""
        return Refused(tuple((str(p.file), p.line, p.what, p.remedy) for p in error.problems))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """As they were found."""
        return tuple(Problem(Path(told[0]), *told[1:]) for told in self.told)


class Looked(Struct, frozen=True, tag="looked"):
    """What a look at the whole system has found."""

    blueprint: Blueprint
    files: tuple[str, ...] = ()


class Beat(Struct, frozen=True, tag="beat"):
    """It lives: calls under way, and calls answered since it started."""

    in_flight: int
    calls: int


class Drain(Struct, frozen=True, tag="drain"):
    """Take nothing new, finish what there is within ``seconds``, end.

    ``linger``: whoever keeps a connection must be given the time to learn that it ends.
    """

    seconds: float
    linger: bool = True


def first_line(channel: socket.socket) -> Order:
    """The order of a process that has no event loop yet."""
    line = bytearray()
    while not line.endswith(b"\n"):
        # Looked at before it is taken: what follows the line is for whoever reads on.
        part = channel.recv(65536, socket.MSG_PEEK)
        end = part.find(b"\n")
        part = channel.recv(len(part) if end < 0 else end + 1)
        if not part:
            raise EOFError("the supervisor went away")
        line += part
    return msgspec.json.decode(line, type=Order)


class Channel(Generic[_T]):
    """Lines that ``decoder`` knows come in; anything goes out. Ends when the other side does."""

    def __init__(self, end: socket.socket, decoder: msgspec.json.Decoder[_T]) -> None:
        self._end = end
        self._decoder = decoder
        self._writer: asyncio.StreamWriter | None = None
        self._reader: asyncio.StreamReader | None = None

    async def start(self) -> None:
        """Take over the socket."""
        self._reader, self._writer = await asyncio.open_connection(sock=self._end, limit=_LONGEST)

    def send(self, message: Struct) -> None:
        """Send a line; one that nobody reads any more is dropped."""
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(msgspec.json.encode(message) + b"\n")

    async def __aiter__(self) -> AsyncIterator[_T]:
        """Each line that comes, until the other side ends."""
        if self._reader is None:
            raise RuntimeError("start the channel first")
        try:
            while line := await self._reader.readline():
                yield self._decoder.decode(line)
        except ConnectionError:
            return

    def close(self) -> None:
        """End it."""
        if self._writer is not None:
            self._writer.close()
        else:
            self._end.close()
