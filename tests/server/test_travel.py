"""What headers carry in and out: trace, deadline, token, baggage, and never a second header."""

import asyncio

import pytest

from coterie.call import Trace
from coterie.policy import deadline
from coterie.server import Host
from tests.server.kit import LabService, Site, made, request, site_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


async def test_a_trace_goes_on(site: Site) -> None:
    """The method sees a child of the caller's span (W3C Trace Context)."""
    seen = (await site.ask("GET", "/seen", headers={"traceparent": PARENT})).json
    assert seen["trace_id"] == TRACE
    assert seen["span_id"] != "00f067aa0ba902b7"


@pytest.mark.parametrize(
    "parent",
    [
        "",
        "nonsense",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        PARENT.upper(),
        PARENT + "-more",
        f"{PARENT}, {PARENT}",
    ],
)
async def test_a_malformed_trace_counts_as_none(site: Site, parent: str) -> None:
    """A new one begins, and nobody is refused."""
    answer = await site.ask("GET", "/seen", headers={"traceparent": parent})
    assert (answer.status, len(answer.json["trace_id"])) == (200, 32)
    assert answer.json["trace_id"] != TRACE


@pytest.mark.promise("P2.12-6")
@pytest.mark.parametrize(
    ("method", "target", "body", "status"),
    [
        ("GET", "/nowhere", b"", 404),
        ("GET", "/notes/9", b"", 404),
        ("DELETE", "/notes/1", b"", 405),
        ("POST", "/notes", b"{}", 400),
        ("POST", "/notes", made().ljust(20_000), 413),
        ("GET", "/fails?how=badly", b"", 500),
        ("GET", "/%ff", b"", 400),
    ],
)
async def test_every_problem_names_the_caller_s_trace(
    site: Site, method: str, target: str, body: bytes, status: int
) -> None:
    """So that what a user reports can be found in the logs; without one, it names a new one."""
    answer = await site.ask(method, target, body, {"traceparent": PARENT})
    assert (answer.status, answer.json["trace_id"]) == (status, TRACE)
    answer = await site.ask(method, target, body)
    assert Trace.parse(f"00-{answer.json['trace_id']}-00f067aa0ba902b7-01") is not None
    assert answer.json["trace_id"] != TRACE


async def test_a_deadline_arrives(site: Site) -> None:
    """What is left of the caller's time, less the way; malformed, it counts as absent."""
    seen = (await site.ask("GET", "/seen", headers={"coterie-timeout-ms": "5000"})).json
    assert 4 < seen["remaining"] <= 5
    for wrong in ("", "-1", "1e3", "soon", "1.5"):
        seen = (await site.ask("GET", "/seen", headers={"coterie-timeout-ms": wrong})).json
        assert seen["remaining"] is None
    seen = (await site.ask("GET", "/seen", headers={"coterie-timeout-ms": "9" * 500})).json
    assert 86_000 < seen["remaining"] <= 86_400


async def test_a_deadline_is_kept() -> None:
    """The caller is answered 504 by then, though the method would wait for ever."""
    async with site_of(host=Host(LabService(), policies=[deadline(30)])) as site:
        answer = await site.ask("GET", "/waits", headers={"coterie-timeout-ms": "50"})
        assert (answer.status, answer.json["code"]) == (504, "deadline_exceeded")
        late = await site.ask("GET", "/text", headers={"coterie-timeout-ms": "0"})
        assert (late.status, "nothing was done" in late.json["detail"]) == (504, True)
        control = await site.ask("GET", "/text", headers={"coterie-timeout-ms": "5000"})
        assert control.status == 200


async def test_token_key_and_baggage_arrive(site: Site) -> None:
    """Each by the header its standard names."""
    headers = {
        "Authorization": "bearer abc.def",
        "Idempotency-Key": "order-17",
        "Baggage": "tenant=eu%20west;meta=1, colour=red, broken",
    }
    seen = (await site.ask("GET", "/seen", headers=headers)).json
    assert (seen["token"], seen["key"]) == ("abc.def", "order-17")
    assert seen["baggage"] == {"tenant": "eu west", "colour": "red"}
    seen = (await site.ask("GET", "/seen", headers={"authorization": "Basic YTpi"})).json
    assert seen["token"] is None


async def test_repeated_headers_are_joined(site: Site) -> None:
    """By commas (RFC 9110, 5.2), cookies by semicolons (RFC 9113, 8.2.3)."""
    async with await site.talk() as talk:
        talk.say(
            b"GET /given HTTP/1.1\r\nhost: lab\r\nx-many: a\r\nX-Many: b, c\r\n"
            b"cookie: biscuit=oat\r\ncookie: crumb=dry\r\n\r\n"
        )
        answer = await talk.answer()
    assert answer.json == {"many": ["a", "b", "c"], "biscuits": ["oat", "dry"]}


@pytest.mark.parametrize(
    "value",
    [
        "/a\r\nset-cookie: stolen=1",
        "/a\nset-cookie: stolen=1",
        "/a\rset-cookie: stolen=1",
        "/a\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        "/a\0b",
        "/a\x01\x1f\x7fb",
        "\r\n",
    ],
)
async def test_a_result_cannot_write_headers_of_its_own(site: Site, value: str) -> None:
    """Whatever a field holds, it stays one value; the answer stays one answer."""
    site.lab.location, site.lab.remark = value, value
    try:
        async with await site.talk() as talk:
            body, kind = made(), {"content-type": "application/json"}
            talk.say(request("POST", "/notes", body, kind) + request("GET", "/elsewhere"))
            kept, sent = await talk.answer(), await talk.answer()
            talk.say(request("GET", "/text"))
            assert (await talk.answer()).body == b"plain words"
    finally:
        site.lab.location, site.lab.remark = "/notes/2", None
    names = ["content-type", "location", "x-remark", "content-length"]
    assert [name for name, _ in kept.headers if name != "date"] == names
    assert kept.status == 201
    assert sent.status == 303
    assert all(character >= " " for character in (sent["location"] or ""))


async def test_control_unchecked_there_would_be_no_answer_at_all(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: it is our own check that mends the value; the server below only hangs up."""
    monkeypatch.setattr(
        "coterie.server.app._header", lambda pair: tuple(part.encode("latin-1") for part in pair)
    )
    site.lab.remark = "a\x01b"
    try:
        with pytest.raises(asyncio.IncompleteReadError):
            await site.ask("POST", "/notes", made())
    finally:
        site.lab.remark = None


async def test_control_a_plain_value_stays_as_it_is(site: Site) -> None:
    """Control: tabs, spaces and latin letters are what a header may hold."""
    site.lab.remark = 'caf\xe9 "au lait"\tcold'
    try:
        answer = await site.ask("POST", "/notes", made())
    finally:
        site.lab.remark = None
    assert answer["x-remark"] == 'caf\xe9 "au lait"\tcold'


async def test_what_no_header_can_carry_is_no_reason_to_fail(site: Site) -> None:
    """Letters beyond latin-1 are replaced; the body has what matters."""
    site.lab.remark = "Łódź"
    try:
        answer = await site.ask("POST", "/notes", made())
    finally:
        site.lab.remark = None
    assert (answer.status, answer["x-remark"]) == (201, "?\xf3d?")
