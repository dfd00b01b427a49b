"""The client's half: typed questions to a running system."""

import asyncio
import errno
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from coterie.console.row import Row
from coterie.policy.inject import Rule

from .errors import BrokenOff, ControlError, NotUp
from .lock import holder
from .place import socket_path
from .protocol import (
    Answer,
    Catalogue,
    Faults,
    Guest,
    Join,
    Leave,
    LogLine,
    Logs,
    Ps,
    Restart,
    Rows,
    Scale,
    ShowInventory,
    Stop,
    Terms,
    Watch,
    Welcome,
    line_of,
)

__all__ = ["ControlClient"]

_LONGEST_ANSWER = 64 * 2**20
_answers = msgspec.json.Decoder(Answer)


class ControlClient:
    """Asks the system that keeps its state in the folder ``state``; a connection a question.

    Raises `NotUp` if nobody answers there, `BrokenOff` where it is gone before it has answered,
    and `ControlError` for what the system refuses, and where ``patience`` seconds pass without a sign: of letting us in,
    of rows, or of the inventory. Changes and streams may take their time.
    """

    def __init__(self, state: Path, *, patience: float = 10.0) -> None:
        self.state = state
        self._patience = patience

    async def rows(self) -> tuple[Row, ...]:
        """Every process."""
        answer = await self._one(Ps())
        return answer.rows or ()

    async def inventory(self) -> Catalogue:
        """What the running system promises, and which calls it saw."""
        answer = await self._one(ShowInventory())
        if answer.inventory is None:
            raise _strange()
        return Catalogue(answer.inventory, answer.seen)

    def scale(self, service: str, replicas: int) -> AsyncGenerator[str, None]:
        """Run so many instances; a line for people at each step."""
        return self._steps(Scale(service, replicas))

    def restart(self, names: Sequence[str] = ()) -> AsyncGenerator[str, None]:
        """Restart services or processes one by one, all if none is named."""
        return self._steps(Restart(tuple(names)))

    def stop(self, names: Sequence[str] = ()) -> AsyncGenerator[str, None]:
        """Stop services or processes, the whole system if none is named."""
        return self._steps(Stop(tuple(names)))

    async def terms(self) -> Welcome:
        """What a guest needs to know before it joins."""
        answer = await self._one(Terms())
        if answer.welcome is None:
            raise _strange()
        return answer.welcome

    def join(self, guest: Guest) -> AsyncGenerator[str, None]:
        """Be a guest of the system for as long as this is not closed; a line at each step."""
        return self._steps(Join(guest))

    def leave(self, name: str) -> AsyncGenerator[str, None]:
        """Let the system do without the guest called ``name``."""
        return self._steps(Leave(name))

    def faults(self, number: int, rules: Sequence[Rule]) -> AsyncGenerator[str, None]:
        """Have calls meet ``rules`` from now on, in the place of those before."""
        return self._steps(Faults(number, tuple(rules)))

    async def logs(
        self, names: Sequence[str] = (), lines: int = 100, *, follow: bool = False
    ) -> AsyncGenerator[LogLine, None]:
        """The last ``lines`` of each process; with ``follow`` new ones, until the system stops."""
        async with aclosing(self._ask(Logs(tuple(names), lines, follow), endless=follow)) as told:
            async for answer in told:
                yield _line(answer)

    async def watch(self) -> AsyncGenerator[Rows | LogLine, None]:
        """Rows every second and each line of the log, until the system stops."""
        async with aclosing(self._ask(Watch(), endless=True)) as told:
            async for answer in told:
                yield _line(answer) if answer.rows is None else Rows(answer.rows)

    async def _one(self, request: Struct) -> Answer:
        try:
            async with (
                asyncio.timeout(self._patience),
                aclosing(self._ask(request)) as answers,
            ):
                async for answer in answers:
                    return answer
        except TimeoutError:
            what = f"the system did not answer within {self._patience:g} s"
            raise ControlError(what, "Try again; if it still does not, see its log") from None
        raise _strange()

    async def _steps(self, request: Struct) -> AsyncGenerator[str, None]:
        async with aclosing(self._ask(request)) as answers:
            async for answer in answers:
                yield answer.told or ""

    async def _ask(self, request: Struct, *, endless: bool = False) -> AsyncGenerator[Answer, None]:
        reader, writer = await self._connected()
        try:
            # Where it does not even read the request, it may have told why.
            with suppress(ConnectionError):
                writer.write(line_of(request))
                await writer.drain()
            while True:
                line = await _read(reader)
                if line is None and endless:
                    return
                if line is None:
                    raise BrokenOff
                answer = _decoded(line)
                if answer.error is not None:
                    raise ControlError(answer.error, answer.remedy)
                if answer.done:
                    return
                yield answer
        finally:
            writer.close()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        path = socket_path(self.state)
        if path is None:
            raise self._absent()
        try:
            async with asyncio.timeout(self._patience):
                return await asyncio.open_unix_connection(path, limit=_LONGEST_ANSWER)
        except TimeoutError:
            what = f"nobody lets us in at {path} within {self._patience:g} s"
            raise ControlError(what, "Try again; if it still does not, see its log") from None
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ECONNREFUSED):
                raise self._absent() from None
            if error.errno in (errno.EACCES, errno.EPERM):
                remedy = "Ask as the user who started the system"
                raise ControlError(f"{path} is another user's", remedy) from None
            raise ControlError(f"{path} cannot be opened: {error.strerror}", "Try again") from None

    def _absent(self) -> ControlError:
        held = holder(self.state)
        if held is None:
            return NotUp()
        pid = "" if held.pid is None else f" (pid {held.pid})"
        return ControlError(f"the system is just starting or stopping{pid}", "Try in a moment")


async def _read(reader: asyncio.StreamReader) -> bytes | None:
    """A line; ``None`` at the end of what is sent."""
    try:
        line = await reader.readline()
    except ConnectionError:
        return None
    except ValueError:  # longer than a line of ours ever is
        raise _strange() from None
    return line if line.endswith(b"\n") else None


def _decoded(line: bytes) -> Answer:
    try:
        return _answers.decode(line)
    except msgspec.DecodeError:
        raise _strange() from None


def _line(answer: Answer) -> LogLine:
    return LogLine(answer.source or "", answer.line or "")


def _strange() -> ControlError:
    what = "the answer is none that this version of Coterie understands"
    return ControlError(what, "Start the system again: it may run another version")
