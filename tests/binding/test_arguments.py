"""Requests become typed arguments, or are refused with every field that is wrong."""

import datetime
import uuid
from typing import Any

import msgspec
import pytest

from coterie.contract import Upload
from tests.binding.kit import Colour, Everything, Line, arrive, refused

KEY = uuid.UUID("5d6a3c1e-0f0e-4c1b-9a57-3f0d2b1c4e55")
JSON = {"content-type": "application/json"}
EVERYTHING = {
    "day": "2026-11-22",
    "at": "2026-11-22T10:00:00Z",
    "price": "12.50",
    "key": str(KEY),
    "blob": "AQID",
    "colour": "red",
    "lines": [{"sku": "a", "quantity": 1}],
    "by_name": {"x": {"sku": "b", "quantity": 2}},
    "box": {"inside": {"sku": "c", "quantity": 3}},
    "address": {"street": "Long Road"},
    "pet": {"type": "dog", "tricks": ["sit"]},
}


def test_every_source_gives_typed_values() -> None:
    """Path, query, headers and cookies arrive as the contract's types."""
    call = arrive(
        "GET",
        f"/things/{KEY}?wanted=red&wanted=blue&limit=7&deep=true&since=2026-01-31",
        headers={"User-Agent": "me", "if-part": "x", "Cookie": "session=abc; other=1"},
    )
    assert call.arguments == {
        "key": KEY,
        "wanted": [Colour.RED, Colour.BLUE],
        "limit": 7,
        "deep": True,
        "since": datetime.date(2026, 1, 31),
        "agent": "me",
        "if_part": "x",
        "session": "abc",
    }


def test_what_is_left_out_has_its_default() -> None:
    """Also a list, which no call may share with the next."""
    first = arrive("GET", f"/things/{KEY}").arguments
    assert (first["wanted"], first["limit"], first["deep"]) == ([], 10, False)
    first["wanted"].append(Colour.RED)
    assert arrive("GET", f"/things/{KEY}").arguments["wanted"] == []


@pytest.mark.parametrize("codec", ["json", "msgpack"])
def test_a_body_arrives_as_its_struct(codec: str) -> None:
    """Dates, decimals, UUIDs, bytes, enums, generics, dataclasses and unions, either format."""
    body = msgspec.json.encode(EVERYTHING)
    if codec == "msgpack":
        body = msgspec.msgpack.encode(msgspec.json.decode(body, type=Everything))
    call = arrive(
        "POST",
        "/things?dry=1",
        body,
        {"content-type": f"application/{codec}"},
    )
    thing = call.arguments["thing"]
    assert call.arguments["dry"] is True
    assert thing.day == datetime.date(2026, 11, 22)
    assert (thing.blob, thing.key, thing.colour) == (b"\x01\x02\x03", KEY, Colour.RED)
    assert thing.box.inside == Line("c", 3)
    assert thing.pet.tricks == ["sit"]


def test_members_of_one_body() -> None:
    """A call's parameters are members of one object; defaults hold."""
    body = msgspec.json.encode({"a": 1, "line": {"sku": "x", "quantity": 1}})
    call = arrive("POST", "/things.v1/compute", body, JSON)
    assert call.arguments == {"a": 1, "line": Line("x", 1), "factor": 1.0}


def test_every_invalid_field_is_named_at_once() -> None:
    """Each with where it was and a pointer into it, not only the first."""
    wrong = {**EVERYTHING, "day": "soon", "price": [], "lines": [{"sku": "", "quantity": 0}, 7]}
    del wrong["key"]
    wrong["pet"] = {"type": "fish"}
    failure = refused("POST", "/things", msgspec.json.encode(wrong), JSON)
    assert failure.status == 400
    assert {(v.where, v.pointer) for v in failure.violations} == {
        ("body", "#/day"),
        ("body", "#/price"),
        ("body", "#/key"),
        ("body", "#/lines/0/sku"),
        ("body", "#/lines/0/quantity"),
        ("body", "#/lines/1"),
        ("body", "#/pet/type"),
    }


