"""Entity tags: naming a state of a resource, and asking about it (RFC 9110, 8.8.3 and 13.1)."""

from hashlib import blake2b

__all__ = ["matches", "tag_of"]


def tag_of(representation: bytes, variant: str = "") -> str:
    """The strong entity tag of these bytes, with its quotation marks.

    ``variant`` tells apart the forms of one state (JSON, MessagePack), which must not share a tag.
    """
    return f'"{blake2b(representation, digest_size=12).hexdigest()}{variant}"'


def matches(header: bytes, tag: str, *, weak: bool) -> bool:
    """Whether ``tag`` is among those of an ``If-None-Match`` or ``If-Match`` header.

    ``weak`` compares as If-None-Match does, where ``W/"x"`` stands for ``"x"``.
    """
    for piece in header.decode("latin-1").split(","):
        candidate = piece.strip()
        if candidate == "*":
            return True
        if weak:
            candidate = candidate.removeprefix("W/")
        if candidate == tag:
            return True
    return False
