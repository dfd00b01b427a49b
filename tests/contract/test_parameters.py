"""Parameters: where an argument travels, told from its name and its type."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias, TypedDict
from uuid import UUID

import pytest

from coterie.contract import (
    Body,
    Content,
    Cookie,
    Form,
    Header,
    Meta,
    Parameter,
    Path,
    Query,
    Source,
    Struct,
    Upload,
    call,
    delete,
    get,
    patch,
    post,
    put,
)

from .declaring import described


class Line(Struct):
    product_id: int
    quantity: int


@dataclass
class Address:
    street: str


class Point(NamedTuple):
    x: int
    y: int


class Options(TypedDict):
    wrap: bool


class Colour(Enum):
    RED = "red"


Count = Annotated[int, Meta(ge=1, le=100)]
MaybeCount: TypeAlias = Count | None

PLAIN: list[Any] = [
    int,
    str,
    bool,
    float,
    Decimal,
    UUID,
    Colour,
    Literal["new", "old"],
    Count,
    int | None,
    MaybeCount,
]
WHOLE: list[Any] = [
    Line,
    Line | None,
    Address,
    Options,
    Point,
    list[Line],
    list[int],
    tuple[int, str],
    set[str],
    dict[str, int],
    bytes,
    Annotated[str, Content("text/csv")],
    AsyncIterator[bytes],
    Annotated[AsyncIterator[bytes], Content("video/mp4")],
]


def parameter(
    hint: Any, decorator: Callable[..., Any] = post, path: str = "/things", default: Any = ...
) -> Parameter:
    """The parameter ``value`` of an operation that has no other."""

    async def thing(self: Any, value: Any) -> None: ...

    thing.__annotations__["value"] = hint
    if default is not ...:
        thing.__defaults__ = (default,)
    [found] = described(decorator(path)(thing) if path else call()(thing)).parameters
    return found


@pytest.mark.parametrize("decorator", [get, post, put, patch, delete])
@pytest.mark.parametrize("hint", PLAIN, ids=str)
def test_plain_values_come_from_the_query(hint: Any, decorator: Callable[..., Any]) -> None:
    """Whatever the method: a number, text, date or choice is a query parameter."""
    assert parameter(hint, decorator).source is Source.QUERY


@pytest.mark.parametrize("decorator", [post, put, patch])
@pytest.mark.parametrize("hint", WHOLE, ids=str)
def test_values_with_parts_and_bytes_fill_the_body(
    hint: Any, decorator: Callable[..., Any]
) -> None:
    """Where the method has a body, a struct, a list, bytes or a stream is that body."""
    assert parameter(hint, decorator).source is Source.BODY


@pytest.mark.parametrize("decorator", [get, delete])
@pytest.mark.parametrize("hint", [list[int], set[str], tuple[str, ...], list[Colour]], ids=str)
def test_lists_of_plain_values_come_from_a_query_too(
    hint: Any, decorator: Callable[..., Any]
) -> None:
    """Where there is no body: `?tag=a&tag=b`."""
    assert parameter(hint, decorator).source is Source.QUERY


@pytest.mark.parametrize("decorator", [get, post, put, patch, delete])
@pytest.mark.parametrize("hint", [int, str, UUID, Colour, Count], ids=str)
def test_names_in_braces_come_from_the_path(hint: Any, decorator: Callable[..., Any]) -> None:
    found = parameter(hint, decorator, "/things/{value}")
    assert found.source is Source.PATH
    assert found.required


@pytest.mark.parametrize("hint", [Upload, Upload | None, list[Upload]], ids=str)
def test_files_come_from_a_form(hint: Any) -> None:
    """An upload is a part of a multipart form, alone or one of several."""
    assert parameter(hint).source is Source.FORM


@pytest.mark.parametrize("hint", [*PLAIN, Line, list[Line], dict[str, int], bytes, Upload], ids=str)
def test_everything_a_call_takes_is_a_member_of_one_body(hint: Any) -> None:
    """A `call` has no path and no query: name and value, one JSON object."""
    assert parameter(hint, path="").source is Source.MEMBER


@pytest.mark.parametrize(
    ("marker", "source", "alias"),
    [
        (Query(), Source.QUERY, "value"),
        (Query("filter[value]"), Source.QUERY, "filter[value]"),
        (Header(), Source.HEADER, "value"),
        (Header("X-Value"), Source.HEADER, "X-Value"),
        (Cookie(), Source.COOKIE, "value"),
        (Cookie("session"), Source.COOKIE, "session"),
        (Form(), Source.FORM, "value"),
        (Form("user-name"), Source.FORM, "user-name"),
        (Body(), Source.BODY, "value"),
    ],
    ids=repr,
)
def test_a_marker_says_where_and_under_which_name(marker: Any, source: Source, alias: str) -> None:
    """`Annotated[T, Header("X-Value")]` overrides both what the type and what the name say."""
    found = parameter(Annotated[str, marker])
    assert (found.source, found.alias, found.name) == (source, alias, "value")


def test_a_marker_may_repeat_what_the_path_says() -> None:
    assert parameter(Annotated[int, Path()], get, "/things/{value}").source is Source.PATH


def test_a_header_without_a_name_has_hyphens() -> None:
    """No header has underscores: `x_request_id` is `x-request-id`."""

    @get("/things")
    async def things(self: Any, x_request_id: Annotated[str, Header()]) -> None: ...

    [found] = described(things).parameters
    assert (found.name, found.alias) == ("x_request_id", "x-request-id")


def test_markers_and_constraints_stand_side_by_side() -> None:
    """The type keeps its constraints; the marker takes nothing away."""
    hint = Annotated[int, Meta(ge=1), Query("n")]
    found = parameter(hint)
    assert found.type == hint
    assert found.alias == "n"


@pytest.mark.parametrize("default", [None, 7, "x", False, 0], ids=repr)
def test_a_default_makes_a_parameter_optional(default: Any) -> None:
    """A default of `None` or zero is a default as any other."""
    found = parameter(Any, get, default=default)
    assert not found.required
    assert found.default == default


def test_optional_is_not_the_same_as_absent() -> None:
    """`int | None` without a default must be given, if only as nothing."""
    assert parameter(int | None).required


def test_parameters_keep_the_order_of_the_method() -> None:
    """Path, query, header, cookie and body stand side by side; `self` is none of them."""

    @put("/users/{user_id}/orders/{order_id}")
    async def amend(
        self: Any,
        order_id: int,
        line: Line,
        user_id: UUID,
        *,
        dry_run: bool = False,
        if_match: Annotated[str | None, Header()] = None,
        session: Annotated[str, Cookie()] = "",
    ) -> None: ...

    assert [(p.name, p.source, p.required) for p in described(amend).parameters] == [
        ("order_id", Source.PATH, True),
        ("line", Source.BODY, True),
        ("user_id", Source.PATH, True),
        ("dry_run", Source.QUERY, False),
        ("if_match", Source.HEADER, False),
        ("session", Source.COOKIE, False),
    ]


def test_a_body_may_arrive_as_a_stream() -> None:
    """An async iterator of bytes is handed over as it arrives; bytes come whole."""
    assert parameter(AsyncIterator[bytes]).stream
    assert not parameter(bytes).stream
