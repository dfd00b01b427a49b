"""Cookies and headers arrive as they were sent, or do not leave at all."""

from typing import Annotated, Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coterie.binding.rest import Caller, Endpoint, Request, from_headers
from coterie.call import Call, Context, Failure, Sent, Trace
from coterie.contract import Code, Contract, Cookie, Header, describe, get

SOME = Context(Trace.root())


class Carried(Contract, version="1.0"):
    """What headers carry."""

    @get("/carried")
    async def carried(
        self,
        session: Annotated[str | None, Cookie()] = None,
        kept: Annotated[list[str] | None, Cookie()] = None,
        tags: Annotated[list[str] | None, Header("X-Tags")] = None,
        counts: Annotated[tuple[int, ...] | None, Header("X-Counts")] = None,
        one: Annotated[str | None, Header("X-One")] = None,
    ) -> str: ...


(OPERATION,) = describe(Carried).operations
CALLER, ENDPOINT = Caller(OPERATION), Endpoint(OPERATION)
NOTHING = {parameter.name: parameter.default for parameter in OPERATION.parameters}


def arrived(context: Context = SOME, **given_: Any) -> dict[str, Any]:
    """The arguments that the service gets, without those nobody gave."""
    out = CALLER.request(Call(OPERATION, {**NOTHING, **given_}, context))
    raw = {name.lower().encode(): value.encode("latin-1") for name, value in out.headers}
    query = urlsplit(out.target).query.encode()
    call = ENDPOINT.call(Request({}, query, raw), out.target.encode(), from_headers(raw))
    return {name: value for name, value in call.arguments.items() if value is not None}


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_cookies_survive_the_wire(one: str, other: str) -> None:
    """Also with separators, quotes and letters of any script."""
    cookies: dict[str, Any] = {"session": one, "kept": [other, one]}
    assert arrived(**cookies) == cookies


items = st.text("abcäß=;\"% '()", min_size=1).filter(lambda item: item == item.strip())


@given(st.lists(items, min_size=1), st.lists(st.integers(-9, 9), min_size=1))
def test_lists_in_headers_survive_the_wire(tags: list[str], counts: list[int]) -> None:
    """As the comma-separated list that HTTP means (RFC 9110, 5.6.1)."""
    headers: dict[str, Any] = {"tags": tags, "counts": tuple(counts)}
    assert arrived(**headers) == headers


def test_latin_letters_survive_in_a_header() -> None:
    """Control of the refusals below."""
    assert arrived(one="é b\tc") == {"one": "é b\tc"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("one", bad) for bad in ("a\r\nX-Evil: 1", "a\n", "a\r", "\0", "€", "\x7f", " a", "a ")],
        ("tags", ["a\r\nb"]),
        ("tags", ["a,b"]),
        ("tags", ["a", ""]),
        ("session", "\ud800"),
    ],
)
def test_what_no_header_keeps_never_leaves(name: str, value: Any) -> None:
    """It is the caller's mistake, told with the parameter's name, before anything is sent."""
    with pytest.raises(Failure, match=name) as caught:
        arrived(**{name: value})
    assert (caught.value.code, caught.value.sent) == (Code.INVALID_ARGUMENT, Sent.NOT_SENT)
    assert len(caught.value.violations) == 1


@pytest.mark.parametrize(
    ("context", "named"),
    [
        (Context(Trace.root(), token="secret\r\nX-Evil: 1"), "token"),
        (Context(Trace.root(), idempotency_key="secret\r\nX-Evil: 1"), "idempotency key"),
    ],
)
def test_what_the_context_holds_smuggles_no_header(context: Context, named: str) -> None:
    """Told without showing it, since a token is a secret."""
    with pytest.raises(Failure, match=named) as caught:
        arrived(context)
    assert (caught.value.code, caught.value.sent) == (Code.INVALID_ARGUMENT, Sent.NOT_SENT)
    assert "secret" not in caught.value.message
