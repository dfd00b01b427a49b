"""swap(): files put in place of older ones, each whole or not at all."""

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

__all__ = ["swap"]


def swap(folder: Path, files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Write ``files`` below ``folder``; the names of those whose content changed.

    Each is written beside its place and renamed into it: a reader sees the old one or the new
    one, and a watcher of renames hears of it once. Nothing is synced to disk: these files can be
    made again. Raises `OSError`.
    """
    changed = []
    for name, content in files.items():
        place = folder / name
        with suppress(FileNotFoundError):
            if place.read_bytes() == content:
                continue
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, written = tempfile.mkstemp(dir=place.parent, prefix=".")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(written).replace(place)
        except BaseException:
            Path(written).unlink(missing_ok=True)
            raise
        changed.append(name)
    return tuple(changed)
