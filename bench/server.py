"""Processes of the bench: started on chosen cores, ended by id, never left behind."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bench.setting import ROOT

START_LIMIT = 30.0
"""Seconds a server may take until its port accepts."""

STOP_LIMIT = 5.0
"""Seconds it may take to end by itself."""

PROC = Path("/proc")
LAUNCH = Path(__file__).with_name("launch.py")


class ServerError(Exception):
    """A process that did not start; the message ends with the last lines of its log."""


class Server:
    """One program with its children: `start` returns once `port` accepts, `stop` once all are gone.

    Both output streams go to the file `log`, which is where access logs are written.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        port: int | None = None,
        cores: frozenset[int] = frozenset(),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.command = list(command)
        self.log = log
        self.port = port
        self.cores = cores
        self.environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start and wait for the port. Raises `ServerError` if the process ends or stays deaf."""
        with self.log.open("wb") as log:
            self._process = spawn(
                self.command, cores=self.cores, environment=self.environment, log=log.fileno()
            )
        deadline = time.monotonic() + START_LIMIT
        while self.port is not None and not _accepts(self.port):
            if _ended(self._process):
                raise ServerError(f"{self.name} ended at its start:\n{self._tail()}")
            if time.monotonic() > deadline:
                raise ServerError(f"{self.name}: port {self.port} stays closed:\n{self._tail()}")
            await asyncio.sleep(0.05)

    async def stop(self) -> None:
        """Ask to end, then force; the whole process group is gone afterwards."""
        process, self._process = self._process, None
        if process is not None:
            await end(process)

    def used(self) -> float:
        """Seconds of processor time its process group has used; 0 where the system does not say."""
        if self._process is None or not PROC.exists():
            return 0.0
        group = self._process.pid
        found = (_used(file) for file in PROC.glob("[0-9]*/stat"))
        return sum(seconds for of, seconds in found if of == group)

    def _tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])


def used_by(pids: Iterable[int]) -> float:
    """Seconds of processor time that these processes have used."""
    return sum(_used(PROC / str(pid) / "stat")[1] for pid in pids)


def spawn(
    command: Sequence[str],
    *,
    cores: frozenset[int],
    environment: Mapping[str, str],
    log: int,
    stdin: int = subprocess.DEVNULL,
    stdout: int | None = None,
) -> subprocess.Popen[bytes]:
    """A process in a group of its own, on `cores`; see `bench/launch.py`."""
    chosen = ",".join(str(core) for core in sorted(cores))
    return subprocess.Popen(
        [sys.executable, str(LAUNCH), chosen, *command],
        stdin=stdin,
        stdout=log if stdout is None else stdout,
        stderr=log,
        cwd=ROOT,
        env={**os.environ, **environment},
        start_new_session=True,
    )


async def end(
    process: subprocess.Popen[bytes], *, ask: bool = True, patience: float = STOP_LIMIT
) -> None:
    """SIGTERM to the process, SIGKILL to what is left of its group, then reap it.

    Without `ask` it has been told to end some other way, and is only given its time, `patience`
    seconds. The group is signalled before the process is reaped: until then its id cannot be
    another's.
    """
    if ask and not _ended(process):
        process.terminate()
    deadline = time.monotonic() + patience
    try:
        while not _ended(process) and time.monotonic() < deadline:  # noqa: ASYNC110  no event tells
            await asyncio.sleep(0.02)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


async def output(
    command: Sequence[str],
    *,
    cores: frozenset[int] = frozenset(),
    environment: Mapping[str, str] | None = None,
    limit: float = 120.0,
) -> bytes:
    """What a short program prints. Raises `ServerError` if it fails or takes `limit` seconds."""
    chosen = ",".join(str(core) for core in sorted(cores))
    try:
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, str(LAUNCH), chosen, *command],
            capture_output=True,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            timeout=limit,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ServerError(str(error)) from error
    if done.returncode != 0:
        raise ServerError(done.stderr.decode(errors="replace").strip())
    return done.stdout


def free_port() -> int:
    """A TCP port of the loopback interface that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _used(file: Path) -> tuple[int, float]:
    """The process group, and the seconds of processor time, of one `/proc/PID/stat`."""
    try:
        fields = file.read_text().rpartition(")")[2].split()
    except OSError:
        return 0, 0.0  # it ended meanwhile
    return int(fields[2]), (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether it has ended, without reaping it."""
    if process.returncode is not None:
        return True
    state = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    return state is not None


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
