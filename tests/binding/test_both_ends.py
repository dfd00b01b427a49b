"""What a client sends is what the service gets, and what it answers is what the client gets."""

import datetime
import decimal
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coterie.binding.rest import Caller, Response
from coterie.call import Call, Context, Failure, Reply, Trace, calling
from coterie.contract import Code, Fault, Page, Redirect, Upload
from tests.binding.kit import (
    OPERATIONS,
    Address,
    Box,
    Cat,
    Colour,
    Dog,
    Everything,
    Line,
    Made,
    Plain,
    TooMany,
    arrive,
    joined,
    rendered,
    told,
)

CALLERS = {name: Caller(operation) for name, operation in OPERATIONS.items()}
KEY = uuid.UUID(int=7)
SOME = Context(Trace.root())


def sent(name: str, arguments: dict[str, Any], context: Context = SOME) -> Call:
    """A call, as it arrives at the service."""
    defaults = {p.name: p.default for p in OPERATIONS[name].parameters if not p.required}
    out = CALLERS[name].request(Call(OPERATIONS[name], {**defaults, **arguments}, context))
    return arrive(out.method, out.target, out.body, dict(out.headers))


def received(name: str, reply: Reply) -> Any:
    """A reply, as the client sees it."""
    headers = {key.lower(): value for key, value in reply.headers}
    return CALLERS[name].result(Response(reply.status, headers, reply.body))


texts = st.text(st.characters(codec="utf-8"), max_size=20)
lines = st.builds(
    Line, texts.filter(lambda t: 0 < len(t) <= 20), st.integers(1, 2**60), st.none() | texts
)
everything = st.builds(
    Everything,
    st.dates(),
    st.datetimes(timezones=st.just(datetime.UTC)),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.uuids(),
    st.binary(),
    st.sampled_from(Colour),
    st.lists(lines, max_size=3),
    st.dictionaries(texts, lines, max_size=3),
    st.builds(Box, lines),
    st.builds(Address, texts, st.integers(-(2**40), 2**40)),
    st.builds(Cat, st.integers(0, 9)) | st.builds(Dog, st.lists(texts, max_size=2)),
    st.none() | st.integers(-(2**60), 2**60),
)


@given(everything, st.booleans())
def test_bodies_survive_the_wire(thing: Everything, dry: bool) -> None:
    """Every type a struct may have."""
    assert sent("add", {"thing": thing, "dry": dry}).arguments == {"thing": thing, "dry": dry}


@given(
    st.uuids(),
    st.lists(st.sampled_from(Colour), max_size=4),
    st.integers(1, 50),
    st.booleans(),
    st.none() | st.dates(),
    st.none() | st.text("abc XYZ:;,/+%", min_size=1).map(str.strip).filter(bool),
    st.none() | st.text("abcXYZ09-_", min_size=1),
)
def test_plain_values_survive_the_wire(
    key: uuid.UUID,
    wanted: list[Colour],
    limit: int,
    deep: bool,
    since: datetime.date | None,
    agent: str | None,
    session: str | None,
) -> None:
    """Through path, query, header and cookie."""
    arguments = {
        "key": key,
        "wanted": wanted,
        "limit": limit,
        "deep": deep,
        "since": since,
        "agent": agent,
        "if_part": None,
        "session": session,
    }
    assert sent("thing", arguments).arguments == arguments


@given(texts)
def test_text_in_queries_survives_the_wire(to: str) -> None:
    """Spaces, ampersands, slashes, emoji."""
    assert sent("away", {"to": to}).arguments == {"to": to}


@given(texts, st.lists(st.builds(Upload, texts, st.just("text/plain"), st.binary()), min_size=1))
def test_uploads_survive_the_wire(title: str, files: list[Upload]) -> None:
    """Whatever the names and the bytes; line breaks in names are what browsers make of them."""
    got = sent("upload", {"title": title, "files": files}).arguments
    assert got["title"] == title
    assert [file.data for file in got["files"]] == [file.data for file in files]


def test_members_forms_and_raw_bodies_survive_the_wire() -> None:
    """The other ways to send something."""
    members = {"a": 1, "line": Line("x", 2), "factor": 0.5}
    assert sent("compute", members).arguments == members
    assert sent("form", {"name": "a&b=c ü", "age": 3}).arguments == {"name": "a&b=c ü", "age": 3}
    assert sent("raw", {"data": b"\x00\xff"}).arguments == {"data": b"\x00\xff"}
    assert sent("note", {"note": "grün"}).arguments == {"note": "grün"}


def test_the_context_travels() -> None:
    """Trace, deadline, token, idempotency key and baggage, over one hop."""
    with calling(
        timeout=5, token="abc", idempotency_key="k 1", baggage={"who": "Jürgen, K=1; x"}
    ) as context:
        got = sent("text", {}, context).context
    assert got.trace.trace_id == context.trace.trace_id
    assert got.trace.parent == context.trace.span_id
    assert got.remaining == pytest.approx(5, abs=0.5)
    assert (got.token, got.idempotency_key) == ("abc", "k 1")
    assert dict(got.baggage) == {"who": "Jürgen, K=1; x"}
    assert got.principal is None  # a token is no proof until somebody has verified it


