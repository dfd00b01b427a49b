"""Results of programs that know nothing of Coterie: taken if they mean what was promised."""

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coterie.binding.rest import Caller, Request, Response
from coterie.binding.rest.arguments import ArgumentReader
from coterie.binding.rest.openapi import openapi
from coterie.call import Call, Context, Failure, Sent, Trace
from coterie.contract import (
    Code,
    Content,
    Contract,
    Header,
    Redirect,
    Struct,
    Text,
    delete,
    describe,
    get,
    post,
)


class User(Struct, frozen=True):
    name: str
    age: int = 0


class Made(Struct, frozen=True):
    location: Annotated[str, Header("Location")]


class Session(Struct, frozen=True):
    user: str
    cookie: Annotated[str, Header("Set-Cookie")]
    left: Annotated[int | None, Header("X-Left")] = None


class Users(Contract, version="1.0"):
    """Users of another program."""

    @get("/users/{id}")
    async def user(self, id: int) -> User: ...

    @get("/users/{id}/friend")
    async def friend(self, id: int) -> User | None: ...

    @get("/users/")
    async def users(self) -> list[User]: ...

    @post("/users", status=201)
    async def make(self, name: str) -> Made: ...

    @post("/login")
    async def login(self, name: str) -> Session: ...

    @delete("/users/{id}")
    async def drop(self, id: int) -> None: ...

    @get("/motto")
    async def motto(self) -> Text: ...

    @get("/api")
    async def api(self) -> Annotated[User, Content("application/vnd.api+json")]: ...

    @post("/api")
    async def put_api(
        self, user: Annotated[User, Content("application/vnd.api+json")]
    ) -> Redirect: ...

    @get("/picture")
    async def picture(self) -> bytes: ...

    @get("/raw")
    async def raw(self, accept: Annotated[str, Header()] = "application/x-own") -> User: ...

    @get("/stream")
    async def stream(self) -> AsyncIterator[bytes]: ...


USERS = describe(Users)
CALLERS = {operation.name: Caller(operation) for operation in USERS.operations}


def result(name: str, body: bytes, content: str = "", *, status: int = 200, **headers: str) -> Any:
    """What a caller gets of this answer."""
    told = {key.replace("_", "-"): value for key, value in headers.items()}
    if content:
        told["content-type"] = content
    return CALLERS[name].result(Response(status, told, body))


def failure(name: str, body: bytes, content: str = "", **more: Any) -> str:
    """Why a caller gets none: the message of a failure that says "answered, and not understood"."""
    with pytest.raises(Failure) as caught:
        result(name, body, content, **more)
    assert (caught.value.code, caught.value.sent) == (Code.UNKNOWN, Sent.ANSWERED)
    assert caught.value.message.startswith(f"users.{name} answered ")
    return caught.value.message


# --- What is taken ---


@pytest.mark.parametrize(
    "content",
    [
        "",
        "application/json",
        "application/json; charset=utf-8",
        'APPLICATION/JSON;Charset="UTF-8"',
        "application/vnd.api+json",
        "application/hal+json; profile=x",
        "text/html; charset=utf-8",
        "text/plain",
        "application/json; charset=klingon",
        "application/json; charset=rot13",
        "application/json; charset=\0",
        "application/octet-stream",
        ";;;",
        "x" * 1000,
    ],
)
def test_json_is_json_whatever_it_is_called(content: str) -> None:
    """Flask's `json.dumps` is HTML, hand-made servers say nothing."""
    assert result("user", '{"name": "Zoë", "more": 1}'.encode(), content) == User("Zoë")


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("application/json; charset=iso-8859-1", "latin-1"),
        ("application/json; charset=windows-1252", "cp1252"),
        ("application/json; charset=utf-16", "utf-16"),
        ("application/json", "utf-16"),
        ("application/json", "utf-8-sig"),
        ("application/json; charset=utf-8", "utf-8-sig"),
        ("", "utf-8-sig"),
    ],
)
def test_text_comes_in_its_charset(content: str, encoding: str) -> None:
    """As `Content-Type` says, or the byte order mark that .NET and Excel put in front."""
    assert result("user", '{"name": "Zoë"}'.encode(encoding), content) == User("Zoë")
    plain = content.replace("application/json", "text/plain") or "text/plain"
    if encoding != "utf-16" or "utf-16" in content:
        assert result("motto", "Zoë".encode(encoding), plain) == "Zoë"


