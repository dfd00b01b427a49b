"""Program: any program that listens on a port, as a process of this one's."""

import asyncio
import os
import re
import shlex
import shutil
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic

from coterie.client.http1 import Pool

from .group import kill, listening, members, running
from .health import Health
from .mistake import ProgramMistake

__all__ = ["Program"]

_HOST = "127.0.0.1"
_PORT = re.compile(r"\$(?:\{PORT\}|PORT\b)")
_LOOK = 0.02
_SELDOM = 0.5
"""Seconds between two looks at which ports it has: all processes of the machine are gone through."""

_ELSEWHERE = 5.0
"""Seconds that a program may listen at other ports before it listens at its own."""

# Becomes the program, having asked for SIGKILL at the death of this process (prctl(2),
# PR_SET_PDEATHSIG), which lasts over exec; the kernel tells of deaths to come only, hence the look
# at the parent afterwards. Signals that this process ignores are none of the program's: they are put
# back. All of that would not be safe between fork and exec of a process with threads.
_BECOME = """
import os, signal, sys
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None).prctl(1, 9)
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
    signal.signal(number, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_SETMASK, ())
if os.getppid() == int(sys.argv[1]):
    try:
        kept = {name: os.environ[name] for name in sys.argv[2].split("=") if name in os.environ}
        os.execve(sys.argv[3], sys.argv[4:], kept)
    except OSError as error:
        print(f"{sys.argv[3]}: {error.strerror}", file=sys.stderr)
sys.exit(127)
"""