def test_invalid_parameters_are_named_by_source() -> None:
    """Path and query together, by their names on the wire."""
    failure = refused("GET", "/things/nope?limit=99&wanted=red&wanted=pink&since=now")
    assert [(v.where, v.pointer) for v in failure.violations] == [
        ("path", "#/key"),
        ("query", "#/wanted/1"),
        ("query", "#/limit"),
        ("query", "#/since"),
    ]


@pytest.mark.parametrize(
    "header",
    [
        "a[b]=1; session=ok",
        "a{b}; =; session=ok;",
        'other=1;session="ok"; é=1',
        "session = ok ",
        "session=%6Fk",
    ],
)
def test_one_odd_cookie_costs_the_others_nothing(header: str) -> None:
    """Cookies come from every program of a site; ours is read whatever stands beside it."""
    call = arrive("GET", f"/things/{KEY}", headers={"Cookie": header})
    assert call.arguments["session"] == "ok"


def test_whole_numbers_may_be_written_with_a_point() -> None:
    """JSON knows numbers, not their types."""
    body = b'{"sku": "a", "quantity": 2.0}'
    assert arrive("PUT", f"/things/{KEY}", body, JSON).arguments["line"] == Line("a", 2)


def test_a_decimal_is_never_rounded_on_the_way() -> None:
    """Exact, or refused: whatever else in the body would have to be put right."""
    whole = msgspec.json.encode({**EVERYTHING, "maybe": 1})
    exact = whole.replace(b'"12.50"', b"12345678901234567.89")
    thing = arrive("POST", "/things", exact, JSON).arguments["thing"]
    assert str(thing.price) == "12345678901234567.89"
    pointed = exact.replace(b'"maybe":1', b'"maybe":1.0')
    assert pointed != exact
    assert [v.pointer for v in refused("POST", "/things", pointed, JSON).violations] == ["#/maybe"]


def test_at_most_twenty_mistakes_are_told() -> None:
    """A long list of mistakes costs no more than a short one."""
    body = msgspec.json.encode([{"sku": "", "quantity": 0}] * 2000)
    failure = refused("PATCH", f"/things/{KEY}", body, JSON)
    assert len(failure.violations) == 20


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "missing"),
        (b"{", "application/json"),
        (b"\xff\xfe", "application/json"),
        (b'{"a": NaN}', "application/json"),
        (b"[" * 100_000, "array"),
        (b'{"sku": ' + b"[" * 100_000, "array"),
        (b'{"more": ' + b"[" * 100_000, "deep"),
        (b'{"sku":"a","quantity":1}x', "application/json"),
    ],
)
def test_what_is_no_json_is_a_400_that_says_so(body: bytes, words: str) -> None:
    """Malformed, truncated, too deep: refused before anything is done."""
    failure = refused("PUT", f"/things/{KEY}", body, JSON)
    assert (failure.status, words in failure.message) == (400, True)


def test_the_last_of_duplicate_keys_counts() -> None:
    """As documented, and the same whoever reads it."""
    body = b'{"sku":"a","sku":"b","quantity":1}'
    assert arrive("PUT", f"/things/{KEY}", body, JSON).arguments["line"].sku == "b"


def test_unknown_members_are_ignored() -> None:
    """A newer caller may say more than this service knows."""
    body = b'{"sku":"a","quantity":1,"colour":"red"}'
    assert arrive("PUT", f"/things/{KEY}", body, JSON).arguments["line"] == Line("a", 1)


@pytest.mark.parametrize("content_type", ["text/xml", "application/x-www-form-urlencoded", "x"])
def test_another_content_type_is_a_415(content_type: str) -> None:
    """And says which ones are understood."""
    failure = refused("PUT", f"/things/{KEY}", b"{}", {"content-type": content_type})
    assert failure.status == 415
    assert ("Accept", "application/json, application/msgpack") in failure.headers


