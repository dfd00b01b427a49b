"""own(): a value for one more caller, so that no two share what either may change."""

import copy
import datetime
import decimal
import enum
import uuid
from typing import Any

from msgspec import Struct, structs

__all__ = ["own"]

_UNCHANGING = frozenset(
    {
        bool,
        bytes,
        datetime.date,
        datetime.datetime,
        datetime.time,
        datetime.timedelta,
        decimal.Decimal,
        float,
        int,
        str,
        type(None),
        uuid.UUID,
    }
)


def own(value: Any) -> Any:
    """``value`` again: equal, of the same types, and nobody else's where it can be changed.

    What cannot be changed, such as a frozen struct of numbers, is handed on as it is.
    """
    cls = type(value)
    if cls in _UNCHANGING:
        return value
    if cls is list:
        return [own(item) for item in value]
    if cls is dict:
        return {key: own(item) for key, item in value.items()}
    if cls is tuple:
        items = tuple([own(item) for item in value])
        same = all(after is before for after, before in zip(items, value, strict=True))
        return value if same else items
    if isinstance(value, Struct):
        return _struct(value)
    if isinstance(value, enum.Enum):
        return value
    if cls is set or cls is frozenset:
        return cls(value)  # what is in a set has a hash, and so does not change
    return copy.deepcopy(value)


def _struct(value: Struct) -> Struct:
    fields = value.__struct_fields__
    changed = {}
    for name in fields:
        before = getattr(value, name)
        after = own(before)
        if after is not before:
            changed[name] = after
    if value.__struct_config__.frozen and not changed:
        return value
    # Not made by its constructor: `__post_init__` has seen these values, and may count them.
    made = copy.copy(value)
    for name, after in changed.items():
        if value.__struct_config__.frozen:
            structs.force_setattr(made, name, after)
        else:
            setattr(made, name, after)
    return made
