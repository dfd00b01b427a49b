"""The documentation pages: complete, offline, and safe to show."""

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest

from coterie.call import Reply
from coterie.server import App
from coterie.server.pages import Pages, files

NO_HEADERS: dict[bytes, bytes] = {}


def document(title: str, **more: Any) -> Callable[[], dict[str, Any]]:
    return lambda: {"openapi": "3.1.0", "info": {"title": title, "version": "1"}, **more}


@pytest.fixture
def pages() -> Pages:
    services = {name: document(name) for name in ("users", "orders")}
    return Pages(document("shop"), services, title="Shop")


def got(pages: Pages, path: str, headers: Mapping[bytes, bytes] = NO_HEADERS) -> Reply:
    reply = pages(path, headers)
    assert reply is not None, path
    return reply


def body(reply: Reply) -> bytes:
    assert isinstance(reply.body, bytes)
    return reply.body


class Loaded(HTMLParser):
    """What a page loads, and whatever would run without being loaded."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.inline: list[str] = []
        self._script = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._script = tag == "script" and "src" not in given
        self.inline += [name for name in given if name.startswith("on") or name == "style"]
        address = given.get("src") or (given.get("href") if tag in ("link", "a") else None)
        if address:
            self.addresses.append(address)

    def handle_data(self, data: str) -> None:
        if self._script and data.strip():
            self.inline.append(data)


@pytest.mark.promise("S2-50")
@pytest.mark.parametrize("path", ["/docs", "/docs/", "/docs/users"])
def test_the_page_and_all_it_loads_come_from_here(pages: Pages, path: str) -> None:
    """Swagger UI works offline: every address is relative, and answered by the pages themselves."""
    reply = got(pages, path)
    assert reply.status == 200
    assert dict(reply.headers)["content-type"] == "text/html; charset=utf-8"
    addresses = Loaded(body(reply).decode()).addresses
    assert len(addresses) >= 6
    for address in addresses:
        assert not urlsplit(address).netloc
        assert not address.startswith("/"), "the page may be mounted below a prefix"
        assert got(pages, urlsplit(urljoin(path, address)).path).status == 200


def test_files_say_what_they_are_and_stay(pages: Pages) -> None:
    """Right media types; a versioned address may be kept for ever."""
    kinds = {
        "swagger-ui.css": "text/css; charset=utf-8",
        "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
        "docs.js": "text/javascript; charset=utf-8",
        "docs.css": "text/css; charset=utf-8",
        "favicon-32x32.png": "image/png",
    }
    for name, kind in kinds.items():
        reply = got(pages, f"/docs/_/{name}")
        headers = dict(reply.headers)
        assert headers["content-type"] == kind
        assert "immutable" in headers["cache-control"]
        assert headers["x-content-type-options"] == "nosniff"
        version = headers["etag"].strip('"')[:12]
        assert f"{name}?v={version}" in body(got(pages, "/docs")).decode()


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/doc",
        "/docs/nobody",
        "/docs/_/",
        "/docs/_/docs.html",
        "/docs/_/swagger-editor-bundle.js",
        "/docs/_/../pages.py",
        "/docs/_/%2e%2e/pages.py",
        "/docs/_//etc/passwd",
        "/openapi/nobody.json",
        "/openapi",
    ],
)
def test_nothing_else_is_served(pages: Pages, path: str) -> None:
    """Only the files the page needs, no other path, no way out of the folder."""
    assert pages(path, NO_HEADERS) is None


def test_what_the_browser_has_is_not_sent_again(pages: Pages) -> None:
    """If-None-Match is answered 304, without a body, for pages, files and documents."""
    for path in ("/docs", "/docs/_/swagger-ui.css", "/openapi.json", "/openapi/users.json"):
        first = dict(got(pages, path).headers)
        again = got(pages, path, {b"if-none-match": first["etag"].encode()})
        assert (again.status, again.body) == (304, b"")
        assert dict(again.headers)["etag"] == first["etag"]
        other = got(pages, path, {b"if-none-match": b'"something else"'})
        assert other.status == 200


def test_a_document_is_made_once_and_only_when_asked_for() -> None:
    """The function behind a document runs at the first request, and never again."""
    made: list[str] = []

    def counting() -> dict[str, Any]:
        made.append("whole")
        return document("shop")()

    pages = Pages(counting, title="Shop")
    assert made == []
    first, second = got(pages, "/openapi.json"), got(pages, "/openapi.json")
    assert made == ["whole"]
    assert first.body is second.body
    assert json.loads(body(first))["info"]["title"] == "shop"
    assert dict(first.headers)["content-type"] == "application/json"


def test_each_service_has_a_document_and_a_page(pages: Pages) -> None:
    """The selector offers the whole system and every service; each page opens at its own."""
    users = got(pages, "/openapi/users.json")
    assert json.loads(body(users))["info"]["title"] == "users"
    html = body(got(pages, "/docs/users")).decode()
    assert html.count("<option") == 3
    chosen = re.findall(r'<option value="([^"]*)" data-page="([^"]*)" selected>', html)
    assert chosen == [("../openapi/users.json", "../docs/users")]
    assert '<a id="document" href="../openapi/users.json">' in html


def test_one_service_needs_no_selector() -> None:
    """A system of one service has nothing to choose from."""
    pages = Pages(document("hello"), {"hello": document("hello")}, title="Hello")
    assert "<select" not in body(got(pages, "/docs")).decode()


def test_nothing_runs_that_is_not_a_file_of_ours(pages: Pages) -> None:
    """No inline code, and a policy that would not let it run."""
    reply = got(pages, "/docs")
    assert Loaded(body(reply).decode()).inline == []
    policy = dict(reply.headers)["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy


def test_inline_code_would_be_seen() -> None:
    """Control: the same reading does notice a script and a handler in a page."""
    assert Loaded("<script>alert(1)</script><p onclick='x()'>").inline == ["alert(1)", "onclick"]


def test_only_the_servers_of_the_documents_may_be_called() -> None:
    """Trying out works where a document names another server, and nowhere else."""
    servers = [{"url": "https://api.example:8443/v1"}, {"url": "/v2"}, {"url": "javascript:x"}]
    pages = Pages(document("shop", servers=servers), title="Shop")
    policy = dict(got(pages, "/docs").headers)["content-security-policy"]
    assert "connect-src 'self' https://api.example:8443;" in policy


def test_names_are_text() -> None:
    """A title or a service name cannot become markup."""
    nasty = '"><script>x</script>'
    pages = Pages(document("a"), {nasty: document("a"), "b": document("b")}, title=nasty)
    html = body(got(pages, "/docs")).decode()
    assert "<script>x" not in html
    assert html.count("&lt;script&gt;x") == 3


@pytest.fixture
def without_swagger_ui(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def nothing(_: str) -> None:
        return None

    monkeypatch.setattr(files, "find_spec", nothing)
    files.asset.cache_clear()
    yield
    files.asset.cache_clear()


@pytest.mark.usefixtures("without_swagger_ui")
def test_a_missing_package_is_named(pages: Pages) -> None:
    """Without Swagger UI the page says what to install; the documents are there all the same."""
    for path in ("/docs", "/docs/users", "/docs/_/swagger-ui.css"):
        reply = got(pages, path)
        assert reply.status == 503
        assert b"pip install swagger-ui-py" in body(reply)
    assert got(pages, "/openapi.json").status == 200


def test_the_code_of_swagger_ui_py_is_never_run(pages: Pages) -> None:
    """Its files are read where they lie; its Python, and what that imports, stays out."""
    assert got(pages, "/docs/_/swagger-ui-bundle.js").status == 200
    assert "swagger_ui" not in sys.modules


async def test_an_app_shows_the_pages(pages: Pages) -> None:
    """`App` asks the pages where no operation answers."""
    messages: list[Mapping[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Mapping[str, Any]) -> None:
        messages.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "raw_path": b"/docs",
        "query_string": b"",
        "headers": [],
    }
    await App([], pages=[pages])(scope, receive, send)
    assert messages[0]["status"] == 200
    assert b"swagger-ui-bundle.js" in messages[1]["body"]
