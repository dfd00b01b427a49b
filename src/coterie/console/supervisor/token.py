"""The registry's token: what the programs of a system, and whoever may read its state, prove."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

__all__ = ["registry_token"]

_OCTETS = 32


def registry_token(state: Path) -> str:
    """The token in ``registry.token`` of the folder ``state``, made at the first run; its owner's alone.

    Raises `OSError` where it can neither be read nor written.
    """
    path = state / "registry.token"
    with suppress(FileNotFoundError):
        found = path.read_text(encoding="ascii", errors="replace").strip()
        if found:
            return found
    made = secrets.token_urlsafe(_OCTETS)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{made}\n")
        draft.replace(path)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    return made
