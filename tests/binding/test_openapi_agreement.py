"""What the document allows is what a service takes, and what it forbids is refused."""

import datetime
import decimal
import json
import re
import uuid
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator

from coterie.binding.rest import Request
from coterie.binding.rest.arguments import ArgumentReader
from coterie.binding.rest.openapi import openapi
from coterie.binding.rest.openapi.examples import NO_EXAMPLE, example
from coterie.binding.rest.openapi.names import names
from coterie.binding.rest.openapi.schemas import Schemas
from coterie.binding.rest.text import text
from coterie.call import Failure
from coterie.contract import Description, Meta, Operation, describe
from tests.binding.rich import (
    Address,
    Box,
    Card,
    Colour,
    Hints,
    Item,
    Node,
    Orders,
    Place,
    Point,
    Row,
    Size,
    Strict,
    Transfer,
)

Document = dict[str, Any]

RICH: Description = describe(Orders)
DOCUMENT: Document = openapi([RICH], title="Rich", version="1.0")


def allows(schema: Document, components: Document, value: Any) -> bool:
    """Whether the schema, with the components it refers to, allows the value."""
    whole = {"$ref": "#/it", "it": schema, "components": components}
    return bool(Draft202012Validator(whole, validate_formats=True).is_valid(value))


def schema_allows(hint: Any, value: Any) -> bool:
    schemas = Schemas([hint])
    schema = schemas.of(hint)
    return allows(schema, {"schemas": schemas.components()}, value)


def codec_takes(hint: Any, value: Any) -> bool:
    try:
        msgspec.json.decode(json.dumps(value), type=hint)
    except msgspec.DecodeError:
        return False
    return True


AWARE = Annotated[datetime.datetime, Meta(tz=True)]
NAIVE = Annotated[datetime.datetime, Meta(tz=False)]
ZONED = Annotated[datetime.time, Meta(tz=True)]
LOCAL = Annotated[datetime.time, Meta(tz=False)]
CODE = Annotated[str, Meta(pattern="^[A-Z]{3}$")]

