"""Errors of programs that know nothing of Coterie: the declared fault, or a failure in few words."""

import json
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coterie.binding.rest import Caller, Response, problem_reply
from coterie.binding.rest.openapi import openapi
from coterie.call import Failure, Reply
from coterie.client import connect, proxy, serialising
from coterie.contract import Code, Contract, Fault, Service, Struct, describe, field, get
from coterie.server import App, Host, HttpServer

JSON = {"content-type": "application/json"}
PROBLEM = {"content-type": "application/problem+json"}


class NoSuchUser(Fault, code=Code.NOT_FOUND, bare=True):
    """{error}"""  # noqa: D415  # the program's own words, as they are

    error: str


class NoSuchPage(Fault, code=Code.NOT_FOUND):
    """There is no such page."""


class Blocked(Fault, status=409):
    """{error} (until {until})."""

    error: str
    until: int


class Conflict(Fault, status=409):
    """{said}."""

    said: str = field(name="error")


class Expired(Fault, status=410, bare=True):
    """It has expired."""

    error: Literal["expired"]


class Withdrawn(Fault, status=410, bare=True):
    """{error}."""

    error: str


class Users(Contract, version="1.0"):
    """Users of a program that is older than this contract."""

    @get("/users/{id}", faults=[NoSuchPage, NoSuchUser, Conflict, Blocked, Expired, Withdrawn])
    async def user(self, id: int) -> str: ...


def answered(status: int, body: bytes, headers: dict[str, str] | None = None) -> Fault | Failure:
    """What a caller of ``user`` catches of this answer."""
    caller = Caller(describe(Users).operation("user"))
    with pytest.raises((Fault, Failure)) as caught:
        caller.result(Response(status, JSON if headers is None else headers, body))
    assert isinstance(caught.value, Fault | Failure)
    return caught.value


# --- The declared fault ---


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (404, {"error": "User not found"}, NoSuchUser("User not found")),
        (404, {"error": "User not found", "path": "/x"}, NoSuchUser("User not found")),
        (404, {"error": 7}, NoSuchPage()),
        (404, {"message": "User not found"}, NoSuchPage()),
        (404, {}, NoSuchPage()),
        (404, "User not found", NoSuchPage()),
        (404, None, NoSuchPage()),
        (409, {"error": "Taken"}, Conflict("Taken")),
        (409, {"error": "Taken", "until": 7}, Blocked("Taken", 7)),
        (409, {"error": "Taken", "until": "soon"}, Conflict("Taken")),
        (410, {"error": "expired"}, Expired("expired")),
        (410, {"error": "taken away"}, Withdrawn("taken away")),
    ],
)
def test_the_declared_fault_of_that_status_is_raised(status: int, body: Any, fault: Fault) -> None:
    """The one with most required fields that fits; then as declared; one without fields last."""
    assert answered(status, json.dumps(body).encode()) == fault


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "text/html; charset=utf-8"},
        {"content-type": "application/vnd.api+json"},
        {"content-type": "application/json; charset=iso-8859-1"},
    ],
)
def test_an_object_is_seen_whatever_it_is_called(headers: dict[str, str]) -> None:
    """Flask calls a text HTML, and `json.dumps` makes texts."""
    body = '{"error": "Gibt es nicht: Käse"}'
    charset = "latin-1" if "iso" in str(headers) else "utf-8"
    assert answered(404, body.encode(charset), headers) == NoSuchUser("Gibt es nicht: Käse")


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"", {}),
        (b"", JSON),
        (b"<!doctype html><h1>Not Found</h1>", {"content-type": "text/html"}),
        (b"404 page not found\n", {"content-type": "text/plain"}),
        (b"\xff\xfe\x00", {}),
    ],
)
def test_a_fault_without_fields_is_its_status(body: bytes, headers: dict[str, str]) -> None:
    """Whatever page came with it."""
    assert answered(404, body, headers) == NoSuchPage()


@pytest.mark.parametrize("body", [b"{", b"[1]", b"7", b'{"error": "cut o'])
def test_rubbish_tells_no_fault(body: bytes) -> None:
    """What calls itself JSON and breaks off came from nobody who meant to say that."""
    assert isinstance(answered(404, body), Failure)


def test_problem_details_of_others_tell_faults_too() -> None:
    """Their types are nobody's contract; their members are."""
    theirs = b'{"type": "https://shop.example/errors/x", "title": "No", "error": "Taken"}'
    assert answered(409, theirs, PROBLEM) == Conflict("Taken")
    assert answered(404, b'{"type": "about:blank", "status": 404}', PROBLEM) == NoSuchPage()


@pytest.mark.parametrize(
    "failure", [Failure(Code.NOT_FOUND, "No such path"), Failure(Code.NOT_FOUND, "x", status=409)]
)
def test_control_a_failure_of_ours_is_no_fault(failure: Failure) -> None:
    """A gateway's "no such path" is not the service's "no such page"."""
    reply = problem_reply(failure)
    assert isinstance(reply.body, bytes)
    found = answered(reply.status, reply.body, dict(reply.headers))
    assert isinstance(found, Failure)
    assert found.message == failure.message


def test_control_another_status_tells_another_fault() -> None:
    """Fields alone decide nothing."""
    assert isinstance(answered(400, b'{"error": "User not found"}'), Failure)
    assert isinstance(answered(500, b'{"error": "User not found"}'), Failure)


