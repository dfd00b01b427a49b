"""A client program of a contestant, driven over its pipes.

The program (see `bench/drive.py`) calls its own server as its own documentation says, and counts;
the harness says how long and how many at once. One JSON line each way.
"""

import asyncio
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TypeVar

import msgspec

from bench.round import Round
from bench.server import ServerError, end, spawn

T = TypeVar("T")

ANSWER_LIMIT = 30.0
"""Seconds a client may take beyond the length of the round."""


class Client:
    """A started client program: `run` makes it do one round."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        cores: frozenset[int] = frozenset(),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.command = list(command)
        self.log = log
        self.cores = cores
        self.environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it and wait until it says that a right order is answered and a wrong one refused."""
        with self.log.open("wb") as log:
            self._process = spawn(
                self.command,
                cores=self.cores,
                environment=self.environment,
                log=log.fileno(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        line = await self._line(ANSWER_LIMIT)
        if line != b"ready\n":
            raise ServerError(f"client {self.name} is not ready: {line!r}\n{self._tail()}")

    async def run(self, in_flight: int, seconds: float) -> Round:
        """One round with `in_flight` calls at a time."""
        asked = {"in_flight": in_flight, "seconds": seconds}
        return await self.ask(asked, Round, limit=seconds + ANSWER_LIMIT)

    async def ask(self, asked: object, answer: type[T], *, limit: float = ANSWER_LIMIT) -> T:
        """One JSON line to the program, one from it. Raises `ServerError`."""
        stdin = _open(self._process, "stdin")
        stdin.write(msgspec.json.encode(asked) + b"\n")
        stdin.flush()
        line = await self._line(limit)
        try:
            return msgspec.json.decode(line, type=answer)
        except msgspec.MsgspecError as error:
            raise ServerError(f"client {self.name}: {error}\n{self._tail()}") from error

    async def stop(self) -> None:
        """End the program, which ends by itself when its input closes."""
        process, self._process = self._process, None
        if process is None:
            return
        _open(process, "stdin").close()
        await end(process, ask=False)
        _open(process, "stdout").close()

    def kill(self) -> None:
        """End the program with SIGKILL, whatever it is at."""
        if self._process is not None:
            self._process.kill()

    async def _line(self, limit: float) -> bytes:
        reading = asyncio.to_thread(_open(self._process, "stdout").readline)
        try:
            return await asyncio.wait_for(reading, limit)
        except TimeoutError as error:
            raise ServerError(f"client {self.name} does not answer\n{self._tail()}") from error

    def _tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])


def _open(process: subprocess.Popen[bytes] | None, stream: str) -> IO[bytes]:
    pipe: IO[bytes] | None = getattr(process, stream, None)
    if pipe is None:
        raise RuntimeError("the client is not started: call start() first")
    return pipe
