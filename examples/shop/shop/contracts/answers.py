"""Types that several contracts share."""

from typing import Annotated

from coterie import Header, Meta, Struct

Id = Annotated[int, Meta(ge=1, le=2**53 - 1, description="A number that names one thing.")]
"""A key; no larger than JSON numbers that every language reads exactly (RFC 8259, 6)."""

Quantity = Annotated[int, Meta(ge=1, le=1_000_000, examples=[2])]

Line = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$(?!\n)")]
"""A text on one line, without control characters (``$`` alone would let a last newline pass)."""


class Done(Struct, frozen=True):
    """What was done, in words."""

    response: str


class Created(Struct, frozen=True):
    """What was done, in words, and where to find it."""

    response: str
    location: Annotated[str, Header("Location")]