@given(st.integers(400, 599), st.binary(max_size=60), st.sampled_from(["", *JSON.values()]))
def test_any_error_is_told(status: int, body: bytes, content: str) -> None:
    """A fault of that status, or a failure that names operation and status; the same each time."""
    found = answered(status, body, {"content-type": content})
    assert str(found) == str(answered(status, body, {"content-type": content}))
    assert found.status == status
    if isinstance(found, Failure):
        assert found.message.startswith(f"users.user answered {status}")


# --- Failures ---


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": "No room"}', ": No room"),
        (b'{"detail": "No room"}', ": No room"),
        (b'{"message": "No room"}', ": No room"),
        (b'{"title": "No room"}', ": No room"),
        (b'{"error": {"code": 7, "message": "No room"}}', ": No room"),
        (b'{"error": "Bad Request", "message": "No room"}', ": No room"),
        (b'{"error": "No\\r\\n\\u0007  room"}', ": No room"),
        (b'{"error": ""}', " Bad Request"),
        (b'{"error": 7, "detail": [{"loc": ["id"]}]}', " Bad Request"),
        (b'{"error": "<html><b>no</b>"}', " Bad Request"),
        (json.dumps({"error": "x" * 201}).encode(), " Bad Request"),
        (b"<html>hunter2</html>", " Bad Request"),
        (b"hunter2", " Bad Request"),
        (b"", " Bad Request"),
    ],
)
def test_a_failure_carries_what_the_program_said(body: bytes, said: str) -> None:
    """In one short line, or else what the status is called; a page never."""
    found = answered(400, body, {})
    assert isinstance(found, Failure)
    assert (found.code, found.message) == (
        Code.INVALID_ARGUMENT,
        f"users.user answered 400{said}",
    )


@pytest.mark.parametrize(
    "secret", ["eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "Bearer 0123456789abcdef0123"]
)
def test_a_token_that_is_repeated_is_cut_out(secret: str) -> None:
    """Messages end in logs."""
    found = answered(401, json.dumps({"error": f"bad token {secret}"}).encode())
    assert isinstance(found, Failure)
    assert "bad token" in found.message
    assert secret.removeprefix("Bearer ") not in found.message


def test_a_failure_keeps_what_came() -> None:
    """For code that wants to know more than the message."""
    found = answered(400, b'{"error": "No", "fields": {"name": "too long"}}')
    assert isinstance(found, Failure)
    assert found.members == {"error": "No", "fields": {"name": "too long"}}


# --- Both ends: a native service in the place of the old program ---


class NewUsers(Service, version="1.0", name="users"):
    """What takes the old program's place."""

    @get("/users/{id}", faults=[NoSuchPage, NoSuchUser, Blocked])
    async def user(self, id: int) -> str:
        """The name of a user."""
        if id == 0:
            raise NoSuchUser("User not found")
        raise Blocked("Taken", id)


def test_a_bare_fault_is_answered_as_the_old_program_did() -> None:
    """Status, media type, and not a member more."""
    reply = problem_reply(NoSuchUser("User not found"), trace_id="0" * 31 + "1")
    assert reply == Reply(
        None, 404, (("content-type", "application/json"),), b'{"error":"User not found"}'
    )


@given(st.text())
def test_a_bare_fault_comes_back_as_it_left(error: str) -> None:
    """Whatever it says."""
    reply = problem_reply(NoSuchUser(error))
    assert isinstance(reply.body, bytes)
    assert answered(reply.status, reply.body, dict(reply.headers)) == NoSuchUser(error)


async def test_old_callers_and_new_ones_are_told_the_same_fault() -> None:
    """In process, through bytes, and over a socket; others than the bare ones stay as they are."""
    host = Host(NewUsers())
    await host.start()
    server = HttpServer(App([host]))
    await server.start()
    try:
        async with connect(NewUsers, server.url) as remote:
            near = proxy(NewUsers, host.handle)
            for users in (near, proxy(NewUsers, serialising(host.handle)), remote):
                with pytest.raises(NoSuchUser) as caught:
                    await users.user(0)
                assert caught.value == NoSuchUser("User not found")
                with pytest.raises(Blocked) as blocked:
                    await users.user(7)
                assert blocked.value == Blocked("Taken", 7)
    finally:
        await server.stop()
        await host.stop()


def test_the_document_describes_the_bare_object() -> None:
    """As JSON beside the problem details of the same status, each with an example that holds."""
    document = openapi([describe(Users)], title="Users", version="1.0")
    answers = document["paths"]["/users/{id}"]["get"]["responses"]
    content = answers["404"]["content"]
    assert set(content) == {"application/json", "application/problem+json"}
    bare = content["application/json"]
    assert bare["schema"] == {"$ref": "#/components/schemas/NoSuchUser"}
    assert document["components"]["schemas"]["NoSuchUser"] == {
        "title": "NoSuchUser",
        "description": "{error}",
        "type": "object",
        "properties": {"error": {"type": "string"}},
        "required": ["error"],
    }
    [shown] = bare["examples"].values()
    assert isinstance(NoSuchUser.from_wire(shown["value"]), NoSuchUser)
    assert list(answers["410"]["content"]["application/json"]["schema"]) == ["anyOf"]
    assert set(answers["409"]["content"]) == {"application/problem+json"}


class Held(Struct):
    """What holds it."""

    by: str


class Busy(Fault, status=423, bare=True):
    """Held by {holder.by}."""

    holder: Held = field(name="heldBy")


def test_a_bare_fault_may_hold_structs() -> None:
    """Whatever a fault can hold, by the names it has on the wire."""
    reply = problem_reply(Busy(Held("Ada")))
    assert isinstance(reply.body, bytes)
    assert msgspec.json.decode(reply.body) == {"heldBy": {"by": "Ada"}}
