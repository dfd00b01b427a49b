"""Nats: an embedded broker, a nats-server of our own beside the services."""

import asyncio
import os
import secrets
import shutil
from pathlib import Path
from typing import Any

import msgspec

from .find import find
from .launch import launch as launch_here
from .port import Failed, Launch
from .running import Running, private

__all__ = ["Nats", "is_embedded"]

_NAME = "nats-server"
_READY = 10.0
_STOP = 5.0
_LARGEST = 8 * 2**20  # bytes of one message; more is discouraged by the server itself
_LEAST_FREE = 16 * 2**20  # bytes; with less it starts, and then refuses whatever is to be kept
_REMEDY_DISK = "Make room there, or name another folder: [engines] state"
_CAUSES = {
    "address already in use": (
        "its port is taken by another program",
        "Let it choose one (port 0), or end what listens there",
    ),
    "no space left on device": ("the disk is full", _REMEDY_DISK),
    "permission denied": ("a file of its folder may not be used", "See whose the folder is"),
    "read-only file system": ("its folder cannot be written", _REMEDY_DISK),
    "can't start jetstream": (
        "what it stored cannot be read: damaged, or of a newer version",
        "Move its folder away to begin with an empty one, or install the newer version",
    ),
}


def is_embedded(url: str) -> bool:
    """Whether ``url`` asks for a broker of our own; any other names one that runs already."""
    return url.partition("://")[0].lower() == "nats+embedded"


class Nats:
    """A nats-server on this machine, for this machine: a component.

    It listens on loopback only and demands a password, made anew by each `Nats` and written to
    no place but a file that is the owner's alone. What is stored in files (JetStream) is on disk
    when it is acknowledged. ``folder`` is its own; ``port`` 0 takes a free one, kept for the life
    of this object. What the server says is added to ``log``.
    """

    def __init__(
        self,
        folder: Path,
        *,
        launch: Launch = launch_here,
        port: int = 0,
        log: Path | None = None,
        program: Path | None = None,
    ) -> None:
        self._folder = folder.absolute()
        self._config = self._folder / "nats-server.json"
        self._port = port
        self._program = program
        self._password = secrets.token_urlsafe(24)
        self._watching = secrets.token_urlsafe(24)
        self._running = Running(_NAME, log or self._folder / "nats-server.log", launch, _CAUSES)

    @property
    def url(self) -> str:
        """Where it answers, credentials included: not for logs. The same after a restart."""
        return f"nats://coterie:{self._password}@{self.address}"

    @property
    def system_url(self) -> str:
        """The same for its system account, which sees the server (`$SYS.>`) but no messages."""
        return f"nats://watch:{self._watching}@{self.address}"

    @property
    def address(self) -> str:
        """Where it answers, without credentials: ``127.0.0.1:4222``. Raises `Failed` before `start`."""
        if not self._port:
            raise Failed(_NAME, "has no address yet", "Start it first")
        return f"127.0.0.1:{self._port}"

    @property
    def pid(self) -> int | None:
        """The process's number, while it runs."""
        return self._running.pid

    @property
    def log(self) -> Path:
        """The file that it writes to."""
        return self._running.log

    async def start(self) -> None:
        """Start it and wait until it accepts connections. Raises `Missing` or `Failed`."""
        program = find(_NAME, self._program)
        private(_NAME, self._folder)
        try:
            self._write()
        except OSError as error:
            why = f"its configuration cannot be written: {error.strerror}"
            raise Failed(_NAME, why, _REMEDY_DISK) from error
        command = [str(program.path), "--config", str(self._config)]
        self._port = await self._running.start(command, self._ready, _READY)

    async def wait(self) -> int:
        """Wait for its end: the exit code, or minus the number of the signal that ended it."""
        return await self._running.wait()

    async def stop(self) -> None:
        """End it in good order, with force after five seconds. What it stored is kept."""
        await self._running.stop(_STOP)
        self._config.unlink(missing_ok=True)

    async def restart(self) -> None:
        """Stop it and start it: same port, same credentials, what it stored. See `start`."""
        await self.stop()
        await self.start()

    def _write(self) -> None:
        if shutil.disk_usage(self._folder).free < _LEAST_FREE:
            raise OSError(28, f"the disk of {self._folder} is full")
        for stale in self._folder.glob("*.ports"):
            stale.unlink()
        # JSON is a subset of its own language (nats-server, conf).
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        with os.fdopen(os.open(self._config, flags, 0o600), "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(msgspec.json.encode(self._settings()))

    def _settings(self) -> dict[str, Any]:
        return {
            "server_name": "broker",
            "listen": f"127.0.0.1:{self._port or -1}",
            "ports_file_dir": str(self._folder),
            "max_payload": _LARGEST,
            "jetstream": {
                "store_dir": str(self._folder),
                # Its default is every two minutes: acknowledged messages die with the power.
                "sync_interval": "always",
            },
            "accounts": {
                "COTERIE": {
                    "jetstream": "enabled",
                    "users": [{"user": "coterie", "password": self._password}],
                },
                "SYSTEM": {"users": [{"user": "watch", "password": self._watching}]},
            },
            "system_account": "SYSTEM",
        }

    async def _ready(self, pid: int) -> int | None:
        """The port, once the server greets there."""
        port = self._listening(pid)
        if port is None:
            return None
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return None
        try:
            greeting = await reader.readline()
        finally:
            writer.transport.abort()
        return port if greeting.startswith(b"INFO ") else None

    def _listening(self, pid: int) -> int | None:
        # It writes the addresses it listens on to a file named after itself and its process.
        for path in self._folder.glob(f"*_{pid}.ports"):
            try:
                told = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
            except (OSError, msgspec.DecodeError):
                return None  # half written
            for url in told.get("nats") or ():
                return int(str(url).rpartition(":")[2])
        return None
