"""The types contracts speak of: what a parameter's type takes in, what it refuses."""

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Generic, Literal, NamedTuple, NotRequired, TypedDict, TypeVar
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coterie.contract import Meta, Page, Struct, get, post

from .declaring import described

T = TypeVar("T")

Quantity = Annotated[int, Meta(ge=1, le=99)]
Sku = Annotated[str, Meta(pattern="^[A-Z]{2}-[0-9]{4}$")]


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Size(IntEnum):
    SMALL = 1
    LARGE = 2


class Line(Struct, frozen=True):
    sku: Sku
    quantity: Quantity = 1


class Card(Struct, frozen=True, tag="card"):
    number: Annotated[str, Meta(min_length=12, max_length=19)]


class Transfer(Struct, frozen=True, tag="transfer"):
    iban: str


class Window(NamedTuple):
    start: datetime.date
    end: datetime.date


class Gift(TypedDict):
    text: str
    wrap: NotRequired[bool]


@dataclass
class Address:
    street: str
    lines: list[str] = field(default_factory=list)


class Box(Struct, Generic[T], frozen=True):
    content: T
    label: str = ""


class Tree(Struct, frozen=True):
    name: str
    children: "tuple[Tree, ...]" = ()


class Order(Struct, frozen=True):
    """A bit of everything, nested."""

    id: UUID
    lines: tuple[Line, ...]
    payment: Card | Transfer
    total: Decimal
    placed: datetime.datetime
    day: datetime.date
    at: datetime.time
    takes: datetime.timedelta
    colour: Colour
    sizes: frozenset[Size]
    photo: bytes
    notes: dict[str, Box[Line | None]]
    gift: Gift | None = None


def travelling(hint: Any) -> Any:
    """The type of a body and of a result, as a contract with this type keeps it."""

    async def echo(self: Any, value: Any) -> Any: ...

    echo.__annotations__ = {"value": hint, "return": hint}
    operation = described(post("/things")(echo))
    assert operation.result.type == operation.parameters[0].type
    return operation.parameters[0].type


# type, JSON that fits, JSON that does not
TYPES: list[tuple[Any, list[str], list[str]]] = [
    (Quantity, ["1", "99"], ["0", "100", '"1"', "1.5", "null", "true"]),
    (Sku, ['"AB-1234"'], ['"AB-12"', '"xAB-1234"', "7"]),
    (float, ["1", "1.5", "-2e3"], ['"1"', "null"]),
    (Annotated[float, Meta(gt=0, multiple_of=0.5)], ["0.5", "2"], ["0", "0.3"]),
    (bool, ["true"], ["1", '"true"']),
    (int | str, ["1", '"a"'], ["1.5", "[]"]),
    (int | None, ["1", "null"], ['"1"']),
    (Literal["new", 1], ['"new"', "1"], ['"old"', "2"]),
    (Colour, ['"red"'], ['"RED"', '"green"']),
    (Size, ["2"], ["3", '"2"']),
    (Decimal, ['"1.10"', "1.10"], ['"one"', "[]"]),
    (UUID, ['"2d931510-d99f-494a-8c67-87feb05e1594"'], ['"2d931510"', "1"]),
    (datetime.date, ['"2024-02-29"'], ['"2023-02-29"', '"29.02.2024"', "0"]),
    (datetime.datetime, ['"2024-02-29T12:00:00Z"', '"2024-02-29T12:00:00"'], ['"noon"']),
    (
        Annotated[datetime.datetime, Meta(tz=True)],
        ['"2024-02-29T12:00:00Z"'],
        ['"2024-02-29T12:00"'],
    ),
    (datetime.time, ['"12:30:00"'], ['"25:00:00"']),
    (datetime.timedelta, ['"P1DT2H"'], ['"a day"']),
    (list[Quantity], ["[]", "[1,2]"], ["[0]", "{}"]),
    (Annotated[list[int], Meta(min_length=1, max_length=2)], ["[1]"], ["[]", "[1,2,3]"]),
    (Sequence[int], ["[1]"], ['["a"]']),
    (set[str], ['["a","a"]'], ["[1]"]),
    (tuple[int, str], ['[1,"a"]'], ["[1]", '["a",1]']),
    (dict[str, Line], ['{"a":{"sku":"AB-1234"}}'], ['{"a":{}}', "[]"]),
    (Mapping[UUID, int], ['{"2d931510-d99f-494a-8c67-87feb05e1594":1}'], ['{"a":1}']),
    (
        Line,
        ['{"sku":"AB-1234"}', '{"sku":"AB-1234","new":1}'],
        ["{}", '{"sku":"AB-1234","quantity":0}'],
    ),
    (Card | Transfer, ['{"type":"transfer","iban":"x"}'], ['{"iban":"x"}', '{"type":"cash"}']),
    (Address, ['{"street":"a"}', '{"street":"a","lines":["b"]}'], ['{"street":1}', "{}"]),
    (Window, ['["2024-01-01","2024-01-02"]'], ['["2024-01-01"]']),
    (Gift, ['{"text":"a"}', '{"text":"a","wrap":true}'], ['{"wrap":true}']),
    (Box[int], ['{"content":1}'], ['{"content":"a"}']),
    (Box[Box[Line]], ['{"content":{"content":{"sku":"AB-1234"}}}'], ['{"content":{"content":{}}}']),
    (Tree, ['{"name":"a","children":[{"name":"b"}]}'], ['{"name":"a","children":[{}]}']),
    (Any, ["1", '{"a":[null]}'], []),
]


