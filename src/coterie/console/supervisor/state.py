"""The state folder of a system: made, writable, and of a format that is understood."""

import os
from contextlib import suppress
from pathlib import Path

from coterie.system import Problem, System, SystemProblems

__all__ = ["FORMAT", "prepare"]

FORMAT = 1
"""The format of what is kept there; a higher one is of a version of Coterie yet to come."""

_FILE = "version"


def prepare(system: System) -> None:
    """Make the state folder of ``system``, and mark it with its format, in the file ``version``.

    Raises `SystemProblems` where it cannot be written, or was written by a newer Coterie: that
    one may have changed what this one would misread. One without a mark is marked.
    """
    folder = system.state
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        told = _read(folder / _FILE)
        if told is None:
            _write(folder / _FILE)
        elif not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(13, os.strerror(13))
    except OSError as error:
        what = f"the state folder {folder} cannot be used: {error.strerror}"
        raise _problem(system, what, "Make it writable, or name another with --state") from error
    if told is not None and told != str(FORMAT):
        found = f"format {told}" if told.isdecimal() else f"format {told[:20]!r}"
        what = f"the state folder {folder} has {found}, and this version of Coterie knows {FORMAT}"
        remedy = "Install the version that wrote it, or take another folder with --state"
        raise _problem(system, what, remedy)


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        return None


def _write(path: Path) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        draft.write_text(f"{FORMAT}\n", encoding="ascii")
        draft.replace(path)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _problem(system: System, what: str, remedy: str) -> SystemProblems:
    return SystemProblems([Problem(system.places.file, None, what, remedy)])