@pytest.mark.parametrize(
    ("name", "arguments", "value"),
    [
        ("add", {"thing": None}, Made(1, "/things/1", 3)),
        ("listed", {}, Page([Line("a", 1)], "next")),
        ("remove", {"key": KEY}, None),
        ("text", {}, "grün"),
        ("html", {}, "<p>"),
        ("pdf", {}, b"%PDF\x00"),
        ("word", {}, "word"),
        ("away", {"to": "x"}, Redirect("/there", 307)),
        ("compute", {"a": 1, "line": Line("a", 1)}, 2.5),
    ],
)
def test_results_survive_the_wire(name: str, arguments: dict[str, Any], value: Any) -> None:
    """JSON, nothing, text, bytes, redirects, header fields."""
    if name == "add":
        arguments = {"thing": everything_once()}
    assert received(name, rendered(sent(name, arguments), value)) == value


def everything_once() -> Everything:
    return Everything(
        datetime.date(2026, 1, 1),
        datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        decimal.Decimal("1.0"),
        KEY,
        b"",
        Colour.RED,
        [],
        {},
        Box(Line("a", 1)),
        Address("x"),
        Cat(9),
    )


@pytest.mark.parametrize("fault", [TooMany(7), TooMany(0, datetime.date(2026, 3, 4)), Plain()])
def test_a_fault_raised_is_the_fault_caught(fault: Fault) -> None:
    """The same class, the same fields."""
    with pytest.raises(type(fault)) as caught:
        received("add", told(fault))
    assert caught.value == fault


def test_a_fault_the_client_does_not_know_says_so() -> None:
    """A newer service may raise more; an older client gets a failure that names it."""
    with pytest.raises(Failure) as caught:
        received("thing", told(TooMany(7)))
    assert (caught.value.code, caught.value.fault) == (Code.FAILED_PRECONDITION, "too-many")
    assert "its contract here lacks" in caught.value.message
    assert caught.value.members["count"] == 7


@pytest.mark.parametrize("code", list(Code))
def test_a_failure_raised_is_the_failure_caught(code: Code) -> None:
    """Code, message and waiting time."""
    with pytest.raises(Failure) as caught:
        received("text", told(Failure(code, "why", retry_after=3)))
    assert (caught.value.code, caught.value.message) == (code, "why")
    assert caught.value.retry_after == 3


@pytest.mark.parametrize(
    ("status", "headers", "body", "code"),
    [
        (502, {}, b"<html>", Code.UNAVAILABLE),
        (503, {"content-type": "text/plain"}, b"", Code.UNAVAILABLE),
        (404, {"content-type": "application/json"}, b"{", Code.NOT_FOUND),
        (404, {"content-type": "application/json"}, b"[1]", Code.NOT_FOUND),
        (418, {"content-type": "application/json"}, b'{"code": 7, "errors": 7}', Code.UNKNOWN),
        (409, {"content-type": "application/problem+json"}, b'{"type":"urn:coterie:too-many"}',
         Code.UNKNOWN),
        (302, {"location": "/elsewhere"}, b"", Code.UNKNOWN),
    ],
)  # fmt: skip
def test_foreign_answers_become_failures(
    status: int, headers: dict[str, str], body: bytes, code: Code
) -> None:
    """Proxies, other frameworks, broken bodies: always a failure, never a crash."""
    with pytest.raises(Failure) as caught:
        CALLERS["add"].result(Response(status, headers, body))
    assert caught.value.code is code


@pytest.mark.parametrize("body", [b"", b"{", b'{"sku": 1}', b"[" * 100_000])
def test_an_answer_that_breaks_the_contract_is_a_failure(body: bytes) -> None:
    """Said so, with the operation's name."""
    with pytest.raises(Failure, match=r"things\.thing") as caught:
        CALLERS["thing"].result(Response(200, {"content-type": "application/json"}, body))
    assert caught.value.code is Code.UNKNOWN


def test_streams_are_handed_over() -> None:
    """Both ways, without being gathered."""

    async def three() -> AsyncIterator[bytes]:
        for part in (b"1", b"2", b"3"):
            yield part

    assert joined(sent("take_rows", {"rows": three()}).arguments["rows"]) == b"123"
    assert joined(received("rows", rendered(sent("rows", {}), three()))) == b"123"


@pytest.mark.parametrize("dots", [".", "..", "...", "a/b", "%2F", "a b", "ü"])
def test_a_path_segment_stays_one_segment(dots: str) -> None:
    """What a value holds can never become another path."""
    out = Caller(OPERATIONS["thing"]).request(
        Call(OPERATIONS["thing"], {**_DEFAULTS, "key": dots}, SOME)
    )
    path = out.target.split("?")[0]
    assert path.startswith("/things/")
    assert path.count("/") == 2
    assert path.rsplit("/", 1)[1] not in (".", "..")


_DEFAULTS = {p.name: p.default for p in OPERATIONS["thing"].parameters if not p.required}
