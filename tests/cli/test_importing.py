"""`coterie import`: a contract from a document, or a message that says what to do."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from coterie.cli import described
from coterie.cli.mistakes import Mistake
from tests.cli.conftest import Coterie
from tests.system.folder import Folder

DOCUMENT = {
    "openapi": "3.0.3",
    "info": {"title": "Rates API", "version": "1.4.2"},
    "paths": {
        "/rates/{currency}": {
            "get": {
                "operationId": "getRate",
                "tags": ["rates"],
                "summary": "The rate of a currency",
                "parameters": [
                    {
                        "name": "currency",
                        "in": "path",
                        "required": True,
                        "schema": {"type": "string"},
                    }
                ],
                "responses": {
                    "200": {
                        "description": "ok",
                        "content": {"application/json": {"schema": {"type": "number"}}},
                    },
                    "default": {"description": "else"},
                },
            }
        }
    },
}


PAGES = {
    "/openapi.json": (200, "application/json", json.dumps(DOCUMENT).encode()),
    "/docs": (200, "text/html", b"<!doctype html><title>docs</title>"),
}


class _Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, kind, body = PAGES.get(self.path, (404, "text/plain", b"no"))
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def program() -> Iterator[str]:
    """A program that describes itself, at an address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_file_becomes_a_contract(coterie: Coterie, home: Folder) -> None:
    """The source on standard output, what cannot be said beside it."""
    home.write("rates.json", json.dumps(DOCUMENT))
    done = coterie("import", "openapi", "rates.json")
    assert done.code == 0
    assert "class Rates(Contract" in done.out
    assert '@get("/rates/{currency}")' in done.out
    assert done.err.startswith("1 operation, ")
    assert "default" in done.err


def test_a_program_that_runs_is_asked(coterie: Coterie, home: Folder, program: str) -> None:
    """By its address; the file is new, or it says --force."""
    there = ("import", "openapi", f"{program}/openapi.json", "--out", "contracts/rates.py")
    assert coterie(*there, "--name", "Money").code == 0
    assert "class Money(Contract" in (home.path / "contracts" / "rates.py").read_text()
    again = coterie(*there)
    assert again.code == 2
    assert "is there already" in again.err
    assert "class Money(" in (home.path / "contracts" / "rates.py").read_text()
    assert coterie(*there, "--force").code == 0
    assert "class Rates(" in (home.path / "contracts" / "rates.py").read_text()


def test_a_folder_becomes_a_package(coterie: Coterie, home: Folder) -> None:
    """A module for each tag."""
    home.write("rates.json", json.dumps(DOCUMENT))
    assert coterie("import", "openapi", "rates.json", "--out", "rates").code == 0
    found = sorted(file.name for file in (home.path / "rates").iterdir())
    assert "__init__.py" in found
    assert len(found) >= 2


def test_yaml_and_references_to_files_beside_it_are_read(coterie: Coterie, home: Folder) -> None:
    """As OpenAPI documents are written by hand."""
    home.write(
        "api.yaml",
        """
        openapi: 3.1.0
        info: {title: Pets, version: "1.0"}
        paths:
          /pet:
            get:
              operationId: pet
              responses:
                "200":
                  description: ok
                  content: {application/json: {schema: {$ref: "models/my%20pet.yaml#/Pet"}}}
        """,
    )
    home.write("models/my pet.yaml", "Pet: {type: object, properties: {name: {type: string}}}\n")
    done = coterie("import", "openapi", "api.yaml")
    assert done.code == 0, done.err
    assert "class Pet(Struct" in done.out


def test_machines_are_told_in_json(coterie: Coterie, home: Folder) -> None:
    """Counts, files and every note."""
    home.write("rates.json", json.dumps(DOCUMENT))
    told = coterie("import", "openapi", "rates.json", "--json").json()
    assert told["contracts"] == ["Rates"]
    assert told["operations"] == 1
    assert {"where", "what", "instead"} == set(told["notes"][0])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "No such file"),
        ("{not json", "is no JSON"),
        ("<!doctype html>", "is a page for people"),
        ("a: [1", "neither JSON nor YAML"),
        ('{"paths": {"/a": {}, "/a": {}}}', "'/a' stands twice"),
        ("openapi: 3.0.0\npaths:\n  /a: {}\n  /a: {}\n", "line 4: '/a' stands twice"),
        ("[]", "is an object"),
        ('{"openapi": "9.0"}', "version"),
        ('{"openapi": "3.0.0", "paths": {"/x": {"get": {"responses": {"200": {"$ref": "#/no"}}}}}}', "leads to nothing"),
        ('{"openapi": "3.0.0", "paths": {"/x": {"$ref": "../../etc/passwd"}}}', "not in its folder"),
        ('{"openapi": "3.0.0", "paths": {"/x": {"$ref": "..%2f..%2fetc/passwd"}}}', "not in its folder"),
        ('{"openapi": "3.0.0", "paths": {"/x": {"$ref": "a%00b"}}}', "not in its folder"),
    ],
)  # fmt: skip
def test_what_cannot_be_imported_is_named(
    coterie: Coterie, home: Folder, content: str | None, says: str
) -> None:
    """The document, what is wrong with it, the remedy; no traceback, and nothing written."""
    if content is not None:
        home.write("broken.json", content)
    done = coterie("import", "openapi", "broken.json", "--out", "made.py")
    assert done.code in (1, 2)
    assert "broken.json" in done.err
    assert says in done.err
    assert "Traceback" not in done.err
    assert not (home.path / "made.py").exists()


