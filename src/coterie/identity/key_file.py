"""Where signing keys are kept: one private file, made once however many processes start at once."""

import fcntl
import json
import os
import stat
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from .keys import SigningKeys

__all__ = ["KeyFile", "KeyFileError"]

_NAME = "signing-keys.json"
_LARGEST = 64 * 1024


class KeyFileError(Exception):
    """The key file or its folder cannot be used as it is; the message says what to do.

    Never mended in silence: a new key would make every token in use invalid, and a key that
    others could read may be in their hands.
    """

    def __init__(self, path: Path, problem: str, remedy: str) -> None:
        super().__init__(path, problem, remedy)
        self.path = path
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}. {self.remedy}."


class KeyFile:
    """The signing keys kept in ``folder``, which is theirs alone.

    The folder has mode 0700, the file ``signing-keys.json`` in it 0600: a private JWK set
    (RFC 7517), newest key first. Both methods block for some file operations with fsync.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / _NAME

    def open(self) -> SigningKeys:
        """The keys; the first to come makes one, all others get the same.

        Raises `KeyFileError` when the file is damaged or others may read it, when others may
        write in the folder, or when it cannot be made or written.
        """
        return self._change(lambda kept: kept or SigningKeys.generate())

    def rotate(self, keep: int = 2) -> SigningKeys:
        """Put a fresh key in front and keep the newest ``keep``; see `SigningKeys.rotated`.

        Processes that run keep the keys they opened until they start anew.
        Raises as `open` does.
        """
        return self._change(lambda kept: kept.rotated(keep) if kept else SigningKeys.generate())

    def _change(self, change: Callable[[SigningKeys | None], SigningKeys]) -> SigningKeys:
        try:
            with self._alone():
                kept = self._read()
                keys = change(kept)
                if keys is not kept:
                    self._write(keys)
                return keys
        except OSError as error:
            problem = f"cannot be used: {error.strerror or error}"
            remedy = "Let the user who runs the system own and write this folder"
            raise KeyFileError(Path(error.filename or self.folder), problem, remedy) from error

    @contextmanager
    def _alone(self) -> Generator[None]:
        """Hold the folder against other processes; the kernel lets go when one dies."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
            if mode & 0o022:
                problem = f"others than its owner may replace the keys in it (mode {mode:04o})"
                raise KeyFileError(self.folder, problem, f"Run `chmod 700 {self.folder}`")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _read(self) -> SigningKeys | None:
        try:
            descriptor = os.open(self.path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
            content = file.read(_LARGEST + 1)
        if mode & 0o077:
            problem = f"others than its owner may read or write it (mode {mode:04o})"
            remedy = (
                f"If nobody can have read it, run `chmod 600 {self.path}`; otherwise remove it, "
                "and a new key is made: whoever is logged in must log in again"
            )
            raise KeyFileError(self.path, problem, remedy)
        try:
            if len(content) > _LARGEST:
                raise ValueError(f"it is larger than {_LARGEST} bytes")
            document = json.loads(content)
            if not isinstance(document, dict):
                raise ValueError("it is no JSON object")
            return SigningKeys.from_private_jwks(document)
        except (ValueError, RecursionError) as error:
            # A message of the JSON parser tells a place, never the content.
            problem = f"the signing keys are damaged: {error}"
            remedy = (
                "Restore the file from a backup, or remove it, and a new key is made: whoever is "
                "logged in must log in again"
            )
            raise KeyFileError(self.path, problem, remedy) from None

    def _write(self, keys: SigningKeys) -> None:
        """Replace the file whole, so that a crash leaves the old one or the new one."""
        fresh = self.path.with_suffix(".new")
        # Left over from a crash; the lock tells us nobody else is writing it.
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(keys.private_jwks(), file, indent=1)
            file.flush()
            os.fsync(descriptor)
        fresh.replace(self.path)
        folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
