"""most_telling(): of several errors the one that says most about why there is no answer."""

from collections.abc import Sequence

from coterie.call import Failure
from coterie.contract import Code, Fault

__all__ = ["Unsuccessful", "most_telling"]

Unsuccessful = tuple[str, Failure | Fault]
"""What a part is called, and what it ended with."""

# Those that know least come last: an answer says more than a defect, a defect more than silence.
_DULL = [
    Code.UNKNOWN,
    Code.INTERNAL,
    Code.DATA_LOSS,
    Code.RESOURCE_EXHAUSTED,
    Code.DEADLINE_EXCEEDED,
    Code.UNAVAILABLE,
    Code.CANCELLED,
]


def most_telling(failed: Sequence[Unsuccessful]) -> Failure | Fault:
    """A fault before any failure, an answer before silence, the earlier before the later.

    The others are noted on it (PEP 678), by name and code.
    """
    name, chosen = min(failed, key=_dullness)
    for other, error in failed:
        if error is not chosen:
            chosen.add_note(f"{other} failed too: {error.code.value}")
    chosen.add_note(f"of {len(failed)} that were asked, {name} said most")
    return chosen


def _dullness(failed: Unsuccessful) -> int:
    error = failed[1]
    if isinstance(error, Fault):
        return -1
    return _DULL.index(error.code) + 1 if error.code in _DULL else 0
