"""Balance: by which rule the next call finds one of several instances."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from .choose import Choose, RoundRobin, two_choices
from .hashed import hashed

__all__ = ["Balance", "Hashing", "chooser"]


class Hashing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Calls with the same value of a parameter go to the same instance."""

    hash: Annotated[
        str,
        Meta(
            title="the name of a parameter",
            description="The parameter whose value decides; calls without one go to any instance.",
            examples=["user_id"],
            min_length=1,
        ),
    ]


Balance = Literal["two-choices", "round-robin"] | Hashing
"""A rule by its name."""


def chooser(balance: Balance) -> Choose:
    """What chooses by that rule: one of its own for each use, since taking turns has a memory."""
    if isinstance(balance, Hashing):
        return hashed
    return RoundRobin() if balance == "round-robin" else two_choices
