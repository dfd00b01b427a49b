"""HTTP as the standards say it: statuses, methods, media types, sizes."""

import sys

import pytest

from coterie.server import App, Host
from tests.server.kit import Answer, LabService, Site, made, request, site_of, until

# The tests of this file share one server, and so one event loop.
pytestmark = pytest.mark.asyncio(loop_scope="module")

PROBLEM = "application/problem+json"


def problem(answer: Answer, status: int) -> str:
    """What a well-formed problem says."""
    assert (answer.status, answer["content-type"]) == (status, PROBLEM), answer
    assert answer.json["status"] == status
    assert {"type", "title", "detail", "code", "trace_id"} <= set(answer.json)
    detail: str = answer.json["detail"]
    return detail


async def test_an_operation_is_answered(site: Site) -> None:
    """Arguments in, result out, headers of the result as headers."""
    answer = await site.ask("POST", "/notes", made("hello"))
    assert (answer.status, answer.json) == (201, {"id": 2})
    assert (answer["content-type"], answer["location"]) == ("application/json", "/notes/2")
    assert (await site.ask("GET", "/notes/2")).json == {"text": "hello", "tags": []}


async def test_other_results_than_json(site: Site) -> None:
    """Text is text; a redirect has no body; an empty result is 200 with its length."""
    answer = await site.ask("GET", "/text")
    assert (answer["content-type"], answer.body) == ("text/plain; charset=utf-8", b"plain words")
    answer = await site.ask("GET", "/elsewhere")
    assert (answer.status, answer["location"], answer.body) == (303, "/notes/2", b"")
    assert answer["content-length"] == "0"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "missing"),
        (b"{", "no application/json"),
        (b"[]", "Expected `object`"),
        (b"{}", "Required"),
        (b'{"text": 1}', "Expected `str`"),
        (b'{"text": "' + b"x" * 101 + b'"}', "length <= 100"),
        (b'{"text": "\xff"}', "no application/json"),
        (b"[" * 4900 + b"]" * 4900, "Expected `object`"),
        pytest.param(
            b'{"text": "a", "more": ' + b"[" * 4900 + b"]" * 4900 + b"}",
            "nested too deep",
            marks=pytest.mark.skipif(
                sys.version_info >= (3, 13),
                reason="from 3.13 on CPython reads 9,997 deep, and 10,000 bytes hold half of that",
            ),
        ),
        (b'{"text": NaN}', "no application/json"),
    ],
)
async def test_an_invalid_body_is_a_400_and_changes_nothing(
    site: Site, body: bytes, said: str
) -> None:
    """Malformed, wrongly typed, too long or too deep: a problem, and the method never ran."""
    before = len(site.lab.calls)
    answer = await site.ask("POST", "/notes", body, {"content-type": "application/json"})
    assert said in problem(answer, 400)
    assert len(site.lab.calls) == before
    assert answer.json["code"] == "invalid_argument"


async def test_every_invalid_field_is_named(site: Site) -> None:
    """Not only the first."""
    answer = await site.ask("POST", "/notes", b'{"text": 1, "tags": ["a", 2]}')
    assert [e["pointer"] for e in answer.json["errors"]] == ["#/text", "#/tags/1"]


@pytest.mark.parametrize("path", ["/", "/note", "/notes", "/notes/", "/notes/1/", "//notes/1"])
async def test_an_unknown_path_is_a_404(site: Site, path: str) -> None:
    """And says so; nothing near it is guessed."""
    problem(await site.ask("GET", path), 405 if path == "/notes" else 404)


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/notes/1", "GET, HEAD, OPTIONS, PUT"),
        ("GET", "/notes", "OPTIONS, POST"),
        ("TRACE", "/text", "GET, HEAD, OPTIONS"),
        ("POST", "/health/live", "GET, HEAD, OPTIONS"),
        ("DELETE", "/metrics", "GET, HEAD, OPTIONS"),
    ],
)
async def test_an_unknown_method_is_a_405_with_allow(
    site: Site, method: str, path: str, allow: str
) -> None:
    """Allow names what is possible (RFC 9110, 15.5.6)."""
    answer = await site.ask(method, path)
    problem(answer, 405)
    assert answer["allow"] == allow


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/notes/1", "GET, HEAD, OPTIONS, PUT"),
        ("/notes", "OPTIONS, POST"),
        ("/health/ready", "GET, HEAD, OPTIONS"),
    ],
)
async def test_options_tells_what_is_possible(site: Site, path: str, allow: str) -> None:
    """204 and Allow; for what is not there, 404."""
    answer = await site.ask("OPTIONS", path)
    assert (answer.status, answer["allow"], answer.body) == (204, allow, b"")
    assert answer["content-length"] is None
    problem(await site.ask("OPTIONS", "/nowhere"), 404)


