"""The files of a system's folder: which are its own, and how a person would write their names."""

import os
import traceback
from pathlib import Path

from .model import System
from .specs import ServiceSpec

__all__ = ["modules_in", "place_of_error", "shown_path"]

_MOST_MODULES = 1000
_NOT_OURS = frozenset({"site-packages", "node_modules", "__pycache__"})


def shown_path(system: System, path: str | Path) -> Path:
    """``path`` as a person at the system's file would write it."""
    try:
        inside = Path(path).resolve().relative_to(system.folder)
    except ValueError:
        return Path(path)
    return system.places.file.parent / inside


def place_of_error(
    system: System, spec: ServiceSpec, error: BaseException
) -> tuple[Path, int | None]:
    """The user's line that led to ``error``: the innermost one in the system's folder.

    The service's own line in the system's file, where there is none.
    """
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if _is_own(system.folder, Path(frame.filename).resolve()):
            return shown_path(system, frame.filename), frame.lineno
    return system.places.file, system.places.line("service", spec.name, spec.kind)


def modules_in(folder: Path) -> list[str]:
    """The modules of ``folder``, dotted: a thousand at most, so that it stays quick."""
    found: list[str] = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name.isidentifier() and name not in _NOT_OURS]
        inside = Path(place).relative_to(folder).parts
        for file in files:
            stem, dot, ending = file.rpartition(".")
            if dot and ending == "py" and stem.isidentifier():
                found.append(".".join(inside if stem == "__init__" else (*inside, stem)))
            if len(found) == _MOST_MODULES:
                return found
    return found


def _is_own(folder: Path, path: Path) -> bool:
    # An environment with everybody's packages often lies in the same folder.
    if not path.is_relative_to(folder):
        return False
    inside = path.relative_to(folder).parts
    return not any(part in _NOT_OURS or part.startswith(".") for part in inside)
