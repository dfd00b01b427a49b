"""What a README has typed, and how it is typed."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from programs import PATIENCE, environment
from tests.terminal import commands

__all__ = ["commands_in", "typed"]

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def commands_in(readme: Path) -> list[tuple[str, str]]:
    """Every command of its console blocks, each with what is shown below it."""
    return [pair for block in _BLOCK.findall(readme.read_text()) for pair in commands(block)]


def typed(command: str, folder: Path, settings: Mapping[str, object]) -> str:
    """What a command prints that comes to its end; `python` and `coterie` are those of the tests."""
    if command.startswith("curl ") and shutil.which("curl") is None:
        pytest.skip("there is no curl on this machine: apt-get install curl")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run(
        ["/bin/sh", "-c", command.replace("curl ", "curl -sS ")],
        cwd=folder,
        env=environment({**settings, "PATH": path}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.stdout