# type, values taken, values refused
TYPES: list[tuple[Any, list[Any], list[Any]]] = [
    (int, [0, -1, 10**30], [1.5, "1", True, None]),
    (Annotated[int, Meta(ge=1, lt=5)], [1, 4], [0, 5]),
    (Annotated[int, Meta(multiple_of=5)], [0, 10], [3]),
    (float, [1, 1.5, -1e300], ["1", True, None]),
    (Annotated[float, Meta(gt=0, le=1)], [0.1, 1], [0, 1.1]),
    (bool, [True, False], [0, 1, "true"]),
    (str, ["", "ä", "a" * 1000], [1, None]),
    (Annotated[str, Meta(min_length=2, max_length=3)], ["ab", "äöü"], ["a", "abcd"]),
    (CODE, ["EUR"], ["eur", "EURO"]),
    (bytes, ["", "aGVsbG8=", "AA==", "AAA="], ["a", "aGVsbG8", "a-_=", "!!!!"]),
    (Annotated[bytes, Meta(max_length=3)], ["AAAA"], ["AAAAAAA="]),
    (decimal.Decimal, ["1", "-1.50", ".5", "5.", "1E+5", 1, 1.5], ["", "x", "1,5", True]),
    (datetime.date, ["2026-01-31"], ["2026-02-30", "2026-1-1", "20260131", 1]),
    (AWARE, ["2026-01-31T12:00:00Z", "2026-01-31T12:00:00.5+01:00"], ["2026-01-31T12:00:00", ""]),
    (NAIVE, ["2026-01-31T12:00:00", "2026-12-31T23:59:59.999"], ["2026-01-31T12:00:00Z", "x"]),
    (datetime.time, ["12:00:00", "12:00:00Z", "23:59:59.5+01:00"], ["24:00:00", "12:00", "x"]),
    (ZONED, ["12:00:00Z"], ["12:00:00"]),
    (LOCAL, ["12:00:00"], ["12:00:00Z"]),
    (datetime.timedelta, ["PT1H30M", "P1D", "-PT0.5S", "P1DT2S"], ["P1Y", "P1W", "PT", "P", "1h"]),
    (uuid.UUID, ["3f0d6a52-8c1e-4b7a-9e24-5d6f7a8b9c01"], ["3f0d", "{3f0d}"]),
    (Colour, ["red"], ["green", 1, None]),
    (Size, [1, 2], [3, "1"]),
    (Literal["a", 1], ["a", 1], ["b", 2, True]),
    (Literal["only"], ["only"], ["other"]),
    (int | None, [1, None], ["1"]),
    (int | str, [1, "1"], [None, 1.5]),
    (Colour | None, ["red", None], ["green"]),
    (Literal["a"] | None, ["a", None], ["b"]),
    (Item | None, [{"product_id": 1}, None], [{}, 1]),
    (list[int], [[], [1, 2]], [["1"], 1, {}]),
    (Annotated[list[int], Meta(min_length=1, max_length=2)], [[1], [1, 2]], [[], [1, 2, 3]]),
    (set[str], [[], ["a", "b"]], [[1], "a"]),
    (frozenset[int], [[1]], [["a"]]),
    (tuple[int, ...], [[], [1, 2]], [["a"]]),
    (tuple[int, str], [[1, "a"]], [[1], [1, "a", 2], ["a", 1]]),
    (tuple[()], [[]], [[1]]),
    (dict[str, int], [{}, {"a": 1}], [{"a": "1"}, []]),
    (dict[int, str], [{"1": "a", "-20": "b"}], [{"a": "b"}, {"01": "a"}]),
    (dict[CODE, int], [{"EUR": 1}], [{"eur": 1}]),
    (dict[datetime.date, int], [{"2026-01-31": 1}], [{"today": 1}]),
    (dict[Colour, int], [{"red": 1}], [{"green": 1}]),
    (Annotated[dict[str, int], Meta(max_length=1)], [{"a": 1}], [{"a": 1, "b": 2}]),
    (Any, [1, None, {"a": [1]}], []),
    (Address, [{"streetName": "a", "postCode": "12345", "more": 1}], [{"street_name": "a"}, {}]),
    (Strict, [{"only": 1}], [{"only": 1, "more": 2}, {"only": 10}, {}]),
    (Item, [{"product_id": 1}, {"product_id": 1, "price": "1.5"}], [{"product_id": 0}, []]),
    (Place, [{"latitude": 1}], [{"latitude": 91}, {"longitude": 1}]),
    (Point, [[1, 2], [1]], [[], ["a"], [1, 2, 3]]),
    (Hints, [{"fragile": True}, {"fragile": False, "note": "x"}], [{}, {"fragile": 1}]),
    (Row, [["a"], ["a", 1], ["a", 1, "unknown"]], [[], [1], {"key": "a"}]),
    (Card | Transfer, [{"kind": "transfer", "iban": "x"}], [{"kind": "cash"}, {"iban": "x"}]),
    (Card | Transfer | None, [None, {"kind": "transfer", "iban": "x"}], [{"kind": "card"}]),
    (Card | Transfer | int, [1, {"kind": "transfer", "iban": "x"}], ["x"]),
    (Box[int], [{"inside": 1}, {"inside": 1, "spare": None}], [{"inside": "a"}]),
    (Box[list[Colour]], [{"inside": ["red"]}], [{"inside": "red"}]),
    (Node, [{"label": "a", "children": [{"label": "b"}]}], [{"label": "a", "children": [{}]}]),
    (Node | None, [None, {"label": "a", "parent": {"label": "b"}}], [{"parent": None}]),
]


def name_of(hint: Any) -> str:
    return str(hint).replace("tests.binding.rich.", "").replace("msgspec.", "")


def rows(*, whole: bool) -> list[Any]:
    return [pytest.param(*(row if whole else row[:1]), id=name_of(row[0])) for row in TYPES]


@pytest.mark.parametrize(("hint", "taken", "refused"), rows(whole=True))
def test_schema_and_codec_agree(hint: Any, taken: list[Any], refused: list[Any]) -> None:
    """A value that the schema allows is decoded, and one that it forbids is not."""
    for value in taken:
        assert (schema_allows(hint, value), codec_takes(hint, value)) == (True, True), value
    for value in refused:
        assert (schema_allows(hint, value), codec_takes(hint, value)) == (False, False), value


@pytest.mark.parametrize("hint", rows(whole=False))
def test_examples_are_valid_by_schema_and_codec(hint: Any) -> None:
    """Whatever is shown as an example can be sent as it stands."""
    shown = example(hint, "name")
    assert shown is not NO_EXAMPLE
    assert schema_allows(hint, shown)
    assert codec_takes(hint, shown)


BOUND = st.none() | st.integers(-50, 50)


