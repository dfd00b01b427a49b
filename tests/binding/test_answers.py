"""Results become replies: formats, headers, entity tags, pages, problems."""

import datetime
import json
from typing import Any

import msgspec
import pytest

from coterie.call import Failure, Violation
from coterie.contract import Code, Page, Redirect
from tests.binding.kit import (
    Line,
    Made,
    Plain,
    TooMany,
    arrive,
    body_of,
    refused,
    rendered,
    told,
)
from tests.binding.test_arguments import EVERYTHING, JSON, KEY

LINE = Line("a", 1)


def headers_of(reply: Any) -> dict[str, str]:
    return dict(reply.headers)


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/json", "application/json"),
        ("application/msgpack", "application/msgpack"),
        ("application/x-msgpack", "application/msgpack"),
        ("application/json;q=0.5, application/msgpack", "application/msgpack"),
        ("application/msgpack;q=0.1, */*;q=0.2", "application/json"),
        ("text/html, application/json;q=0.1", "application/json"),
        ("application/json;q=0, application/msgpack;q=0.1", "application/msgpack"),
    ],
)
def test_the_asker_chooses_the_format(accept: str | None, media: str) -> None:
    """By RFC 9110: the most specific range counts, then the highest q."""
    call = arrive("PUT", f"/things/{KEY}", b'{"sku":"a","quantity":1}', _accept(accept))
    reply = rendered(call, LINE)
    assert headers_of(reply)["content-type"] == media
    decode = msgspec.json.decode if media == "application/json" else msgspec.msgpack.decode
    assert decode(body_of(reply)) == {"sku": "a", "quantity": 1, "note": None}


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "image/*"])
def test_what_nobody_can_produce_is_a_406(accept: str) -> None:
    """Before the method runs."""
    assert refused("GET", "/word", headers={"accept": accept}).status == 406


@pytest.mark.parametrize(
    ("path", "value", "media", "body"),
    [
        ("/text", "Hello from Service A!", "text/plain; charset=utf-8", b"Hello from Service A!"),
        ("/html", "<p>ü</p>", "text/html; charset=utf-8", "<p>ü</p>".encode()),
        ("/pdf", b"%PDF", "application/pdf", b"%PDF"),
        ("/word", "yes", "application/json", b'"yes"'),
    ],
)
def test_results_that_are_no_json(path: str, value: Any, media: str, body: bytes) -> None:
    """Text, pages and files go out as they are; a plain `str` is JSON."""
    reply = rendered(arrive("GET", path), value)
    assert (headers_of(reply)["content-type"], reply.body) == (media, body)


def test_a_raw_result_is_refused_where_it_is_not_acceptable() -> None:
    """A PDF is no HTML."""
    assert refused("GET", "/pdf", headers={"accept": "text/html"}).status == 406
    arrive("GET", "/pdf", headers={"accept": "text/html, application/pdf;q=0.1"})


def test_header_fields_leave_the_body() -> None:
    """A field marked Header is a header, and only that; an empty one is none."""
    call = arrive("POST", "/things", json.dumps(EVERYTHING).encode(), JSON)
    reply = rendered(call, Made(7, "/things/7"))
    assert reply.status == 201
    assert headers_of(reply)["Location"] == "/things/7"
    assert "X-Tries" not in headers_of(reply)
    assert json.loads(body_of(reply)) == {"id": 7}


def test_no_result_is_a_204() -> None:
    """Without body or content type."""
    reply = rendered(arrive("DELETE", f"/things/{KEY}"), None)
    assert (reply.status, reply.body, reply.headers) == (204, b"", ())


@pytest.mark.parametrize(
    ("to", "location"),
    [("/x?y=1", "/x?y=1"), ("/ü", "/%C3%BC"), ("/a\r\nSet-Cookie: x", "/a%0D%0ASet-Cookie:%20x")],
)
def test_redirects_cannot_smuggle_headers(to: str, location: str) -> None:
    """A location is always one header's worth of text."""
    reply = rendered(arrive("GET", "/away?to=x"), Redirect(to, 307))
    assert (reply.status, headers_of(reply)["location"]) == (307, location)


@pytest.mark.parametrize("value", [None, "x", {"sku": "a"}, 7])
def test_what_the_contract_does_not_promise_never_leaves(value: Any) -> None:
    """A result of another type is the service's defect, found before the commit."""
    call = arrive("PUT", f"/things/{KEY}", b'{"sku":"a","quantity":1}', JSON)
    with pytest.raises(TypeError, match=r"things\.replace returned .*promises Line"):
        rendered(call, value)


