"""The peers' environment, `.venv-bench`: made when missing, made anew when its pins change."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from bench.setting import ROOT

FOLDER = ROOT / ".venv-bench"
PINS = ROOT / "requirements" / "bench.txt"


class EnvironmentFailure(Exception):
    """The environment could not be made; the message has the installer's last lines."""


def ready(said: Callable[[str], None]) -> Path:
    """The Python of the environment, which is complete when this returns."""
    python = FOLDER / "bin" / "python"
    stamp = FOLDER / ".installed"  # the Makefile's, too
    if stamp.exists() and stamp.stat().st_mtime >= PINS.stat().st_mtime:
        return python
    said(f"making {FOLDER.name} for the peers, about half a minute, once ...")
    if not python.exists():
        _run(sys.executable, "-m", "venv", str(FOLDER))
    pip = (str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    _run(*pip, "--require-hashes", "-r", str(PINS))
    # Coterie itself, at the pins above, so that all contestants share one uvicorn and one msgspec.
    _run(*pip, "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    stamp.touch()
    said(f"{FOLDER.name} is ready")
    return python


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = "\n".join(done.stderr.splitlines()[-15:])
        raise EnvironmentFailure(
            f"`{' '.join(command)}` failed. Mend what it says and run the bench again:\n{last}"
        )