@settings(max_examples=150, deadline=None)
@given(ge=BOUND, le=BOUND, step=st.none() | st.integers(1, 9), exclusive=st.booleans())
def test_numbers_are_made_to_fit(
    *, ge: int | None, le: int | None, step: int | None, exclusive: bool
) -> None:
    """An example of a bounded number is within its bounds, or there is none."""
    bounds: dict[str, Any] = {"gt" if exclusive else "ge": ge, "le": le, "multiple_of": step}
    hint = Annotated[
        int, Meta(**{name: value for name, value in bounds.items() if value is not None})
    ]
    shown = example(hint)
    assert shown is NO_EXAMPLE or (schema_allows(hint, shown) and codec_takes(hint, shown))
    if step is None and (ge is None or le is None or ge + 1 < le):
        assert shown is not NO_EXAMPLE


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["A", "B", "item"]), st.sampled_from(["x", "a.x", "b.x", "a.b.x"])
        ),
        max_size=8,
    )
)
def test_names_are_legal_and_never_shared(pairs: list[tuple[str, str]]) -> None:
    """However classes are called and wherever they stand, each gets a name of its own."""
    classes = [type(name, (), {"__module__": place}) for name, place in pairs]
    generic: Any = Box
    boxes = [generic[one] for one in classes]
    found = names([*classes, *boxes], taken=["A", "Problem"])
    assert len(set(found.values())) == 2 * len(classes)
    assert not {"A", "Problem"} & set(found.values())
    assert all(re.fullmatch(r"[a-zA-Z0-9._-]+", name) for name in found.values())


def written(operation: Operation) -> Document:
    template = operation.route.replace("{id}", "{order_id}")
    return dict(DOCUMENT["paths"][template][operation.method.lower()])


def reads(operation: Operation, request: Request) -> bool:
    try:
        ArgumentReader(operation).read(request)
    except Failure:
        return False
    return True


JSON = {b"content-type": b"application/json"}
PLACE: Document = {
    "user_id": 1,
    "date": "2026-01-31",
    "items": [{"product_id": 1}],
    "payment": {"kind": "transfer", "iban": "x"},
}


def order(**changes: Any) -> Document:
    """A new order with these members; ``...`` takes one away."""
    return {name: value for name, value in {**PLACE, **changes}.items() if value is not ...}


# operation, body, whether it is taken
BODIES: list[tuple[str, Any, bool]] = [
    ("place", order(), True),
    ("place", order(unknown=1), True),
    ("place", order(tags=["a"], counts={"1": 1.5}, at=None, mixed="a"), True),
    ("place", order(user_id=...), False),
    ("place", order(items=[]), False),
    ("place", order(items=[{"product_id": 1, "quantity": 101}]), False),
    ("place", order(payment={"kind": "cash"}), False),
    ("place", order(mode="slowly"), False),
    ("place", [], False),
    ("paint", "red", True),
    ("paint", "green", False),
    ("strict", {"only": 1}, True),
    ("strict", {"only": 1, "more": 2}, False),
    ("strict", None, True),
    ("tree", {"label": "a", "children": [{"label": "b", "children": []}]}, True),
    ("tree", {"label": "a", "children": [{}]}, False),
    ("reserve", {"product_id": 1}, True),
    ("reserve", {"product_id": 1, "quantity": 2, "why": None}, True),
    ("reserve", {"product_id": 1, "more": 2}, True),
    ("reserve", {"quantity": 1}, False),
    ("reserve", {"product_id": 1, "quantity": 0}, False),
    ("reserve", {"product_id": 1, "why": 5}, False),
]


@pytest.mark.parametrize(("name", "value", "taken"), BODIES)
def test_bodies_are_read_as_the_document_says(name: str, value: Any, *, taken: bool) -> None:
    """Required, optional and unknown members, constraints: document and reader say the same."""
    operation = RICH.operation(name)
    content = written(operation)["requestBody"]["content"]
    request = Request({"order_id": "1"}, b"", JSON, json.dumps(value).encode())
    schema = content["application/json"]["schema"]
    assert allows(schema, DOCUMENT["components"], value) is taken
    assert reads(operation, request) is taken
    packed = Request(
        {"order_id": "1"},
        b"",
        {b"content-type": b"application/msgpack"},
        msgspec.msgpack.encode(value),
    )
    # A mapping with keys that are no text is written with its own keys in MessagePack.
    if "counts" not in (value or ()):
        assert reads(operation, packed) is taken