class Program:
    """Runs ``command`` for ``service``: a list, or a text that is split as a shell would. A component.

    ``environment`` is all it has, and ``PORT``; ``directory`` is where it runs. ``$PORT`` in its arguments
    is filled in. ``port`` is where it listens that cannot be told; else a free one is chosen. It is there
    once that port takes connections, and once a GET of ``ready`` is answered below 400, where there
    is a path. That is asked every second from then on; after three failures it is unwell, until it answers.
    It may take ``patience`` seconds to start and ``grace`` to end after SIGTERM. What it writes goes where
    this process writes. It never outlives this process. ``alone`` says that this process leads a group
    that nobody is in but the program: then those are killed in the end too whose parents have died.

    Raises `ProgramMistake` at start: there is no such program, it ends, it never listens, or elsewhere.
    """

    def __init__(
        self,
        command: str | Sequence[str],
        *,
        service: str,
        environment: Mapping[str, str],
        directory: Path,
        port: int | None = None,
        ready: str | None = None,
        patience: float = 60.0,
        grace: float = 5.0,
        alone: bool = False,
    ) -> None:
        self.port = port or 0
        """Where it listens; known once it is started."""
        self._command = command
        self._service = service
        self._environment = dict(environment)
        self._directory = directory
        self._fixed = port is not None
        self._ready = ready
        self._patience = patience
        self._grace = grace
        self._alone = alone
        self._health = None if ready is None else Health(service, ready, self._status)
        self._process: asyncio.subprocess.Process | None = None
        self._pool: Pool | None = None

    @property
    def pid(self) -> int | None:
        """The process's number, once it is started."""
        return None if self._process is None else self._process.pid

    def unwell(self) -> str:
        """Why it had better not be asked now; the empty text while it is well."""
        process = self._process
        if process is None:
            return f"{self._service} is not started"
        if process.returncode is not None:
            return f"{self._service} {_ended(process.returncode)}"
        return "" if self._health is None else self._health.unwell()

    async def start(self) -> None:
        """Start it; returns when it takes requests."""
        if self._fixed and await _accepts(self.port):
            what = (
                f"port {self.port}, where {self._service} is to listen, is taken by another program"
            )
            remedy = f"End what listens there (`ss -ltnp 'sport = :{self.port}'` shows it)"
            raise ProgramMistake(what, remedy)
        if not self._fixed:
            self.port = _free_port()
        words = self._words()
        program = self._found(words[0])
        variables = {**self._environment, "PORT": str(self.port)}
        become = [sys.executable, "-I", "-S", "-c", _BECOME, str(os.getpid())]
        self._process = await asyncio.create_subprocess_exec(
            *become,
            "=".join(variables),
            program,
            *words,
            env=variables,
            cwd=self._directory,
            stdin=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(self._patience):
                await self._begun(self._process)
        except TimeoutError:
            mistake = self._silent(self._process)
            await self.stop()
            raise mistake from None
        except BaseException:
            await self.stop()
            raise
        if self._health is not None:
            self._health.watch()

    async def ended(self) -> int:
        """Wait for its end; its exit code, or below zero the signal that ended it."""
        if self._process is None:
            raise RuntimeError(f"{self._service} is not started")
        return await self._process.wait()

    async def stop(self) -> None:
        """Ask it to end, then whom it left behind; whoever is there after ``grace`` seconds is killed."""
        process = self._process
        if self._health is not None:
            await self._health.stop()
        if self._pool is not None:
            await self._pool.stop()
            self._pool = None
        if process is None:
            return
        those = members(process.pid, alone=self._alone)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._grace):
                if process.returncode is None:
                    with suppress(ProcessLookupError):
                        process.terminate()
                    await process.wait()
                # A shell dies of the signal and tells nobody: whoever it leaves is asked by us. Not all at
                # once, for one that does tell them would have them hear it twice.
                await self._ask(self._left(process.pid, those))
        kill(self._left(process.pid, those))
        await process.wait()

    def _left(self, first: int, those: frozenset[int]) -> frozenset[int]:
        """Who is there of ``those``, and of whom they started since."""
        return members(first, alone=self._alone) | running(those - {first})

    @staticmethod
    async def _ask(left: frozenset[int]) -> None:
        """Ask them to end, and wait until they have."""
        kill(left, signal.SIGTERM)
        while left := running(left):  # noqa: ASYNC110  # of another parent, they tell us nothing
            await asyncio.sleep(_LOOK)

    # --- starting -------------------------------------------------------------------------------

    def _words(self) -> list[str]:
        command = self._command
        if isinstance(command, str):
            try:
                command = shlex.split(command)
            except ValueError as error:
                what = f"the command of {self._service} cannot be split into words: {error}"
                raise ProgramMistake(what, "Close its quotes, or write it as a list") from None
        if not command:
            raise ProgramMistake(f"the command of {self._service} is empty", "Name a program")
        return [_PORT.sub(str(self.port), word) for word in command]

    def _found(self, name: str) -> str:
        """The path of the program ``name``."""
        if not self._directory.is_dir():
            what = f"there is no folder {self._directory} for {self._service} to run in"
            raise ProgramMistake(what, "Make it, or name another as its directory")
        if os.sep in name:
            file = self._directory / name
            if file.is_file() and os.access(file, os.X_OK):
                return str(file)
            if file.is_file():
                what = f"{name} in {self._directory} is not executable"
                raise ProgramMistake(what, f"Say so: chmod +x {name}; or name what runs it first")
            what = f"there is no program {name} in {self._directory}"
            raise ProgramMistake(what, "Name one that is there, relative to its directory")
        path = self._environment.get("PATH", os.defpath)
        found = shutil.which(name, path=path)
        if found is None:
            here = (self._directory / name).is_file()
            what = f"there is no program {name} on the PATH of {self._service} ({path})"
            remedy = f"Write ./{name} for the one in its directory" if here else "Install it"
            raise ProgramMistake(what, remedy)
        return found

    async def _begun(self, process: asyncio.subprocess.Process) -> None:
        """Return once it takes requests."""
        elsewhere, look_again = 0.0, monotonic() + _SELDOM
        while not (await _accepts(self.port) and self._is_its_own(process)):
            self._look(process, f"before it listened on $PORT ({self.port})")
            now = monotonic()
            if now > look_again:
                look_again = now + _SELDOM
                elsewhere = (elsewhere or now) if self._ports(process) else 0.0
                if elsewhere and now > elsewhere + _ELSEWHERE:
                    raise self._silent(process)
            await asyncio.sleep(_LOOK)
        self._look(process, f"before it listened on $PORT ({self.port})")
        if self._health is None:
            return
        self._pool = Pool(f"http://{_HOST}:{self.port}", connections=2, idle_timeout=0.5)
        await self._pool.start()
        while not await self._health.answers():
            self._look(process, f"before it answered GET {self._ready}")
            await asyncio.sleep(_LOOK * 5)

    def _look(self, process: asyncio.subprocess.Process, when: str) -> None:
        if process.returncode is not None:
            what = f"{self._service} {_ended(process.returncode)} {when}"
            raise ProgramMistake(what, "Its log says why")

    def _ports(self, process: asyncio.subprocess.Process) -> dict[int, bool]:
        return listening(members(process.pid, alone=self._alone))

    def _is_its_own(self, process: asyncio.subprocess.Process) -> bool:
        """Whether it is this program that listens there: a chosen port may have been taken by another."""
        found = self._ports(process)
        return not found or self.port in found

    def _silent(self, process: asyncio.subprocess.Process) -> ProgramMistake:
        """Why it is not there though it has had its time."""
        found = self._ports(process)
        seconds = f"{self._patience:.0f} s"
        told = f"$PORT ({self.port})" if not self._fixed else f"port {self.port}"
        if self.port in found and not found[self.port]:
            what = f"{self._service} listens on {told}, but not at {_HOST}"
            return ProgramMistake(what, "Have it listen at the variable HOST, or everywhere")
        if self.port in found and self._health is not None:
            return self._health.silent(self._patience)
        if found:
            others = " and ".join(str(port) for port in sorted(found))
            what = f"{self._service} listens on {others} and not on {told}"
            remedy = f"or say port = {min(found)}"
            return ProgramMistake(what, f"Have it read the variable PORT, {remedy}")
        what = f"{self._service} has not listened on {told} within {seconds}"
        return ProgramMistake(
            what, "Have it read the variable PORT, or say where it listens: port = ..."
        )

    # --- while it runs --------------------------------------------------------------------------

    async def _status(self) -> int:
        if self._pool is None or self._ready is None:
            raise RuntimeError("it has not begun")
        return (await self._pool.request("GET", self._ready)).status


def _ended(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.bind((_HOST, 0))
        port: int = taken.getsockname()[1]
        return port


async def _accepts(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(_HOST, port)
    except OSError:
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True
