"""`python -m bench [figure ...] [--quick] [--json]`; see README.md in this folder."""

import argparse
import asyncio
import os
import platform
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import uvloop

from bench import cores
from bench.environment import EnvironmentFailure, ready
from bench.figures import FIGURES
from bench.setting import FULL, QUICK, Setting

INTERRUPTED = 130


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0 every figure met its goals, 1 not so, 130 interrupted."""
    asked = _parser().parse_args(arguments)
    names = list(dict.fromkeys(asked.figure)) or list(FIGURES)

    def said(line: str) -> None:
        if not asked.json:
            print(line, file=sys.stderr, flush=True)

    try:
        python = ready(said)
    except EnvironmentFailure as error:
        print(error, file=sys.stderr)
        return 1
    folder = Path(tempfile.mkdtemp(prefix="coterie-bench-"))
    chosen = cores.choose()
    setting = Setting(
        python=python,
        folder=folder,
        cores=chosen,
        pace=QUICK if asked.quick else FULL,
        environment=dict(os.environ),
    )
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    said(f"Python {platform.python_version()}, {chosen}; load average at the start {load}")
    cores.pin(chosen.asking)
    try:
        return uvloop.run(_measure(names, setting, said))
    except (KeyboardInterrupt, asyncio.CancelledError):
        said("interrupted; every process is ended")
        return INTERRUPTED
    finally:
        if asked.logs:
            said(f"logs: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


async def _measure(names: Sequence[str], setting: Setting, said: Callable[[str], None]) -> int:
    task = asyncio.current_task()
    if task is not None:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    met = True
    for name in names:
        said(f"\n{name} ...")
        began = time.monotonic()
        folder = setting.folder / name
        folder.mkdir()
        for figure in await FIGURES[name](msgspec.structs.replace(setting, folder=folder), said):
            print(msgspec.json.encode(figure).decode(), flush=True)
            met = met and figure.ok
        said(f"{name}: {time.monotonic() - began:.0f} s")
    return 0 if met else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measures Coterie beside its peers; one JSON line a figure on standard output.",
    )
    parser.add_argument(
        "figure", nargs="*", type=_figure, help=f"{', '.join(FIGURES)}; default: all of them"
    )
    parser.add_argument("--quick", action="store_true", help="short rounds: a glance, no verdict")
    parser.add_argument("--json", action="store_true", help="the JSON lines alone")
    parser.add_argument("--logs", action="store_true", help="keep the logs and say where they are")
    return parser


def _figure(name: str) -> str:
    if name not in FIGURES:
        raise argparse.ArgumentTypeError(f"no figure {name!r}; there are {', '.join(FIGURES)}")
    return name


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
