"""Envoy: the gateway's program, run with a configuration that others write."""

import asyncio
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import msgspec

from .admin import Admin
from .find import find
from .launch import launch as launch_here
from .port import Failed, Launch
from .running import Running, private

__all__ = ["Envoy"]

_NAME = "envoy"
_READY = 20.0
_STOP = 5.0
_LONGEST = 103  # bytes of a Unix socket's path: 104 on macOS, 108 on Linux, its final zero included
_CAUSES = {
    "address already in use": (
        "a port of its listeners is taken by another program",
        "Choose another ([gateway] port), or end what listens there",
    ),
    "permission denied": (
        "it may not open a file, or a port below 1024",
        "Choose a port above 1023 ([gateway] port), or see whose the folder is",
    ),
    "] error `": ("it refuses its configuration", "The last line of its log says why"),
    "no space left on device": ("the disk is full", "Make room there"),
}


class Envoy(Admin):
    """An Envoy of our own: a component, once it has been told its configuration.

    Its administration interface is a Unix socket that is the owner's alone, in ``folder``; where
    that path is too long for a socket, in a short private folder that is removed at the end.
    Whatever the configuration says of that interface is overruled. ``threads`` serve; what Envoy
    says is added to ``log``, from ``level`` on.
    """

    def __init__(
        self,
        folder: Path,
        *,
        launch: Launch = launch_here,
        threads: int = 1,
        log: Path | None = None,
        level: str = "warning",
        program: Path | None = None,
    ) -> None:
        self._folder = folder.absolute()
        self._short: Path | None = None
        self._threads = threads
        self._level = level
        self._program = program
        self._running = Running(_NAME, log or self._folder / "envoy.log", launch, _CAUSES)
        super().__init__(self._folder / "envoy.sock")

    @property
    def pid(self) -> int | None:
        """The process's number, while it runs."""
        return self._running.pid

    @property
    def log(self) -> Path:
        """The file that it writes to."""
        return self._running.log

    async def start(self, bootstrap: Path) -> None:
        """Start it with the configuration ``bootstrap`` and wait until it is live.

        That file, JSON or YAML, is of `envoy.config.bootstrap.v3.Bootstrap`. Raises `Missing` or
        `Failed`.
        """
        program = find(_NAME, self._program)
        private(_NAME, self._folder)
        self._place()
        command = [str(program.path), *self._options(bootstrap)]
        try:
            await self._running.start(command, self._live, _READY)
        except BaseException:
            self._tidy()
            raise

    async def validate(self, bootstrap: Path) -> str | None:
        """What Envoy has against the configuration ``bootstrap``; nothing listens meanwhile.

        ``None`` if it would start with it. Raises `Missing`, and `Failed` if it does not say.
        """
        program = find(_NAME, self._program)
        process = await asyncio.create_subprocess_exec(
            program.path,
            *("--mode", "validate", "--disable-hot-restart", "--log-level", "error"),
            *("--log-format", "%v", "-c", bootstrap),
            env={},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(_READY):
                _, said = await process.communicate()
        except TimeoutError:
            raise Failed(_NAME, f"did not validate {bootstrap}", "Try again") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return None if process.returncode == 0 else _plain(said.decode(errors="replace"))

    async def listening(self, name: str = "gateway") -> int:
        """The port that the listener ``name`` has, asked for or chosen by the system.

        Raises `Failed`, with the cause, where it has none: if listeners come from a file of their
        own, Envoy is live without those that it could not open.
        """
        try:
            return await super().listening(name)
        except Failed as failed:
            raise self._running.failed(failed.why, failed.remedy) from failed

    async def wait(self) -> int:
        """Wait for its end: the exit code, or minus the number of the signal that ended it."""
        return await self._running.wait()

    async def stop(self) -> None:
        """End it, whatever is under way (`drain` comes before); with force after five seconds."""
        await self._running.stop(_STOP)
        self._tidy()

    def _options(self, bootstrap: Path) -> list[str]:
        pipe = {"path": str(self.path), "mode": 0o600}
        overruled = msgspec.json.encode({"admin": {"address": {"pipe": pipe}}}).decode()
        return [
            *("-c", str(bootstrap.absolute()), "--config-yaml", overruled),
            *("--concurrency", str(self._threads), "--log-level", self._level),
            # Its filter of bodies calls every one that is too long an error of its own.
            *("--component-log-level", "http:critical"),
            # One of a kind on the machine otherwise: it holds shared memory under a number.
            "--disable-hot-restart",
        ]

    async def _live(self, _pid: int) -> bool | None:
        return await self.ready() or None

    def _place(self) -> None:
        if len(os.fsencode(self._folder / "envoy.sock")) > _LONGEST and self._short is None:
            self._short = Path(tempfile.mkdtemp(prefix="coterie-"))
        self.path = (self._short or self._folder) / "envoy.sock"
        self.path.unlink(missing_ok=True)

    def _tidy(self) -> None:
        self.path.unlink(missing_ok=True)
        if self._short is not None:
            shutil.rmtree(self._short, ignore_errors=True)
            self._short = None


def _plain(said: str) -> str:
    """Envoy's message without the wrapping of its parser."""
    text = " ".join(said.split())
    text = re.sub(r"^error initializing configuration '[^']*': ", "", text)
    text = re.sub(
        r"Protobuf message \(type \S+ reason INVALID_ARGUMENT: ?(.*)\) has unknown fields$",
        r"\1",
        text,
    )
    return (
        re.sub(r"\benvoy\.(?:config|extensions)\.[\w.]+\.(?=\w+\b)", "", text) or "it does not say"
    )