@pytest.mark.parametrize("status", [200, 201, 202, 203, 206, 226])
def test_any_success_is_the_success_promised(status: int) -> None:
    """200 for 201 and the other way round: nobody depends on which."""
    assert result("user", b'{"name": "Zoe"}', status=status) == User("Zoe")
    assert result("make", b"", status=status, location="/users/7") == Made("/users/7")


@pytest.mark.parametrize("body", [b"", b"OK", b"<p>Deleted</p>", b'{"deleted": true}', b"null"])
@pytest.mark.parametrize("status", [200, 202, 204, 205])
def test_where_nothing_is_promised_anything_will_do(status: int, body: bytes) -> None:
    """With 204 or without."""
    assert result("drop", body, status=status) is None


def test_nothing_is_none_where_none_is_promised() -> None:
    """204 for "there is none", as for `null`."""
    assert result("friend", b"", status=204) is None
    assert result("friend", b"null") is None
    assert result("friend", b'{"name": "Zoe"}') == User("Zoe")


def test_other_bodies_come_as_they_are() -> None:
    """Text and bytes, empty too."""
    assert result("motto", b"", "text/plain") == ""
    assert result("picture", b"\xff\xfe", "image/png") == b"\xff\xfe"
    assert result("api", b'{"name": "Zoe"}', "application/vnd.api+json") == User("Zoe")


@pytest.mark.parametrize("body", [b"", b"Created", b"<p>Created</p>", b'{"id": 7}', b"[]"])
def test_a_result_that_is_all_headers_needs_no_body(body: bytes) -> None:
    """201 with `Location`, and whatever page beside it."""
    assert result("make", body, status=201, location="/users/7") == Made("/users/7")


def test_headers_and_cookies_are_fields_of_the_result() -> None:
    """Text of a header is read as the type the contract gives."""
    found = result("login", b'{"user": "Zoe"}', set_cookie="session=x; Path=/", x_left="3")
    assert found == Session("Zoe", "session=x; Path=/", 3)
    assert "an empty body where JSON is" in failure("login", b"", set_cookie="session=x")
    assert "missing required field `cookie`" in failure("login", b'{"user": "Zoe"}')


# --- What is not, and what to do about it ---


@pytest.mark.parametrize(
    ("body", "content", "words"),
    [
        (b"", "application/json", "an empty body where JSON is promised; if it may be empty"),
        (b"<!doctype html><h1>Log in</h1>hunter2", "text/html", "a page of HTML or XML where"),
        (b"<h1>hunter2</h1>", "", "look whether the path is right and whether it wants a login"),
        (b"<h1>hunter2</h1>", "application/json", "promise `-> Html` if the page is the result"),
        (b"hunter2", "text/plain", "text/plain where JSON is promised; promise `-> Text`"),
        (b"PK\x03\x04", "application/zip", "else Annotated[bytes, Content(...)]"),
        (b'{"name": "hunt', "application/json", "cut short"),
        (b"{'name': 'hunter2'}", "application/json", "or is none"),
        (b'{"name": "hunter2\xff"}', "application/json", "or is none"),
        (b"[" * 100_000, "application/json", "answered what its contract does not promise"),
        (b'{"name": 5}', "application/json", "Expected `str`, got `int` - at `$.name`"),
        (b'{"age": 5}', "application/json", "missing required field `name`. Write in the contract"),
        (b'[{"name": "hunter2"}]', "application/json", "Expected `object`, got `array`"),
        (b'{"name": "hunter2", "age": "old"}', "text/json", "Expected `int`, got `str`"),
        (b"null", "application/json", "Expected `object`, got `null`"),
        (b"\x81", "application/msgpack", "answered what its contract does not promise"),
        ("{}".encode("utf-16"), "application/json", "missing required field `name`"),
    ],
)
def test_what_is_no_result_says_so(body: bytes, content: str, words: str) -> None:
    """With the operation's name and the remedy; never with what came."""
    said = failure("user", body, content)
    assert words in said
    assert "hunter2" not in said


def test_text_in_an_unknown_charset_says_so() -> None:
    """Better than letters that nobody wrote."""
    assert "promise `-> bytes`" in failure("motto", b"\xff", "text/plain")


