"""The shop by Coterie in each way it can be run; whoever uses it cannot tell them apart."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from subprocess import PIPE

from coterie.client.http1 import Pool
from coterie.testing import running
from shop_web import IN_COTERIE, Web

__all__ = ["LAUNCH", "SHOP", "WAYS", "coterie_up", "up"]

SHOP = Path(__file__).parents[1]
# Sees to it that nothing outlives a test run that is killed.
LAUNCH = (sys.executable, str(SHOP.parents[1] / "bench" / "launch.py"), "")

PATIENCE = 30.0
"""Seconds until it must have stopped."""


@asynccontextmanager
async def by_test_kit() -> AsyncGenerator[Web]:
    """Inside the process of the tests."""
    async with running(SHOP, profile="test") as system, Pool(system.url) as pool:
        yield Web(pool)


class Up(Web):
    """Requests to the shop of a `coterie up`, which keeps its state in the folder ``state``."""

    def __init__(self, pool: Pool, state: Path) -> None:
        super().__init__(pool)
        self.state = state


@asynccontextmanager
async def coterie_up(*options: str, grouped: bool = False) -> AsyncGenerator[Up]:
    """By `coterie up`, with a state of its own, ended as an operator would."""
    with tempfile.TemporaryDirectory(prefix="shop-") as kept:
        folder = Path(kept)
        system = _grouped(folder) if grouped else SHOP
        async with up(system, folder, "--profile", "test", *options, PYTHONPATH=str(SHOP)) as pool:
            yield Up(pool, folder / "state")


@asynccontextmanager
async def up(system: Path, folder: Path, *options: str, **environment: str) -> AsyncGenerator[Pool]:
    """Connections to the gateway of a `coterie up`, which keeps its state in ``folder``/state."""
    with _started(system, folder, options, environment) as started:
        line = await asyncio.to_thread(started.stdout.readline) if started.stdout else b""
        told = json.loads(line or b"{}")
        assert told.get("url"), _log(folder)
        assert not told.get("away"), _log(folder)
        async with Pool(told["url"]) as pool:
            yield pool
        started.terminate()
        code = await asyncio.to_thread(started.wait, PATIENCE)
        assert code == 0, _log(folder)


@contextmanager
def _started(
    system: Path, folder: Path, options: Sequence[str], environment: Mapping[str, str]
) -> Generator["subprocess.Popen[bytes]"]:
    command = [*LAUNCH, sys.executable, "-P", "-m", "coterie", "up", str(system), "--json"]
    command += ["--port", "0", "--state", str(folder / "state"), *options]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            command, stdout=PIPE, stderr=log, env={**os.environ, **environment}
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def _log(folder: Path) -> str:
    return (folder / "log").read_text()[-3000:]


def _grouped(folder: Path) -> Path:
    """The shop's own file, with what its profile `grouped` says in the profile `test` as well."""
    text = (SHOP / "coterie.toml").read_text()
    table = text[text.index("[profile.grouped.") :].partition("\n\n")[0]
    file = folder / "coterie.toml"
    file.write_text(f"{text}\n{table.replace('[profile.grouped.', '[profile.test.')}\n")
    return file


_WAYS: tuple[Callable[[], AbstractAsyncContextManager[Web]], ...] = (
    by_test_kit,
    partial(coterie_up, "--one-process"),
    coterie_up,
    partial(coterie_up, grouped=True),
)
WAYS = dict(zip(IN_COTERIE, _WAYS, strict=True))