@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset=utf-8", "APPLICATION/JSON", "application/merge-patch+json", ""],
)
def test_json_by_any_of_its_names(content_type: str) -> None:
    """Parameters and case do not matter, a suffix is enough, none means JSON."""
    headers = {"content-type": content_type} if content_type else {}
    body = b'{"sku":"a","quantity":1}'
    assert arrive("PUT", f"/things/{KEY}", body, headers).arguments["line"] == Line("a", 1)


@pytest.mark.parametrize("target", ["/list?limit=%ff", "/list?" + "&".join(["limit=1"] * 1001)])
def test_a_query_that_cannot_be_read_is_a_400(target: str) -> None:
    """Not UTF-8, or more fields than anyone needs."""
    assert refused("GET", target).status == 400


def test_forms() -> None:
    """Urlencoded and multipart; the last of repeated fields counts."""
    headers = {"content-type": "application/x-www-form-urlencoded"}
    call = arrive("POST", "/form", b"name=J%C3%BCrgen+K&age=1&age=42", headers)
    assert call.arguments == {"name": "J\u00fcrgen K", "age": 42}
    failure = refused("POST", "/form", b"age=x", headers)
    assert {(v.where, v.pointer) for v in failure.violations} == {
        ("form", "#/name"),
        ("form", "#/age"),
    }
    assert refused("POST", "/form", b"{}", JSON).status == 415


MULTIPART = (
    b'--b\r\ncontent-disposition: form-data; name="title"\r\n\r\nhello\r\n'
    b'--b\r\ncontent-disposition: form-data; name="files"; filename="a.txt"\r\n'
    b"content-type: text/plain\r\n\r\nabc\r\n"
    b'--b\r\ncontent-disposition: form-data; name="files"; filename="../b"\r\n\r\n\x00\xff\r\n'
    b"--b--\r\n"
)


def test_uploads() -> None:
    """Files come with name, type and bytes; without a type they are just bytes."""
    headers = {"content-type": "multipart/form-data; boundary=b"}
    arguments = arrive("POST", "/upload", MULTIPART, headers).arguments
    assert arguments == {
        "title": "hello",
        "files": [
            Upload("a.txt", "text/plain", b"abc"),
            Upload("../b", "application/octet-stream", b"\x00\xff"),
        ],
    }


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (MULTIPART[:-8], "multipart/form-data; boundary=b"),
        (MULTIPART, "multipart/form-data"),
        (MULTIPART, "multipart/form-data; boundary=other"),
        (b"", "multipart/form-data; boundary=b"),
        (b"--b\r\n\r\nx\r\n--b--\r\n", "multipart/form-data; boundary=b"),
        (
            b'--b\r\ncontent-disposition: form-data; name="files"\r\n\r\ntext\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
        ),
    ],
)
def test_a_broken_form_is_a_400(body: bytes, content_type: str) -> None:
    """Cut off, without boundary, without names, text where a file should be."""
    assert refused("POST", "/upload", body, {"content-type": content_type}).status == 400


def test_raw_bodies() -> None:
    """Bytes and text arrive as they are, and only as the media type promised."""
    png = arrive("POST", "/raw", b"\x89PNG", {"content-type": "image/png"})
    assert png.arguments == {"data": b"\x89PNG"}
    assert refused("POST", "/raw", b"x", {"content-type": "image/gif"}).status == 415
    note = arrive("POST", "/note", "grün".encode(), {"content-type": "text/plain"})
    assert note.arguments == {"note": "grün"}
    assert refused("POST", "/note", b"\xff", {"content-type": "text/plain"}).status == 400


@pytest.mark.parametrize(
    ("headers", "left"),
    [({}, None), ({"coterie-timeout-ms": "1500"}, 1.5), ({"coterie-timeout-ms": "-5"}, None)],
)
def test_the_deadline_travels_as_milliseconds_left(headers: Any, left: float | None) -> None:
    """A malformed one is none."""
    remaining = arrive("GET", "/text", headers=headers).context.remaining
    assert remaining is None if left is None else (remaining or 0) == pytest.approx(left, abs=0.2)
