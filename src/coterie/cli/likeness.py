"""What somebody may have meant who typed something else."""

import difflib
from collections.abc import Iterable

__all__ = ["close_to", "near"]

_ALIKE = 0.6
_BESIDE = 0.1


def near(name: str, known: Iterable[str]) -> str:
    """A sentence that helps whoever typed ``name``."""
    names = sorted(known)
    close = close_to(name, names)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    return f"There are {', '.join(names)}" if names else "There are none"


def close_to(name: str, known: Iterable[str]) -> list[str]:
    """Those of ``known`` that ``name`` is most like, three at most, best first."""

    def likeness(other: str) -> float:
        return difflib.SequenceMatcher(None, name.lower(), other.lower()).ratio()

    close = difflib.get_close_matches(name[:100].lower(), list(known), 3, _ALIKE)
    return [one for one in close if likeness(one) > likeness(close[0]) - _BESIDE]