@pytest.mark.parametrize(
    ("path", "says"),
    [("/absent", "answers 404"), ("/docs", "is a page for people")],
)
def test_an_address_that_is_none_is_named(
    coterie: Coterie, home: Folder, program: str, path: str, says: str
) -> None:
    """With what came instead."""
    done = coterie("import", "openapi", f"{program}{path}")
    assert done.code == 1
    assert says in done.err


@pytest.mark.parametrize("address", ["http://[x", "http://127.0.0.1:9/a b", "http://127.0.0.1:9/é"])
def test_an_address_that_cannot_be_is_named(coterie: Coterie, home: Folder, address: str) -> None:
    """In words."""
    done = coterie("import", "openapi", address)
    assert done.code == 2
    assert f"{address}: " in done.err
    assert "Mend the address" in done.err


def test_a_document_that_drips_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it gives a sign of life."""
    monkeypatch.setattr(described, "_WHOLE", 0.01)
    with pytest.raises(TimeoutError, match="not all there"):
        described._all(lambda _: b" ")


def test_yaml_is_read_as_openapi_has_it(coterie: Coterie, home: Folder) -> None:
    """Version 1.2: NO is a country, on a name, 12:30 and 2026-11-23 are texts; parts may be shared."""
    home.write(
        "rates.yaml",
        """
        openapi: 3.0.0
        info: {title: Rates, version: "1"}
        x-one: &one
          responses: {200: {description: ok}}
        paths:
          /a:
            get:
              <<: *one
              operationId: on
              parameters:
              - {name: at, in: query, schema: {enum: [NO, off, 12:30, 2026-11-23, 007, 0x10, 1e1]}}
        """,
    )
    done = coterie("import", "openapi", "rates.yaml")
    assert done.code == 0, done.err
    assert 'Literal["NO", "off", "12:30", "2026-11-23"] | float' in done.out
    assert "async def on(" in done.out
    home.write("more.yaml", "openapi: 3.0.0\npaths: {}\nx: {no: 1, on: 2, 1: 3, ~: 4}\n")
    assert "str-like" in coterie("import", "openapi", "more.yaml").err  # ~ alone is no name


def test_a_document_does_not_command_the_screen(coterie: Coterie, home: Folder) -> None:
    """Signs that screens act upon are shown instead."""
    paths: dict[str, object] = {"/a\x1b[31m\u202e b": {"get": {"responses": {}}}}
    home.write("loud.json", json.dumps({**DOCUMENT, "paths": paths}))
    done = coterie("import", "openapi", "loud.json")
    assert done.code == 0
    assert "/a\\x1b[31m\\u202e b" in done.err
    assert "\x1b" not in done.err
    home.write("loud.json", json.dumps({**DOCUMENT, "paths": {"/": {"$ref": "#/\x1b[31m"}}}))
    assert "\x1b" not in coterie("import", "openapi", "loud.json").err


def test_a_version_that_none_can_be_is_refused(coterie: Coterie, home: Folder) -> None:
    """Before it stands in a contract that nobody can import."""
    home.write("rates.json", json.dumps(DOCUMENT))
    done = coterie("import", "openapi", "rates.json", "--version", "v2 beta")
    assert done.code == 2
    assert "such as 1.0" in done.err
    assert 'version="2.5"' in coterie("import", "openapi", "rates.json", "--version", "2.5").out


def test_nobody_at_an_address(coterie: Coterie, home: Folder) -> None:
    """A program that does not run."""
    done = coterie("import", "openapi", "http://127.0.0.1:9/openapi.json")
    assert done.code == 1
    assert "Is the program running?" in done.err
    assert coterie("import", "openapi", "ftp://a/b").code == 2


def test_a_file_without_end_is_not_read_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device tells no size."""
    monkeypatch.setattr(described, "_LARGEST", 2**20)
    with pytest.raises(Mistake, match="is larger than 1 MiB"):
        described.read("/dev/zero")
