"""A fingerprint: what is called and with what, in 32 bytes that tell two calls apart."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import msgspec

from coterie.contract import Operation

__all__ = ["fingerprint"]

_SIZE = 32  # bytes: who may choose arguments must not find two that look alike

# Deterministic: what has no order (sets, tables) is sorted, so that equal values give equal bytes in
# every process. MessagePack tells NaN from nothing; JSON has integers of any size.
_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_encode_large = msgspec.json.Encoder(order="deterministic").encode


def fingerprint(operation: Operation, arguments: Mapping[str, Any]) -> bytes:
    """32 bytes made of ``operation`` and typed ``arguments``; equal calls have equal ones.

    Defaults are filled in and formats decoded by then: whether a client sent JSON or MessagePack, a
    default or nothing, makes no difference. Raises `TypeError` for values that cannot travel.

    Source: RFC 7693 (BLAKE2).
    """
    made = blake2b(f"{operation.id} {operation.major} ".encode(), digest_size=_SIZE)
    try:
        made.update(_encode(arguments))
    except OverflowError:
        made.update(b"json " + _encode_large(arguments))
    return made.digest()
