"""What is typed becomes typed arguments, or a message that says what would."""

import asyncio
import datetime
import enum
import io
import uuid
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import pytest
from msgspec import Struct, field

from coterie.cli.arguments import arguments_of, slots
from coterie.cli.mistakes import Mistake
from coterie.contract import (
    Body,
    Contract,
    Form,
    Header,
    Meta,
    Upload,
    describe,
    get,
    post,
)


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Size(Struct, frozen=True):
    width: int
    height: Annotated[int, Meta(ge=1, le=10)] = 1


class Thing(Struct, frozen=True):
    name: Annotated[str, Meta(min_length=1, max_length=40)]
    size: Size
    tags: list[str] = []
    prices: dict[str, Decimal] = {}
    colour: Colour | None = None
    parts: tuple[Size, ...] = ()
    made_by: str = field(default="", name="madeBy")


class Circle(Struct, frozen=True, tag="circle"):
    radius: float


class Square(Struct, frozen=True, tag="square"):
    side: float


class Things(Contract, version="1.0"):
    """Everything a parameter may be."""

    @get("/plain/{number}")
    async def plain(
        self,
        number: int,
        on: bool = False,
        day: datetime.date | None = None,
        key: uuid.UUID | None = None,
        many: list[int] | None = None,
        if_match: Annotated[str | None, Header()] = None,
    ) -> None: ...

    @post("/things")
    async def add(self, thing: Thing, dry: bool = False) -> None: ...

    @post("/list")
    async def add_all(self, things: list[Size]) -> None: ...

    @post("/shape")
    async def draw(self, shape: Circle | Square) -> None: ...

    @post("/raw")
    async def raw(self, content: Annotated[bytes, Body()]) -> None: ...

    @post("/stream")
    async def stream(self, content: Annotated[AsyncIterator[bytes], Body()]) -> None: ...

    @post("/upload")
    async def upload(self, picture: Upload, title: Annotated[str, Form()] = "") -> None: ...

    @get("/nothing")
    async def nothing(self) -> None: ...


DESCRIPTION = describe(Things)


def given(operation: str, *words: str, stdin: str = "") -> dict[str, Any]:
    """The arguments that ``words`` come to."""
    return arguments_of(DESCRIPTION.operation(operation), words, io.BytesIO(stdin.encode()))


def wrong(operation: str, *words: str, stdin: str = "") -> str:
    """What is said of ``words``."""
    with pytest.raises(Mistake) as caught:
        given(operation, *words, stdin=stdin)
    assert caught.value.code == 2
    assert caught.value.details[0].startswith(f"things.{operation} takes")
    return caught.value.message


def test_plain_values_are_typed() -> None:
    """Text becomes numbers, dates, lists, as the parameter says."""
    key = "0b0e7d6e-4c2b-4a83-9c71-7d1e6a0a8d11"
    words = ["number=7", "on=true", "day=2026-01-31", f"key={key}", "many=1", "many=2"]
    assert given("plain", *words) == {
        "number": 7,
        "on": True,
        "day": datetime.date(2026, 1, 31),
        "key": uuid.UUID(key),
        "many": [1, 2],
    }
    assert given("plain", "number=7", "many=1") == {"number": 7, "many": [1]}
    assert given("plain", "number=7", "many=[3, 4]") == {"number": 7, "many": [3, 4]}
    assert given("plain", "number=7", "if_match=a=b") == {"number": 7, "if_match": "a=b"}


def test_fields_of_the_body_are_typed_alike() -> None:
    """One level, two levels, lists, mappings, by Python's name and by the wire's."""
    words = ["name=lamp", "size.width=2", "size.height=3", "tags=a", "tags=b", "colour=red"]
    expected = Thing("lamp", Size(2, 3), ["a", "b"], {"EUR": Decimal("1.5")}, Colour.RED)
    assert given("add", *words, "prices.EUR=1.5") == {"thing": expected}
    assert given("add", "thing.name=x", "thing.size.width=1") == {"thing": Thing("x", Size(1))}
    by_wire = given("add", "name=x", "size.width=1", "madeBy=me", "dry=1")
    assert by_wire == {"thing": Thing("x", Size(1), made_by="me"), "dry": True}
    assert given("add", "name=x", "size.width=1", "made_by=me")["thing"].made_by == "me"
    assert given("add", "name=x", 'size={"width": 1}') == {"thing": Thing("x", Size(1))}
    parts = given("add", "name=x", "size.width=1", 'parts=[{"width": 5}]')
    assert parts["thing"].parts == (Size(5),)


