"""Real programs of others, called through a contract: Flask, Flask-RESTX, Flask behind a login."""

import datetime
import enum
import threading
from collections.abc import AsyncGenerator, Iterator
from typing import Annotated, Any
from uuid import UUID

import pytest
import pytest_asyncio
from werkzeug.serving import make_server

from coterie.call import Failure
from coterie.client import connect
from coterie.contract import (
    Code,
    Content,
    Contract,
    Cookie,
    Fault,
    Form,
    Header,
    Query,
    Redirect,
    Struct,
    Text,
    Upload,
    delete,
    field,
    get,
    patch,
    post,
    put,
)
from tests.binding.foreign import flask_program


class UserNotFound(Fault, code=Code.NOT_FOUND, bare=True):
    """{error}"""  # noqa: D415  # the program's own words

    error: str


class Taken(Fault, status=409, bare=True):
    """{error}; try {suggestion}."""

    error: str
    suggestion: str


class Missing(Fault, code=Code.NOT_FOUND, bare=True):
    """{said}"""  # noqa: D415

    said: str = field(name="message")


class NoPatch(Fault, code=Code.NOT_FOUND):
    """There is nothing to change."""


class User(Struct):
    id: int
    name: str


class NewUser(Struct):
    name: str


class Made(Struct):
    location: Annotated[str, Header("Location")]


class Session(Struct):
    user: str
    cookie: Annotated[str, Header("Set-Cookie")]


class Size(enum.Enum):
    SMALL = "small"
    LARGE = "large"


class Echo(Struct):
    path: str
    query: dict[str, list[str]]
    part: str | None
    cookie: str | None


class Id(Struct):
    id: int


class Entry(Struct):
    name: str
    sizes: list[Size]
    sold: bool = False


class Goods(Struct):
    name: str
    price: float
    made: datetime.date


class Shop(Contract, version="1.0"):
    """What the program answers."""

    @get("/users/{id}", faults=[UserNotFound])
    async def user(self, id: int) -> User: ...

    @post("/users", status=201, faults=[Taken])
    async def make(self, user: NewUser) -> Made: ...

    @delete("/users/{id}")
    async def drop(self, id: int) -> None: ...

    @get("/old/{id}")
    async def old(self, id: int) -> User: ...

    @get("/echo/{name}")
    async def echo(
        self,
        name: str,
        sizes: Annotated[list[Size], Query()],
        deep: bool,
        day: datetime.date,
        key: UUID,
        at: datetime.datetime | None = None,
        per_page: Annotated[int, Query("perPage")] = 10,
        part: Annotated[str | None, Header("X-Part")] = None,
        theme: Annotated[str | None, Cookie()] = None,
    ) -> Echo: ...

    @post("/form")
    async def form(self, entry: Annotated[Entry, Form()]) -> dict[str, list[str]]: ...

    @post("/file")
    async def file(self, picture: Upload, title: Annotated[str, Form()]) -> dict[str, Any]: ...

    @get("/slashed/{id}/")
    async def right(self, id: int) -> Id: ...

    @get("/private")
    async def moved(self) -> Redirect: ...

    @get("/page")
    async def html(self) -> Annotated[str, Content("text/html")]: ...

    @get("/motto")
    async def motto(self) -> Text: ...

    @post("/login")
    async def login(self, name: Annotated[str, Form()]) -> Session: ...

    @get("/api/goods/{id}", faults=[Missing])
    async def goods(self, id: int) -> Goods: ...

    @put("/api/goods/{id}")
    async def change(self, id: int, goods: Goods) -> Goods: ...

    @patch("/api/goods/{id}", faults=[NoPatch])
    async def amend(self, id: int) -> None: ...

    @get("/api/goods")
    async def search(
        self,
        sold: bool,
        tags: Annotated[list[str], Query("tag")] = [],  # noqa: B006  # read, never changed
        since: datetime.date | None = None,
    ) -> list[str | None]: ...


