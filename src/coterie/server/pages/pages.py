"""Pages: what a browser is shown at /docs, and the documents behind it."""

from collections.abc import Callable, Iterator, Mapping
from html import escape
from string import Template
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from coterie.call import Reply

from .asset import Asset, made
from .files import MissingFilesError, asset, template

__all__ = ["Document", "Pages"]

Document = Callable[[], Mapping[str, Any]]
"""Makes an OpenAPI document; called once, when somebody asks for it."""

_HTML = "text/html; charset=utf-8"
_FILES = "/docs/_/"


class Pages:
    """Answers GET for the documentation of a system; given path and headers, as `App` asks.

    ::

        /docs                     Swagger UI over the whole system
        /docs/{service}           the same page, opened at one service
        /openapi.json             the document of the whole system
        /openapi/{service}.json   the document of one service
        /docs/_/...               script, style and icon

    ``services`` are told apart by a selector, which stays away where there are fewer than two.
    All addresses in the page are relative, so it works behind any prefix. Nothing is loaded
    from elsewhere, and the page's own policy forbids it.
    """

    def __init__(
        self, system: Document, services: Mapping[str, Document] | None = None, *, title: str
    ) -> None:
        self._title = title
        self._services = tuple(services) if services and len(services) > 1 else ()
        self._documents: dict[str, Document] = {"/openapi.json": system}
        for name, document in (services or {}).items():
            self._documents[f"/openapi/{quote(name)}.json"] = document
        self._pages = {"/docs": "", "/docs/": ""}
        self._pages |= {f"/docs/{quote(name)}": name for name in services or ()}
        self._made: dict[str, Asset] = {}
        self._origins: str | None = None

    def __call__(self, path: str, headers: Mapping[bytes, bytes]) -> Reply | None:
        """The page at ``path`` (still percent-encoded), or ``None`` if it is none of these."""
        if path in self._documents:
            return self._document(path).reply(headers)
        try:
            if path in self._pages:
                policy = ("content-security-policy", self._policy())
                return self._page(path).reply(headers, more=(policy, _REFERRER))
            if path.startswith(_FILES):
                found = asset(path.removeprefix(_FILES))
                return None if found is None else found.reply(headers, keep=True)
        except MissingFilesError as error:
            return _apology(str(error), "" if path == "/docs" else "../")
        return None

    def _document(self, path: str) -> Asset:
        found = self._made.get(path)
        if found is None:
            body = msgspec.json.encode(self._documents[path]())
            found = self._made[path] = made("application/json", body)
        return found

    def _page(self, path: str) -> Asset:
        found = self._made.get(path)
        if found is None:
            found = self._made[path] = made(_HTML, self._render(path).encode())
        return found

    def _render(self, path: str) -> str:
        # "/docs" lies beside "/openapi.json", all other pages one folder below.
        root = "" if path == "/docs" else "../"
        service = self._pages[path]
        values = {
            "title": escape(self._title),
            "document": escape(root + _address(service)),
            "selector": self._selector(service, root),
        }
        for name in ("docs.css", "docs.js", "swagger-ui.css", "swagger-ui-bundle.js", "favicon"):
            file = "favicon-32x32.png" if name == "favicon" else name
            found = asset(file)
            version = "" if found is None else found.version
            place = f"{root}{_FILES[1:]}{file}?v={version}"
            values[name.replace("-", "_").replace(".", "_")] = place
        return Template(template()).substitute(values)

    def _selector(self, chosen: str, root: str) -> str:
        if not self._services:
            return ""
        options = "".join(
            f'<option value="{escape(root + _address(name))}"'
            f' data-page="{escape(root + _page(name))}"'
            f"{' selected' if name == chosen else ''}>{escape(name) or 'Whole system'}</option>"
            for name in ("", *self._services)
        )
        return f'<label>Service <select id="service">{options}</select></label>'

    def _policy(self) -> str:
        """What the page may load: itself, and calls to the servers its documents name."""
        if self._origins is None:
            named = (origin for path in self._documents for origin in self._servers(path))
            self._origins = " ".join(["'self'", *dict.fromkeys(named)])
        return (
            "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
            f" img-src 'self' data:; connect-src {self._origins};"
            " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )

    def _servers(self, path: str) -> Iterator[str]:
        document = msgspec.json.decode(self._document(path).body)
        for server in document.get("servers", ()):
            parts = urlsplit(server["url"])
            if parts.scheme in ("http", "https") and parts.netloc:
                yield f"{parts.scheme}://{parts.netloc}"


_REFERRER = ("referrer-policy", "no-referrer")


def _address(service: str) -> str:
    return f"openapi/{quote(service)}.json" if service else "openapi.json"


def _page(service: str) -> str:
    return f"docs/{quote(service)}" if service else "docs"


def _apology(what: str, root: str) -> Reply:
    body = (
        '<!doctype html><html lang="en"><title>No pages</title>'
        f"<p>{escape(what)}</p>"
        f'<p>The document itself is at <a href="{root}openapi.json">openapi.json</a>.</p>'
    )
    return Reply(None, 503, (("content-type", _HTML), ("cache-control", "no-store")), body.encode())