def test_json_comes_from_standard_input() -> None:
    """Alone or beside words, which add to it; a list where the body is one."""
    whole = '{"name": "lamp", "size": {"width": 1}}'
    assert given("add", "-", stdin=whole) == {"thing": Thing("lamp", Size(1))}
    mixed = given("add", "-", "size.height=4", "dry=true", stdin=whole)
    assert mixed == {"thing": Thing("lamp", Size(1, 4)), "dry": True}
    assert given("add_all", "-", stdin='[{"width": 1}]') == {"things": [Size(1)]}
    assert given("add_all", 'things=[{"width": 1}]') == {"things": [Size(1)]}
    circle = '{"shape": {"type": "circle", "radius": 1}}'
    assert given("draw", "-", stdin=circle) == {"shape": Circle(1.0)}
    assert given("draw", "shape.type=square", "shape.side=2") == {"shape": Square(2.0)}
    assert given("plain", "-", stdin='{"number": 3, "many": [1]}') == {"number": 3, "many": [1]}


def test_files_are_sent_as_they_are(tmp_path: Path) -> None:
    """@FILE for bytes, uploads and streams; @- is standard input."""
    file = tmp_path / "a.png"
    file.write_bytes(b"\x89PNG")
    assert given("raw", f"content=@{file}") == {"content": b"\x89PNG"}
    assert given("raw", "content=@-", stdin="typed") == {"content": b"typed"}
    assert given("raw", "content=text") == {"content": b"text"}
    picture = {"picture": Upload("a.png", "image/png", b"\x89PNG"), "title": "t"}
    assert given("upload", f"picture=@{file}", "title=t") == picture

    async def gathered() -> bytes:
        return b"".join([chunk async for chunk in given("stream", f"content=@{file}")["content"]])

    assert asyncio.run(gathered()) == b"\x89PNG"
    assert "nowhere.png cannot be read: No such file" in wrong("raw", "content=@nowhere.png")
    assert wrong("upload", "picture=a.png") == "picture is a file: picture=@PATH"


WRONG: dict[tuple[str, ...], str] = {
    ("plain", "7"): "'7' is not of the form name=value",
    ("plain", "=7"): "'=7' is not of the form name=value",
    ("plain",): "things.plain lacks number",
    ("plain", "nunber=7"): "things.plain takes no nunber. Did you mean number?",
    ("plain", "number=7", "number=8"): "number takes one value",
    ("plain", "number=many"): "number: Expected `int`, got `str`",
    ("plain", "number.x=1"): "number is int, and has no x",
    ("plain", "number=1", "number.x=1"): "number.x: number has a value already",
    ("add", "size.width=1"): "things.add lacks name",
    ("add",): "things.add lacks name and size",
    ("add", "name=x", "size=1"): "size has parts: ",
    ("add", "name=x", "size.widht=1"): "thing.size has no widht. Did you mean width?",
    ("add", "name=x", "size.height=1"): "Object missing required field `width` - at `thing.size`",
    ("add", "name=x", "size.width=1", "size.height=11"): "Expected `int` <= 10 - at",
    ("add", "name=x", "size.width=1", "colour=green"): "Invalid enum value 'green' - at",
    ("add", "name=x", "size={"): "thing.size is no JSON",
    ("add", "thing=1", "name=x"): "thing is given whole, and name beside it",
    ("nothing", "x=1"): "things.nothing takes no x",
}


@pytest.mark.parametrize("words", WRONG)
def test_what_does_not_fit_is_told(words: tuple[str, ...]) -> None:
    """Before anything is sent, with a suggestion where something is misspelt."""
    assert WRONG[words] in wrong(*words)


@pytest.mark.parametrize(
    ("text", "what"), [("{", "is no JSON"), ("1", "is no JSON object"), ("", "no")]
)
def test_bad_standard_input_is_told(text: str, what: str) -> None:
    """So is what was piped in."""
    assert what in wrong("plain", "-", stdin=text)


def test_unknown_members_of_json_are_told() -> None:
    """A misspelt optional field would otherwise be left out in silence."""
    text = '{"name": "x", "size": {"width": 1, "heigth": 3}}'
    assert wrong("add", "-", stdin=text) == "thing.size has no heigth. Did you mean height?"


def test_what_an_operation_takes_is_said_in_words() -> None:
    """In its order, with bounds; fields of the body as if they were parameters."""
    taken = {slot.name: (slot.kind, slot.required) for slot in slots(DESCRIPTION.operation("add"))}
    assert taken == {
        "name": ("text, 1 to 40 characters", True),
        "size": ("Size", True),
        "tags": ("list of text", False),
        "prices": ("object of decimal", False),
        "colour": ("red or blue", False),
        "parts": ("list of Size", False),
        "made_by": ("text", False),
        "dry": ("true or false", False),
    }
    shown = [slot.kind for slot in slots(DESCRIPTION.operation("plain"))]
    assert shown == ["int", "true or false", "date", "UUID", "list of int", "text"]
    assert slots(DESCRIPTION.operation("draw"))[0].kind == "Circle or Square"