class Mistaken(Contract, version="1.0"):
    """What they do not answer."""

    @get("/slashed/{id}")
    async def slashed(self, id: int) -> Id: ...

    @get("/private")
    async def private(self) -> Id: ...

    @get("/page")
    async def page(self) -> Id: ...

    @get("/broken")
    async def broken(self) -> Id: ...

    @get("/nowhere")
    async def nowhere(self) -> Id: ...

    @get("/old/{id}")
    async def old(self, id: int) -> User: ...

    @put("/api/goods/{id}")
    async def change(self, id: int, goods: dict[str, float]) -> Goods: ...


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Where the program answers; it is stopped at the end of this file."""
    server = make_server("127.0.0.1", 0, flask_program(), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest_asyncio.fixture
async def shop(url: str) -> AsyncGenerator[Shop]:
    """A client of it."""
    async with connect(Shop, url, retrying=None) as shop:
        yield shop


async def test_results_and_faults_are_typed(shop: Shop) -> None:
    """A user there, and none there."""
    assert await shop.user(1) == User(1, "Zoë")
    assert await shop.old(1) == User(1, "Zoë")
    with pytest.raises(UserNotFound) as caught:
        await shop.user(42)
    assert (caught.value.error, caught.value.message) == ("User not found", "User not found")


async def test_what_is_made_is_where_its_header_says(shop: Shop) -> None:
    """201 with an empty body, a conflict with two members, 204."""
    made = await shop.make(NewUser("Ada"))
    assert made.location.startswith("/users/")
    with pytest.raises(Taken) as caught:
        await shop.make(NewUser("Ada"))
    assert caught.value.message == "Taken; try Ada2."
    await shop.drop(int(made.location.rpartition("/")[2]))


async def test_a_flask_program_reads_what_was_meant(shop: Shop) -> None:
    """Lists repeat, booleans are small, dates are ISO 8601, segments and cookies survive."""
    key = UUID(int=7)
    at = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    day = datetime.date(2026, 1, 2)
    sizes = [Size.SMALL, Size.LARGE]
    found = await shop.echo(
        "a b/ü?#%", sizes, deep=True, day=day, key=key, at=at, part="one, two", theme="dark; blue"
    )
    assert found.path == "a b/ü?#%"
    assert found.query == {
        "sizes": ["small", "large"],
        "deep": ["true"],
        "day": ["2026-01-02"],
        "key": [str(key)],
        "at": ["2026-01-02T03:04:05Z"],
        "perPage": ["10"],
    }
    assert (found.part, found.cookie) == ("one, two", "dark%3B%20blue")


async def test_forms_and_files_arrive(shop: Shop) -> None:
    """As a browser sends them."""
    found = await shop.form(Entry("Zoë & co", [Size.SMALL, Size.LARGE], sold=True))
    assert found == {"name": ["Zoë & co"], "sizes": ["small", "large"], "sold": ["true"]}
    sent = await shop.file(Upload("a.png", "image/png", b"\x89PNG"), "Zoë")
    assert sent == {"title": ["Zoë"], "picture": "a.png image/png b'\\x89PNG'"}


async def test_flask_restx_takes_and_answers(shop: Shop) -> None:
    """Its parsers of booleans, lists and dates; its models both ways."""
    day = datetime.date(2026, 1, 2)
    assert await shop.goods(7) == Goods("Tea", 2.5, day)
    assert await shop.change(7, Goods("Mug", 4.0, day)) == Goods("Mug", 4.0, day)
    found = await shop.search(sold=False, tags=["a", "b&c"], since=day)
    assert found == ["a", "b&c", "False", "2026-01-02"]
    with pytest.raises(Missing, match="Goods 8 do not exist"):
        await shop.goods(8)
    with pytest.raises(NoPatch):
        await shop.amend(7)


async def test_cookies_and_text_come_back(shop: Shop) -> None:
    """A cookie is a header of the result; text comes in its charset."""
    session = await shop.login("Zoë")
    assert session.user == "Zoë"
    assert session.cookie.startswith("theme=dark;")
    assert await shop.motto() == "Zoë"
    assert "<h1>Hello</h1>" in await shop.html()


@pytest.mark.parametrize(
    ("name", "arguments", "code", "words"),
    [
        ("slashed", {"id": 1}, Code.UNKNOWN, 'put "/slashed/{id}/" in the contract'),
        (
            "private",
            {},
            Code.UNKNOWN,
            "answered 302, which its contract does not promise: it leads",
        ),
        ("page", {}, Code.UNKNOWN, "a page of HTML or XML where JSON is promised"),
        ("broken", {}, Code.INTERNAL, "mistaken.broken answered 500 Internal Server Error"),
        ("nowhere", {}, Code.NOT_FOUND, "mistaken.nowhere answered 404"),
        ("old", {"id": 42}, Code.INTERNAL, "mistaken.old answered 500"),
    ],
)
async def test_what_does_not_fit_says_what_to_do(
    url: str, name: str, arguments: dict[str, Any], code: Code, words: str
) -> None:
    """With the operation's name; no page, no secret of the program, no traceback."""
    async with connect(Mistaken, url, retrying=None) as mistaken:
        with pytest.raises(Failure) as caught:
            await getattr(mistaken, name)(**arguments)
    assert caught.value.code is code
    assert words in caught.value.message
    assert "hunter2" not in caught.value.message
    assert "<" not in caught.value.message


async def test_control_the_right_path_and_a_promised_redirect(shop: Shop) -> None:
    """What the messages ask for works."""
    assert await shop.right(1) == Id(1)
    moved = await shop.moved()
    assert (moved.status, moved.location) == (302, "/login?next=%2Fprivate")


async def test_a_name_that_is_wrong_is_told_by_the_program(url: str) -> None:
    """Flask-RESTX says what it misses; the failure passes it on."""
    async with connect(Mistaken, url) as mistaken:
        with pytest.raises(Failure) as caught:
            await mistaken.change(7, {"price": 2.5})
    assert caught.value.code is Code.INVALID_ARGUMENT
    assert caught.value.message == "mistaken.change answered 400: Input payload validation failed"
    assert "name" in caught.value.members["errors"]
