"""Where the control socket lies, and how it is made so that nobody else can open it."""

import errno
import os
import shutil
import socket
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from .errors import AlreadyUp, ControlError

__all__ = ["bind", "remove", "socket_path"]

_SOCKET = "control.sock"
_POINTER = "control.path"
_PREFIX = "coterie-"
# sockaddr_un has room for 108 bytes on Linux and 104 elsewhere, with a zero at the end: unix(7).
_LONGEST = 107 if os.uname().sysname == "Linux" else 103
_OWNER_ONLY = 0o177
_LONGEST_POINTER = 4096


def socket_path(state: Path) -> Path | None:
    """The socket of the system that keeps its state in ``state``, whether it is there or not.

    In the state folder; where that makes a name too long for a socket, where ``control.path``
    says: ``None`` if that is missing.
    """
    path = state / _SOCKET
    return path if _fits(path) else _pointed(state)


def bind(state: Path) -> tuple[socket.socket, Path]:
    """A bound socket that only its owner may open, not listening yet, and where it lies.

    What a supervisor that is gone has left is cleared away. Raises `AlreadyUp` if it is not
    gone, `ControlError` where there can be no socket.
    """
    try:
        state.mkdir(parents=True, exist_ok=True)
        _clear(state)
        path = state / _SOCKET
        if not _fits(path):
            path = _elsewhere(state)
        return _bound(path), path
    except OSError as error:
        what = f"there can be no control socket in {state}: {error.strerror}"
        raise ControlError(what, "Take another state folder with --state") from error


def remove(state: Path, path: Path) -> None:
    """Take the socket away, and what pointed to it; never raises."""
    with suppress(OSError):
        path.unlink(missing_ok=True)
    if path.parent != state:
        shutil.rmtree(path.parent, ignore_errors=True)
        with suppress(OSError):
            (state / _POINTER).unlink(missing_ok=True)


def _clear(state: Path) -> None:
    pointed = _pointed(state)
    for path in (state / _SOCKET, pointed):
        if path is None or not (path.is_symlink() or _fits(path)):
            continue
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            continue
        if not stat.S_ISSOCK(mode):
            raise ControlError(
                f"{path} is no socket", "Move it away: the control socket goes there"
            )
        if _answers(path):
            raise AlreadyUp
        path.unlink()
    if pointed is not None:
        # Only a folder of the kind that is made here.
        if pointed.name == _SOCKET and pointed.parent.name.startswith(_PREFIX):
            with suppress(OSError):
                pointed.parent.rmdir()
        (state / _POINTER).unlink(missing_ok=True)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(0)
        # EAGAIN: it listens, and many wait to be let in.
        return probe.connect_ex(str(path)) in (0, errno.EAGAIN, errno.EINPROGRESS)


def _elsewhere(state: Path) -> Path:
    """A short path in a folder of its own, and the file in ``state`` that points to it."""
    # mkdtemp makes a folder that nobody else may enter (0700), under a name nobody can foresee.
    room = _LONGEST - len(f"/{_PREFIX}12345678/{_SOCKET}")
    places = (tempfile.gettempdir(), "/tmp")  # noqa: S108  # as above
    within = next(place for place in places if len(os.fsencode(place)) <= room)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=within))
    path = folder / _SOCKET
    try:
        draft = state / f"{_POINTER}.{os.getpid()}"
        draft.write_text(f"{path}\n", encoding="utf-8")
        draft.replace(state / _POINTER)
    except OSError:
        folder.rmdir()
        raise
    return path


def _bound(path: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    # The mode at birth is what the umask leaves of 0777: never a moment open to others.
    before = os.umask(_OWNER_ONLY)
    try:
        made.bind(str(path))
    except BaseException:
        made.close()
        raise
    finally:
        os.umask(before)
    return made


def _pointed(state: Path) -> Path | None:
    try:
        with (state / _POINTER).open(encoding="utf-8") as file:
            written = file.read(_LONGEST_POINTER).strip()
    except (OSError, ValueError):
        return None
    path = Path(written)
    return path if path.is_absolute() and _fits(path) else None


def _fits(path: Path) -> bool:
    return len(os.fsencode(path)) <= _LONGEST