@given(
    st.binary(max_size=80) | st.text(max_size=20).map(json.dumps).map(str.encode),
    st.sampled_from(["", "application/json", "text/html", "text/plain; charset=utf-16"])
    | st.text(st.characters(codec="latin-1"), max_size=30),
    st.sampled_from(sorted(set(CALLERS) - {"stream", "put_api"})),
)
def test_any_answer_is_a_result_or_a_failure(body: bytes, content: str, name: str) -> None:
    """Whatever the bytes and whatever they call themselves."""
    try:
        result(name, body, content, location="/x", set_cookie="y")
    except Failure as caught:
        assert caught.code is Code.UNKNOWN  # noqa: PT017  # most answers are failures, not all


# --- Redirects ---


@pytest.mark.parametrize(
    ("name", "location", "words"),
    [
        ("user", "/users/1/", 'it is at /users/1/; put "/users/{id}/" in the contract'),
        ("user", "http://h:5000/users/1/", 'http://h:5000/users/1/; put "/users/{id}/" in the'),
        ("user", "/shop/users/1/?page=2", 'it is at /shop/users/1/; put "/users/{id}/" in'),
        ("users", "/users", 'it is at /users; put "/users" in the contract'),
        ("user", "/v2/people/1", "it is at /v2/people/1; put that path in the contract"),
        ("user", "https://me:hunter2@h/x?token=hunter2#hunter2", "it is at https://h/x; put"),
        ("user", "http://[", "which its contract does not promise"),
        ("user", "", "which its contract does not promise"),
        ("user", "/a\x07b" + "c" * 5000, "it is at /a b"),
    ],
)
@pytest.mark.parametrize("status", [301, 307, 308])
def test_what_has_moved_says_where(status: int, name: str, location: str, words: str) -> None:
    """The slash of Django and Flask as the path to write; no query, no password, no novel."""
    said = failure(name, b"<h1>Redirecting</h1>", "text/html", status=status, location=location)
    assert f"answered {status}, which its contract does not promise" in said
    assert words in said
    assert "hunter2" not in said
    assert len(said) < 400


@pytest.mark.parametrize("status", [302, 303])
def test_what_leads_elsewhere_may_want_a_login(status: int) -> None:
    """As most programs do that answer people, too."""
    said = failure("user", b"", status=status, location="/login?next=%2Fusers%2F1")
    assert "it leads to /login; if that is a login, send the token it wants" in said
    slash = failure("user", b"", status=status, location="/users/1/")
    assert 'put "/users/{id}/" in the contract' in slash


def test_control_a_redirect_that_is_promised_is_the_result() -> None:
    """Not followed, given back."""
    assert result("put_api", b"", status=302, location="/x?y=z") == Redirect("/x?y=z", 302)
    assert "no Location" in failure("put_api", b"<form>", "text/html", status=200)


# --- What is asked for ---


def headers_of(name: str, **arguments: Any) -> dict[str, str]:
    """The headers of a request."""
    call = Call(USERS.operation(name), arguments, Context(Trace.root()))
    return dict(CALLERS[name].request(call).headers)


def test_json_is_asked_for() -> None:
    """Laravel, Rails and Spring answer pages and redirects to whoever does not say."""
    assert headers_of("user", id=1)["accept"] == "application/json"
    assert headers_of("drop", id=1)["accept"] == "application/json"
    assert headers_of("api")["accept"] == "application/vnd.api+json"
    assert "accept" not in headers_of("motto")
    assert "accept" not in headers_of("picture")
    assert headers_of("raw", accept="application/x-own")["accept"] == "application/x-own"


def test_a_body_has_the_media_type_that_it_is_given() -> None:
    """JSON by another name: sent, taken and described by that."""
    sent = headers_of("put_api", user=User("Zoe"))["content-type"]
    assert sent == "application/vnd.api+json"
    request = Request({}, b"", {b"content-type": sent.encode()}, b'{"name":"Zoe"}')
    reader = ArgumentReader(USERS.operation("put_api"))
    assert reader.read(request) == {"user": User("Zoe")}
    document = openapi([USERS], title="Users", version="1.0")
    assert set(document["paths"]["/api"]["post"]["requestBody"]["content"]) == {sent}