@pytest.mark.parametrize(("hint", "fitting", "wrong"), TYPES, ids=[str(row[0]) for row in TYPES])
def test_a_type_means_the_same_in_a_contract(
    hint: Any, fitting: list[str], wrong: list[str]
) -> None:
    """Constraints and structure come through `describe` unchanged: good JSON in, bad JSON not."""
    kept = travelling(hint)
    for text in fitting:
        value = msgspec.json.decode(text, type=kept)
        assert msgspec.json.decode(msgspec.json.encode(value), type=kept) == value
    for text in wrong:
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(text, type=kept)


def test_a_page_of_a_struct_is_generic() -> None:
    """`Page[Line]` checks each line, and says where the next page begins."""

    @get("/lines")
    async def lines(self: Any, limit: int = 100, cursor: str | None = None) -> Page[Line]: ...

    kept = described(lines).result.type
    page = msgspec.json.decode('{"items":[{"sku":"AB-1234"}],"next":"b"}', type=kept)
    assert page == Page([Line("AB-1234")], "b")
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode('{"items":[{}]}', type=kept)


_texts = st.text(max_size=8)
_lines = st.builds(
    Line,
    sku=st.from_regex(r"\A[A-Z]{2}-[0-9]{4}\Z"),
    quantity=st.integers(1, 99),
)
_orders = st.builds(
    Order,
    id=st.uuids(),
    lines=st.lists(_lines, max_size=3).map(tuple),
    payment=st.builds(Card, number=st.text("0123456789", min_size=12, max_size=19))
    | st.builds(Transfer, iban=_texts),
    total=st.decimals(allow_nan=False, allow_infinity=False, places=2),
    placed=st.datetimes(timezones=st.just(datetime.UTC)),
    day=st.dates(),
    at=st.times(),
    takes=st.timedeltas(
        min_value=datetime.timedelta(days=-9000), max_value=datetime.timedelta(days=9000)
    ),
    colour=st.sampled_from(Colour),
    sizes=st.frozensets(st.sampled_from(Size)),
    photo=st.binary(max_size=8),
    notes=st.dictionaries(
        _texts, st.builds(Box, content=st.none() | _lines, label=_texts), max_size=2
    ),
    gift=st.none() | st.fixed_dictionaries({"text": _texts}, optional={"wrap": st.booleans()}),
)


@pytest.mark.parametrize(
    ("encode", "decoder"),
    [
        (msgspec.json.encode, msgspec.json.Decoder),
        (msgspec.msgpack.encode, msgspec.msgpack.Decoder),
    ],
    ids=["JSON", "MessagePack"],
)
@settings(deadline=None)
@given(order=_orders)
def test_nested_values_come_back_as_they_left(
    encode: Callable[[Any], bytes], decoder: Callable[[Any], Any], order: Order
) -> None:
    """Whatever is in it: nothing is lost or changed on the way, in either format."""
    assert decoder(travelling(Order)).decode(encode(order)) == order
