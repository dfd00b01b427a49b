"""Notes: what policies did to a call, as the history keeps it."""

from collections.abc import Sequence

import msgspec

from .port import Note

__all__ = ["read", "written"]

_MOST = 16
_LONGEST = 200

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(tuple[Note, ...]).decode


def written(notes: Sequence[Note]) -> str | None:
    """The first 16 notes, none of their words longer than 200 characters; ``None`` for none.

    Whoever answers at an instance's address may tell anything, and as much as they like.
    """
    if not notes:
        return None
    kept = [
        Note(policy=n.policy[:_LONGEST], what=n.what[:_LONGEST], detail=n.detail[:_LONGEST])
        for n in notes[:_MOST]
    ]
    return _encode(kept).decode()


def read(text: str | None) -> tuple[Note, ...]:
    """What `written` has made of them."""
    return () if text is None else _decode(text)
