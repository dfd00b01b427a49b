"""Results: JSON, and all that is not."""

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from typing import Annotated, Any, Generic, TypeVar

import pytest

from coterie.contract import (
    Content,
    Header,
    Html,
    Redirect,
    Result,
    Struct,
    Text,
    get,
)

from .declaring import described

T = TypeVar("T")


class Created(Struct):
    id: int
    location: Annotated[str, Header("Location")]
    rate_limit: Annotated[int | None, Header()] = None


class Wrapped(Struct, Generic[T]):
    value: T
    version: Annotated[str, Header("X-Version")] = "1"


def result(hint: Any) -> Result:
    """The result of an operation that returns ``hint``."""

    async def thing(self: Any) -> Any: ...

    thing.__annotations__["return"] = hint
    return described(get("/thing")(thing)).result


@pytest.mark.parametrize("hint", [int, None, list[str], Created, dict[str, int] | None], ids=str)
def test_values_travel_in_whatever_format_the_caller_likes(hint: Any) -> None:
    """No media type is fixed: JSON or MessagePack, by negotiation."""
    found = result(hint)
    assert found.media is None
    assert not found.stream
    assert not found.redirect


# type, media type (RFC 9110, 8.3)
MEDIA: list[tuple[Any, str]] = [
    (bytes, "application/octet-stream"),
    (Annotated[bytes, Content("application/pdf")], "application/pdf"),
    (Text, "text/plain; charset=utf-8"),
    (Html, "text/html; charset=utf-8"),
    (Annotated[str, Content("text/csv")], "text/csv"),
    (Annotated[Created, Content("application/vnd.shop+json")], "application/vnd.shop+json"),
]


@pytest.mark.parametrize(("hint", "media"), MEDIA, ids=[media for _, media in MEDIA])
def test_a_result_may_be_of_one_media_type(hint: Any, media: str) -> None:
    """Files, text and pages say what they are."""
    assert result(hint).media == media


@pytest.mark.parametrize("kind", [AsyncIterator, AsyncIterable])
def test_a_result_may_be_a_stream(kind: Any) -> None:
    """An async iterator of bytes leaves as it is made."""
    found = result(kind[bytes])
    assert found.stream
    assert found.media == "application/octet-stream"


def test_a_stream_has_a_media_type_too() -> None:
    found = result(Annotated[AsyncGenerator[bytes, None], Content("text/event-stream")])
    assert found.stream
    assert found.media == "text/event-stream"


def test_a_redirect_is_a_result() -> None:
    """It needs no body and no media type; 303 sends a browser on with GET (RFC 9110, 15.4.4)."""
    assert result(Redirect) == Result(Redirect, redirect=True)
    assert Redirect("/orders/1").status == 303


def test_fields_of_a_result_may_travel_as_headers() -> None:
    """Each by its own name, or by the field's with hyphens and capitals."""
    assert result(Created).headers == (("location", "Location"), ("rate_limit", "Rate-Limit"))


def test_a_generic_result_keeps_its_header_fields() -> None:
    assert result(Wrapped[Created]).headers == (("version", "X-Version"),)


def test_a_result_without_header_fields_has_none() -> None:
    assert result(list[Created]).headers == ()
    assert result(int).headers == ()
