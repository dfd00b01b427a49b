"""What schemathesis has to be taught to attack the shop: MessagePack, in and out.

Loaded by its own process, through ``hooks`` of its configuration (see `shop_attack`).
"""

import math
from typing import Any

import msgspec
import schemathesis

MEDIA = "application/msgpack"


def _carried(value: Any) -> Any:
    """What MessagePack has no form for, as the nearest it has; no less invalid than before."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return math.copysign(math.inf, value) if abs(value) > 2**1000 else float(value)
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_carried(key): _carried(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_carried(item) for item in value]
    return value


@schemathesis.serializer(MEDIA)
def written(_: Any, value: Any) -> bytes:
    """A body to send."""
    return msgspec.msgpack.encode(_carried(value))


@schemathesis.deserializer(MEDIA)
def read(_: Any, response: Any) -> Any:
    """A body that came, to be held against its schema."""
    return msgspec.msgpack.decode(response.content)
