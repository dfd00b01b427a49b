"""A small system as real processes: `relay` calls `desk`, and each answer names who gave it."""

import asyncio
import json
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from textwrap import dedent
from time import monotonic
from typing import TypeVar

from coterie.console.control import ControlClient
from coterie.console.row import Row
from tests.console.process import Command

__all__ = ["CONTRACTS", "DESK", "RELAY", "Lab", "eventually", "lab", "running_lab"]

T = TypeVar("T")

PATIENCE = 30.0

CONTRACTS = """
    from coterie import Contract, Struct, anyone, get, post

    class Note(Struct, frozen=True):
        text: str

    class Desk(Contract, version="1.0"):
        @get("/desk/pid", allow=anyone)
        async def pid(self) -> int: ...

        @post("/desk/notes", allow=anyone)
        async def note(self, note: Note) -> int: ...

        @get("/desk/slow", allow=anyone)
        async def slow(self, seconds: float) -> int: ...

    class Relay(Contract, version="1.0"):
        @get("/relay/pids", allow=anyone)
        async def pids(self) -> list[int]: ...

        @post("/relay/notes", allow=anyone)
        async def note(self, note: Note) -> int: ...
"""
DESK = """
    import asyncio
    import os
    from lab.contracts import Desk, Note

    WORD = "first"

    class DeskService(Desk):
        async def pid(self) -> int:
            return os.getpid()

        async def note(self, note: Note) -> int:
            await asyncio.sleep(0.002)
            return os.getpid()

        async def slow(self, seconds: float) -> int:
            await asyncio.sleep(seconds)
            return os.getpid()
"""
RELAY = """
    import os
    from lab.contracts import Desk, Note, Relay

    WORD = "first"

    class RelayService(Relay):
        def __init__(self, desk: Desk) -> None:
            self.desk = desk

        async def pids(self) -> list[int]:
            return [os.getpid(), await self.desk.pid()]

        async def note(self, note: Note) -> int:
            return await self.desk.note(note)
"""


def lab(folder: Path, toml: str = "", *, desk: str = "", relay: str = "") -> Path:
    """Write the system; ``desk`` and ``relay`` are further keys of theirs, ``toml`` comes last."""
    package = folder / "lab"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    for name, text in (("contracts", CONTRACTS), ("desk", DESK), ("relay", RELAY)):
        (package / f"{name}.py").write_text(dedent(text).lstrip())
    (folder / "coterie.toml").write_text(
        '[system]\nname = "lab"\n\n'
        f'[service.desk]\nimplements = "lab.desk:DeskService"\n{desk}\n\n'
        f'[service.relay]\nimplements = "lab.relay:RelayService"\n{relay}\n\n'
        f"{dedent(toml)}"
    )
    return folder


async def eventually(
    condition: Callable[[], Awaitable[T]], what: str, patience: float = PATIENCE
) -> T:
    """The first true value of ``condition``; fails if there is none in time."""
    deadline = monotonic() + patience
    while True:
        found = await condition()
        if found:
            return found
        if monotonic() > deadline:
            raise AssertionError(f"{what}: not within {patience:g} s")
        await asyncio.sleep(0.01)


class Lab:
    """A system that is up."""

    def __init__(self, folder: Path, state: Path, command: Command, url: str) -> None:
        self.folder = folder
        self.state = state
        self.command = command
        self.url = url
        self.client = ControlClient(state)

    async def rows(self) -> dict[str, Row]:
        """Every process by its name."""
        return {row.name: row for row in await self.client.rows()}

    async def pids(self, *names: str) -> dict[str, int | None]:
        """The numbers of some processes, or of all that run services."""
        rows = await self.rows()
        chosen = names or [name for name, row in rows.items() if row.kind == "service"]
        return {name: rows[name].pid for name in chosen}

    async def pid(self, name: str) -> int:
        """The number of a process that runs."""
        found = (await self.pids(name))[name]
        assert found is not None, f"{name} does not run"
        return found

    async def restart(self, *names: str) -> list[str]:
        """Replace processes; what was told."""
        return [told async for told in self.client.restart(names)]

    async def scale(self, service: str, replicas: int) -> list[str]:
        """Run so many instances; what was told."""
        return [told async for told in self.client.scale(service, replicas)]


@asynccontextmanager
async def running_lab(
    folder: Path, *options: str, state: Path | None = None
) -> AsyncGenerator[Lab]:
    """`coterie up` for the length of the block, ended by SIGTERM as an operator would."""
    state = state or folder / ".coterie"
    arguments = ["up", folder, "--port", "0", "--state", state, "--json", *options]
    with Command(*arguments, cwd=folder) as command:
        line = await asyncio.to_thread(_ready, command)
        yield Lab(folder, state, command, json.loads(line)["url"])
        command.signal(signal.SIGTERM)
        code = await asyncio.to_thread(command.ends)
        assert code == 0, command.err.text


def _ready(command: Command) -> str:
    try:
        return command.says(r'^.*"event": ?"ready".*$')[0]
    except AssertionError as error:
        raise AssertionError(f"{error}\nits log:\n{command.err.text}") from None