@pytest.mark.parametrize(
    "path", ["/notes/1", "/text", "/health/live", "/metrics", "/notes/9", "/nowhere", "/elsewhere"]
)
async def test_head_is_get_without_the_body(site: Site, path: str) -> None:
    """The same status and headers, of the same length, and nothing after them."""
    async with await site.talk() as talk:
        talk.say(request("HEAD", path) + request("GET", path))
        head = await talk.answer(of="HEAD")
        whole = await talk.answer()
    assert (head.status, head.body) == (whole.status, b"")
    assert [name for name, _ in head.headers] == [name for name, _ in whole.headers]
    if path != "/metrics":  # it grows
        assert head["content-length"] == whole["content-length"] == str(len(whole.body))


async def test_head_of_a_stream_makes_none(site: Site) -> None:
    """Not even an endless one: it is closed before its first part."""
    answer = await site.ask("HEAD", "/download?how=endless")
    assert (answer.status, answer["content-type"]) == (200, "application/octet-stream")
    await until(lambda: site.host.in_flight == 0)
    assert site.lab.produced == 0


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "application/json"),
        ("application/msgpack", "application/msgpack"),
        ("text/html, application/json;q=0.1", "application/json"),
        ("application/json;q=0.5, application/msgpack", "application/msgpack"),
        ("application/*", "application/json"),
    ],
)
async def test_the_answer_comes_in_the_form_that_is_liked(
    site: Site, accept: str, kind: str
) -> None:
    """JSON where it does not matter."""
    answer = await site.ask("GET", "/notes/1", headers={"accept": accept})
    assert (answer.status, answer["content-type"]) == (200, kind)


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "nonsense"])
async def test_a_form_there_is_not_is_a_406(site: Site, accept: str) -> None:
    """Told before the method runs, so nothing has changed."""
    before = len(site.lab.calls)
    problem(await site.ask("POST", "/notes", made(), {"accept": accept}), 406)
    assert len(site.lab.calls) == before


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data", "json"])
async def test_a_content_type_of_another_kind_is_a_415(site: Site, kind: str) -> None:
    """With the kinds that are understood (RFC 9110, 15.5.16)."""
    answer = await site.ask("POST", "/notes", made(), {"content-type": kind})
    problem(answer, 415)
    assert answer["accept"] == "application/json, application/msgpack"


async def test_messagepack_comes_in_too(site: Site) -> None:
    """A request may speak it, and get JSON back."""
    body = b"\x81\xa4text\xa2hi"
    answer = await site.ask("POST", "/notes", body, {"content-type": "application/msgpack"})
    assert (answer.status, answer.json) == (201, {"id": 2})


async def test_a_form_is_no_json(site: Site) -> None:
    """An upload wants a form, and says so."""
    problem(await site.ask("POST", "/form", b"{}"), 415)
    body = b'--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n12345\r\n--b--\r\n'
    answer = await site.ask(
        "POST", "/form", body, {"content-type": "multipart/form-data; boundary=b"}
    )
    assert answer.json == 5


BIG = 10_001


@pytest.mark.parametrize("how", ["announced", "in chunks", "in one chunk"])
async def test_too_large_a_body_is_a_413_and_changes_nothing(site: Site, how: str) -> None:
    """Announced or not, it is refused at the limit, and the connection is closed."""
    body = made("x").ljust(BIG)
    pieces = {"in chunks": [body[:6000], body[6000:]], "in one chunk": [body]}.get(how)
    before = len(site.lab.calls)
    answer = await site.ask("POST", "/notes", body, chunks=pieces)
    assert "larger than 10000 bytes" in problem(answer, 413)
    assert answer["connection"] == "close"
    assert len(site.lab.calls) == before