def test_entity_tags() -> None:
    """One state has one tag a format; the same tag asked again is a 304 without a body."""
    path = f"/things/{KEY}"
    first = rendered(arrive("GET", path), LINE)
    tag = headers_of(first)["etag"]
    assert headers_of(rendered(arrive("GET", path), LINE))["etag"] == tag
    assert headers_of(rendered(arrive("GET", path), Line("a", 2)))["etag"] != tag
    packed = rendered(arrive("GET", path, headers={"accept": "application/msgpack"}), LINE)
    assert headers_of(packed)["etag"] != tag
    for asked in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        again = rendered(arrive("GET", path, headers={"if-none-match": asked}), LINE)
        assert (again.status, again.body, headers_of(again)["etag"]) == (304, b"", tag)
    other = rendered(arrive("GET", path, headers={"if-none-match": '"x"'}), LINE)
    assert other.status == 200


def test_if_match_guards_by_the_state_it_names() -> None:
    """The tag of either format holds; another one, or a weak one, is a 412."""
    path = f"/things/{KEY}"
    body = b'{"sku":"a","quantity":1}'
    tags = [
        headers_of(rendered(arrive("GET", path, headers=_accept(accept)), LINE))["etag"]
        for accept in ("application/json", "application/msgpack")
    ]
    for tag in (*tags, "*"):
        guard = arrive("PUT", path, body, {**JSON, "if-match": tag}).guard
        assert guard is not None
        guard(LINE)
    for tag in ('"x"', f"W/{tags[0]}"):
        guard = arrive("PUT", path, body, {**JSON, "if-match": tag}).guard
        assert guard is not None
        with pytest.raises(Failure) as caught:
            guard(LINE)
        assert caught.value.status == 412
    assert arrive("PUT", path, body, JSON).guard is None


def test_a_page_links_to_the_next() -> None:
    """The Link header keeps the query and replaces the cursor; the last page has none."""
    call = arrive("GET", "/list?limit=1&cursor=a%20b")
    reply = rendered(call, Page([LINE], "c d"))
    assert headers_of(reply)["link"] == '</list?limit=1&cursor=c+d>; rel="next"'
    assert json.loads(body_of(reply))["next"] == "c d"
    assert "link" not in headers_of(rendered(call, Page([LINE], None)))


def test_a_fault_is_a_problem_with_its_fields() -> None:
    """RFC 9457, with the fields beside the standard members."""
    reply = told(TooMany(3, datetime.date(2026, 5, 6)))
    assert (reply.status, headers_of(reply)["content-type"]) == (409, "application/problem+json")
    assert json.loads(body_of(reply)) == {
        "type": "urn:coterie:too-many",
        "title": "Too many",
        "status": 409,
        "detail": "3 is too many.",
        "code": "failed_precondition",
        "count": 3,
        "day": "2026-05-06",
        "trace_id": "0" * 31 + "1",
    }
    assert json.loads(body_of(told(Plain())))["status"] == 404


def test_a_failure_is_a_problem_with_its_violations() -> None:
    """Each with its place; waiting time and challenge as headers."""
    wrong = Failure(Code.INVALID_ARGUMENT, "no", violations=(Violation("bad", "#/a", "query"),))
    assert json.loads(body_of(told(wrong)))["errors"] == [
        {"detail": "bad", "pointer": "#/a", "in": "query"}
    ]
    busy = told(Failure(Code.UNAVAILABLE, "later", retry_after=2.4))
    assert (busy.status, headers_of(busy)["retry-after"]) == (503, "2")
    who = told(Failure(Code.UNAUTHENTICATED, "who"))
    assert (who.status, headers_of(who)["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("code", list(Code))
def test_every_code_has_a_status_of_its_own_kind(code: Code) -> None:
    """Client codes are 4xx, server codes 5xx, and every status maps back to a code."""
    assert 400 <= code.status < 600
    assert isinstance(Code.of_status(code.status), Code)
    assert json.loads(body_of(told(Failure(code, "x"))))["code"] == code.value


def _accept(accept: str | None) -> dict[str, str]:
    return JSON if accept is None else {**JSON, "accept": accept}
