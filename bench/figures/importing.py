"""`import`: a contract written from the OpenAPI document of a real program with 811 paths, GitHub's."""

import asyncio
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from bench.figure import Figure, limited
from bench.report import line
from bench.server import ServerError, output
from bench.setting import ROOT, Setting

DOCUMENT = "octokit-openapi-*/package/generated/api.github.com.json"
FOLDER = ROOT / ".venv" / "documents"
LEAST = 800
"""Paths that the document must have."""

TIMES = 5
LIMIT = 300.0
GOAL = 10.0
"""Seconds at most, the slowest of all."""


class _Told(Struct):
    operations: int
    types: int
    files: list[str]
    notes: list[msgspec.Raw]


class _Document(Struct):
    paths: dict[str, msgspec.Raw]


async def measure(setting: Setting, said: Callable[[str], None]) -> list[Figure]:
    """Seconds that the command takes, from its start to its end; the module is written and kept."""
    taken: list[float] = []
    also: dict[str, float] = {}
    why = ""
    try:
        file = _file()
        paths = len(msgspec.json.decode(file.read_bytes(), type=_Document).paths)
        if paths < LEAST:
            raise ServerError(f"{file} has {paths} paths only")
        for number in range(setting.times(TIMES)):
            seconds, told, size = await _one(setting, file, setting.folder / f"m{number}.py")
            taken.append(seconds)
            said(f"{number + 1}: {seconds:.2f} s")
            also = {"paths": paths, "operations": told.operations, "types": told.types}
            also |= {"notes": len(told.notes), "lines": size}
        also["median"] = statistics.median(taken)
    except ServerError as error:
        why = str(error)
    figure = limited(
        "import",
        "seconds of `coterie import openapi` for GitHub's document, the slowest",
        max(taken) if taken and not why else None,
        GOAL,
        rounds=len(taken),
        also=also,
        why=why,
    )
    said(line(figure))
    return [figure]


def _file() -> Path:
    """Where the document is. Raises `ServerError` where it was not fetched."""
    found = sorted(FOLDER.glob(DOCUMENT))
    if not found:
        raise ServerError(f"no {DOCUMENT} in {FOLDER}: run `python tools/documents.py` first")
    return found[-1]


async def _one(setting: Setting, file: Path, out: Path) -> tuple[float, _Told, int]:
    """Seconds, what was told of it, and the lines of the module."""
    command = [str(setting.python), "-m", "coterie", "import", "openapi", str(file)]
    began = time.perf_counter()
    told = await output(
        [*command, "--out", str(out), "--json"], cores=setting.cores.serving, limit=LIMIT
    )
    seconds = time.perf_counter() - began
    lines = await asyncio.to_thread(_lines, out)
    return seconds, msgspec.json.decode(told, type=_Told), lines


def _lines(module: Path) -> int:
    return len(module.read_text().splitlines())
