"""A value for one more caller: equal, and nobody else's where it can be changed."""

import datetime
import decimal
import enum
import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from coterie.contract import Page, Struct
from coterie.policy.copies import own


class Colour(enum.Enum):
    RED = "red"


class Point(Struct, frozen=True):
    x: int
    y: tuple[int, ...] = ()


class Path(Struct, frozen=True):
    points: list[Point]


class Counted(Struct):
    names: list[str]
    seen: int = 0

    def __post_init__(self) -> None:
        self.seen += 1


@dataclass
class Old:
    names: list[str]


UNCHANGING: list[Any] = [
    None, True, 2**70, 1.5, float("inf"), "text", b"bytes", decimal.Decimal("1.20"), uuid.UUID(int=7),
    datetime.date(2026, 1, 2), datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC),
    datetime.timedelta(1), Colour.RED, Point(1, (1, 2)), (1, "a", Point(1)),
]  # fmt: skip


@pytest.mark.parametrize("value", UNCHANGING, ids=repr)
def test_what_cannot_be_changed_is_shared(value: Any) -> None:
    """It costs nothing to hand on."""
    assert own(value) is value


CHANGING: list[Any] = [
    [1, [2, 3]],
    {"a": [1], "b": {"c": {1, 2}}},
    {1, 2},
    (1, [2]),
    Path([Point(1)]),
    Counted(["a"]),
    Page([Path([Point(1)])], "next"),
    Old(["a"]),
]


@pytest.mark.parametrize("value", CHANGING, ids=repr)
def test_what_can_be_changed_is_copied_through_and_through(value: Any) -> None:
    """Equal, of the same types, and with no part in common that could be changed."""
    copied = own(value)
    assert (copied, type(copied)) == (value, type(value))
    assert not {id(part) for part in changeable(value)} & {id(part) for part in changeable(copied)}


def test_a_struct_is_copied_as_it_is() -> None:
    """It is not made anew: its checks have been made."""
    assert own(Counted(["a"])).seen == 1


def changeable(value: Any) -> list[Any]:
    """Every part of ``value`` that can be changed."""
    if isinstance(value, list):
        return [value, *(part for item in value for part in changeable(item))]
    if isinstance(value, dict):
        return [value, *(part for item in value.values() for part in changeable(item))]
    if isinstance(value, tuple):
        return [part for item in value for part in changeable(item)]
    if isinstance(value, set):
        return [value]
    if isinstance(value, Struct):
        fields = [getattr(value, name) for name in value.__struct_fields__]
        own_parts = [] if value.__struct_config__.frozen else [value]
        return [*own_parts, *(part for field in fields for part in changeable(field))]
    if isinstance(value, Old):
        return [value, value.names]
    return []