def test_a_body_may_be_left_out_where_the_document_says_so() -> None:
    """``required`` of a body is whether the reader asks for one."""
    for operation in RICH.operations:
        described = written(operation).get("requestBody")
        if described is None or "application/json" not in described["content"]:
            continue
        left_out = reads(operation, Request({"order_id": "1"}, b"", JSON, b""))
        assert left_out is not described["required"], operation


# operation, parameter, value, whether it is taken
PARAMETERS: list[tuple[str, str, Any, bool]] = [
    ("order", "order_id", 1, True),
    ("order", "order_id", 0, False),
    ("order", "order_id", "x", False),
    ("search", "text", "a", True),
    ("search", "text", "a" * 21, False),
    ("search", "limit", 100, True),
    ("search", "limit", 101, False),
    ("search", "since", "2026-01-31", True),
    ("search", "since", "yesterday", False),
    ("search", "cheap", True, True),
    ("search", "cheap", "maybe", False),
    ("search", "colour", ["red", "blue"], True),
    ("search", "colour", ["green"], False),
    ("search", "wanted", [1, 2], True),
    ("search", "wanted", ["x"], False),
    ("search", "sid", "abc", True),
    ("search", "Accept-Language", "de", True),
]


def sent(operation: Operation, name: str, value: Any) -> Request:
    """A request that gives what is required, and this parameter."""
    path, query, headers = {"order_id": "1"}, [("text", "a")], {b"accept": b"*/*"}
    place = next(p["in"] for p in written(operation)["parameters"] if p["name"] == name)
    texts = [text(item) for item in (value if isinstance(value, list) else [value])]
    if place == "path":
        path[name] = texts[0]
    elif place == "query":
        query = [pair for pair in query if pair[0] != name] + [(name, one) for one in texts]
    elif place == "header":
        headers[name.lower().encode()] = ",".join(texts).encode()
    else:
        headers[b"cookie"] = f"{name}={texts[0]}".encode()
    return Request(path, "&".join(f"{k}={v}" for k, v in query).encode(), headers)


@pytest.mark.parametrize(("name", "parameter", "value", "taken"), PARAMETERS)
def test_parameters_are_read_as_the_document_says(
    name: str, parameter: str, value: Any, *, taken: bool
) -> None:
    """Constraints of path, query, header and cookie: document and reader say the same."""
    operation = RICH.operation(name)
    described = next(p for p in written(operation)["parameters"] if p["name"] == parameter)
    assert allows(described["schema"], DOCUMENT["components"], value) is taken
    assert reads(operation, sent(operation, parameter, value)) is taken


def test_what_is_required_is_what_is_missed() -> None:
    """Exactly the parameters that the document requires are refused when they are missing."""
    search = RICH.operation("search")
    required = {p["name"] for p in written(search)["parameters"] if p.get("required")}
    assert required == {"text"}
    assert reads(search, Request({}, b"text=a", {}))
    with pytest.raises(Failure) as caught:
        ArgumentReader(search).read(Request({}, b"", {}))
    assert {violation.pointer for violation in caught.value.violations} == {"#/text"}


FORM = {b"content-type": b"application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("body", "value", "taken"),
    [
        (b"username=a&password=12345678", {"username": "a", "password": "12345678"}, True),
        (b"username=a&password=1234567", {"username": "a", "password": "1234567"}, False),
        (b"password=12345678", {"password": "12345678"}, False),
    ],
)
def test_forms_are_read_as_the_document_says(body: bytes, value: Any, *, taken: bool) -> None:
    """The fields of a form: document and reader say the same."""
    login = RICH.operation("login")
    content = written(login)["requestBody"]["content"]
    schema = content["application/x-www-form-urlencoded"]["schema"]
    assert allows(schema, DOCUMENT["components"], value) is taken
    assert reads(login, Request({}, b"", FORM, body)) is taken


def test_every_example_in_the_document_is_valid() -> None:
    """Examples of bodies, answers and problems fit the schemas they stand beside."""
    seen = 0
    answers = [*DOCUMENT["components"]["responses"].values()]
    for path in DOCUMENT["paths"].values():
        for operation in path.values():
            answers += [operation.get("requestBody", {}), *operation["responses"].values()]
    for answer in answers:
        for content in answer.get("content", {}).values():
            shown = [one["value"] for one in content.get("examples", {}).values()]
            shown += [content["example"]] if "example" in content else []
            for value in shown:
                assert allows(content["schema"], DOCUMENT["components"], value), value
                seen += 1
    assert seen > 30
