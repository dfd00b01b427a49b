"""Stage: a system of its own, started as a user would start it, gone without a trace at the end."""

import asyncio
import json
import signal
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from msgspec import Struct

from coterie.console.control import ControlClient
from coterie.system import System

__all__ = ["Stage", "StageFailed", "staged"]

_PATIENCE = 90.0
_END = 30.0
_TAIL = 20


class StageFailed(Exception):
    """The system did not come up; the message is the end of its log."""


class Stage(Struct, frozen=True):
    """A system that is up: its gateway's ``url``, the folder of its state, and its log."""

    url: str
    state: Path
    log: Path

    @property
    def control(self) -> ControlClient:
        """The way to ask it."""
        return ControlClient(self.state)


@asynccontextmanager
async def staged(
    system: System, *, port: int = 0, profile: str | None = None
) -> AsyncGenerator[Stage]:
    """Run ``system`` as processes for the length of the block, in a folder that is thrown away.

    In a session of its own: a Ctrl-C of the terminal does not reach it. Raises `StageFailed`.
    """
    with tempfile.TemporaryDirectory(prefix="coterie-chaos-") as folder:
        state, log = Path(folder, "state"), Path(folder, "log")
        # -P: as with the command `coterie` itself, this folder is not where modules come from.
        command = [sys.executable, "-P", "-m", "coterie", "up", str(system.places.file), "--json"]
        command += ["--harmed", "--port", str(port), "--state", str(state)]
        command += [] if profile is None else ["--profile", profile]
        with log.open("wb") as errors:  # noqa: ASYNC230  # nothing else runs here yet
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        try:
            yield Stage(await _ready(process, log), state, log)
        finally:
            await _end(process)


async def _ready(process: asyncio.subprocess.Process, log: Path) -> str:
    line = b""
    if process.stdout is not None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                line = await process.stdout.readline()
    if not line:
        told = (await asyncio.to_thread(log.read_text, errors="replace")).splitlines()[-_TAIL:]
        raise StageFailed("\n".join(told) or f"it did not come up within {_PATIENCE:g} s")
    url: str = json.loads(line)["url"]
    return url


async def _end(process: asyncio.subprocess.Process) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.send_signal(number)
        with suppress(TimeoutError):
            async with asyncio.timeout(_END):
                await process.wait()