@pytest.mark.parametrize("how", ["announced", "in chunks", "in one chunk"])
async def test_control_a_body_of_just_the_limit_is_taken(site: Site, how: str) -> None:
    """Control: one octet fewer."""
    body = made("x").ljust(BIG - 1)
    pieces = {"in chunks": [body[:6000], body[6000:]], "in one chunk": [body]}.get(how)
    answer = await site.ask("POST", "/notes", body, chunks=pieces)
    assert answer.status == 201


async def test_what_is_announced_too_large_is_not_read(site: Site) -> None:
    """The answer comes before the body does, without an invitation to send it."""
    async with await site.talk() as talk:
        talk.say(
            b"POST /notes HTTP/1.1\r\nhost: lab\r\ncontent-type: application/json\r\n"
            b"expect: 100-continue\r\ncontent-length: 10001\r\n\r\n"
        )
        status, _ = await talk.head()
        assert status == 413
        await talk.rest()


async def test_what_is_small_enough_is_invited(site: Site) -> None:
    """`Expect: 100-continue` is answered when the body is wanted."""
    body = made()
    async with await site.talk() as talk:
        talk.say(
            b"POST /notes HTTP/1.1\r\nhost: lab\r\ncontent-type: application/json\r\n"
            b"expect: 100-continue\r\ncontent-length: %d\r\n\r\n" % len(body)
        )
        assert (await talk.head())[0] == 100
        talk.say(body)
        assert (await talk.answer()).status == 201


async def test_chunks_beyond_the_limit_are_not_waited_for(site: Site) -> None:
    """A body without end is refused once it is too large, not when it ends."""
    async with await site.talk() as talk:
        talk.say(
            b"POST /notes HTTP/1.1\r\nhost: lab\r\ncontent-type: application/json\r\n"
            b"transfer-encoding: chunked\r\n\r\n2711\r\n" + b" " * 10001 + b"\r\n1\r\n \r\n"
        )
        assert (await talk.answer()).status == 413


async def test_entity_tags_are_honoured(site: Site) -> None:
    """304 for what is current, 412 for what has changed, 200 otherwise."""
    tag = (await site.ask("GET", "/notes/1"))["etag"]
    assert tag is not None
    same = await site.ask("GET", "/notes/1", headers={"if-none-match": tag})
    assert (same.status, same.body, same["etag"]) == (304, b"", tag)
    before = len(site.lab.calls)
    other = await site.ask("PUT", "/notes/1", made(), {"if-match": '"other"'})
    assert "changed since you read it" in problem(other, 412)
    assert site.lab.calls[before:] == ["note"]
    assert (await site.ask("PUT", "/notes/1", made("two"), {"if-match": tag})).status == 200
    problem(await site.ask("PUT", "/notes/1", made("three"), {"if-match": tag}), 412)
    assert (await site.ask("PUT", "/notes/1", made("four"), {"if-match": "*"})).status == 200


@pytest.mark.parametrize("how", ["badly", "undeclared", "unencodable"])
async def test_a_defect_is_a_500_that_tells_no_secret(site: Site, how: str) -> None:
    """A trace id, and not one word of what happened."""
    answer = await site.ask("GET", f"/fails?how={how}")
    detail = problem(answer, 500)
    assert answer.json["trace_id"] in detail
    assert b"hunter2" not in answer.body


async def test_internal_operations_are_not_reachable_through_the_gateway() -> None:
    """What has no path of its own answers other services, not the public."""
    async with site_of(public=True) as gateway:
        problem(await gateway.ask("POST", "/lab.v1/inner", b'{"number": 3}'), 404)
    async with site_of() as control:
        assert (await control.ask("POST", "/lab.v1/inner", b'{"number": 3}')).json == 3


async def test_two_operations_on_one_route_are_refused() -> None:
    """Which of them would answer?"""
    with pytest.raises(ValueError, match="routed twice"):
        App([Host(LabService()), Host(LabService())])


async def test_one_connection_serves_many_requests(site: Site) -> None:
    """Refused ones too: a 404 or 400 costs nobody their connection."""
    async with await site.talk() as talk:
        for target, status in [
            ("/text", 200),
            ("/nowhere", 404),
            ("/notes/x", 400),
            ("/text", 200),
        ]:
            talk.say(request("GET", target))
            assert (await talk.answer()).status == status
