"""Workers of programs that are not ours: the broker, and Envoy."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from coterie.call import Failure
from coterie.deploy.envoy import Edge, swap
from coterie.engine import EngineError, Envoy, Nats

from .kept import NotStarted
from .launch import Launcher
from .process import Process

__all__ = ["BrokerWorker", "Configuration", "EnvoyWorker"]

_UNDER_WAY = 10.0
_LOOK = 0.01
_END = 5.0


class _Started:
    """Starts programs by the launcher, for the engine room, and remembers the last."""

    def __init__(self, launcher: Launcher, log: int) -> None:
        self.process: Process | None = None
        self._launcher = launcher
        self._log = log

    async def __call__(
        self, command: Sequence[str], *, environment: Mapping[str, str], log: int | None
    ) -> Process:
        try:
            self.process = await self._launcher.execute(
                command, environment=environment, log=self._log
            )
        except Failure as error:
            raise OSError(str(error)) from error
        return self.process


class BrokerWorker:
    """The embedded broker; it keeps its port, and what is stored, over its restarts."""

    def __init__(self, folder: Path, launcher: Launcher, log: int, log_file: Path) -> None:
        self._started = _Started(launcher, log)
        self.nats = Nats(folder, launch=self._started, log=log_file)

    @property
    def address(self) -> str | None:
        """Where it answers, without the password."""
        try:
            return f"nats://{self.nats.address}"
        except EngineError:
            return None

    async def start(self) -> Process:
        """Start it; returns once it accepts connections."""
        return await _start(self._started, self.nats.start)

    async def drain(self, process: Process, *, linger: bool) -> None:
        """End it."""
        await self.nats.stop()
        await process.wait()

    def hold(self) -> None:
        """Nobody but itself can keep its address."""

    def let_go(self) -> None:
        """Nobody but itself can keep its address."""


class Configuration(Protocol):
    """What Envoy is told."""

    port: int

    def edge(self) -> Edge:
        """How it faces the outside."""
        ...

    def files(self) -> Mapping[str, bytes]:
        """All that Envoy reads, as it is to be now."""
        ...


class EnvoyWorker:
    """Envoy as the gateway, with the files of ``configuration`` in ``folder``."""

    def __init__(
        self,
        folder: Path,
        configuration: Configuration,
        launcher: Launcher,
        log: int,
        log_file: Path,
    ) -> None:
        self._started = _Started(launcher, log)
        self._folder = folder
        self._told = configuration
        self.envoy = Envoy(folder, launch=self._started, log=log_file)

    @property
    def address(self) -> str | None:
        """Where it answers."""
        edge = self._told.edge()
        scheme = "http" if edge.tls is None else "https"
        everywhere = edge.host in ("0.0.0.0", "::")  # noqa: S104  # compared, not listened on
        host = "127.0.0.1" if everywhere else edge.host
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{edge.port}"

    async def start(self) -> Process:
        """Start it; returns once it listens."""
        try:
            self.renew()
        except OSError as error:
            raise NotStarted(f"its files cannot be written: {error}") from error
        process = await _start(
            self._started, lambda: self.envoy.start(self._folder / "bootstrap.json")
        )
        try:
            self._told.port = await self.envoy.listening()
        except EngineError as error:
            await process.end(_END)
            raise NotStarted(str(error)) from error
        return process

    def renew(self, only: tuple[str, ...] = ("",)) -> None:
        """Write what has changed of its files, of those that begin so. Raises `OSError`."""
        made = self._told.files()
        swap(self._folder, {name: made[name] for name in made if name.startswith(only)})

    async def idle(self, seconds: float = _UNDER_WAY) -> None:
        """Take nothing new, and wait until all that came in has been answered."""
        try:
            async with asyncio.timeout(seconds):
                await self.envoy.drain()
                # Or it never ends, where somebody always asks. What is under way may ask on inside.
                await self.envoy.refuse(inbound=True)
                while await self.envoy.in_flight():  # noqa: ASYNC110  # Envoy has no event
                    await asyncio.sleep(_LOOK)
        except (TimeoutError, EngineError):
            return

    async def drain(self, process: Process, *, linger: bool) -> None:
        """End it once it has answered all that came in."""
        await self.idle()
        await self.envoy.stop()
        await process.wait()

    def hold(self) -> None:
        """Nobody but itself can keep its address."""

    def let_go(self) -> None:
        """Nobody but itself can keep its address."""


async def _start(started: _Started, start: Callable[[], Awaitable[None]]) -> Process:
    try:
        await start()
    except EngineError as error:
        raise NotStarted(str(error)) from error
    process = started.process
    if process is None:
        raise NotStarted("nothing was started")
    return process
