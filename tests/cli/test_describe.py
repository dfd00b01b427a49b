"""`coterie describe`, `coterie routes`, `coterie check`: what a system is, without starting it."""

import pytest
from openapi_spec_validator import validate

from tests.cli.conftest import Coterie
from tests.console.process import system
from tests.system.folder import Folder

BOOKS = '''
    import datetime
    from typing import Annotated
    from coterie import Code, Contract, Event, Fault, Meta, Struct, anyone, call, get, post, role

    class Book(Struct, frozen=True):
        title: Annotated[str, Meta(max_length=200)]
        pages: Annotated[int, Meta(ge=1)] = 1

    class Missing(Fault, code=Code.NOT_FOUND):
        """There is no book {number}."""
        number: int

    class Books(Contract, version="1.2"):
        """The ``catalogue``."""

        added = Event(Book)

        @get("/books/{number}", faults=[Missing], deprecated="Use catalogue.book")
        async def book(self, number: int) -> Book:
            """Returns a ``book``."""
            ...

        @post("/books", allow=role("librarian"), status=201)
        async def add(self, book: Book) -> None: ...

        @call()
        async def count(self) -> int: ...

    class BooksService(Books):
        async def book(self, number: int) -> Book:
            return Book("Flatland")

        async def add(self, book: Book) -> None: ...

        async def count(self) -> int:
            return 1
'''
PRIVATE = """
    from coterie import Service, get

    class PrivateService(Service, version="1.0"):
        @get("/private")
        async def look(self) -> None: ...
"""
TOML = """
[identity]

[service.back]
implements = "lab.private:PrivateService"
public = false
"""


@pytest.fixture
def lab(home: Folder) -> Folder:
    """A system with a public and a private service."""
    system(home.path, TOML, books=BOOKS)
    home.write("lab/private.py", PRIVATE)
    return home


def test_a_service_in_words(coterie: Coterie, lab: Folder) -> None:
    """Its operations in a table, its events in lines."""
    assert coterie("describe", "books").out == (
        "books 1.2  The `catalogue`\n"
        "METHOD  PATH              OPERATION    SUMMARY\n"
        "GET     /books/{number}   books.book   Returns a `book`\n"
        "POST    /books            books.add\n"
        "POST    (other services)  books.count\n"
        "event added: Book\n"
        "\n"
    )
    everything = coterie("describe").out
    assert "private-service (service back) 1.0" in everything
    assert "books 1.2" in everything


def test_an_operation_in_words(coterie: Coterie, lab: Folder) -> None:
    """Who may call, what it takes, gives and refuses."""
    assert coterie("describe", "books.book").out == (
        "books.book  GET /books/{number}\n"
        "Returns a `book`.\n"
        "\n"
        "may call    anyone logged in\n"
        "takes       number: int\n"
        "gives       200, Book\n"
        "refuses     404, missing: There is no book {number}.\n"
        "deprecated  Use catalogue.book\n"
    )
    assert "may call  role librarian\n" in coterie("describe", "books.add").out


def test_a_service_for_machines(coterie: Coterie, lab: Folder) -> None:
    """Every operation with JSON Schema, faults and events."""
    (books,) = coterie("describe", "books", "--as", "json").json()
    assert (books["service"], books["public"]) == ("books", True)
    (contract,) = books["contracts"]
    by_name = {operation["operation"]: operation for operation in contract["operations"]}
    book = by_name["books.book"]
    assert book["parameters"][0]["schema"] == {"type": "integer"}
    assert book["result"]["schema"]["$ref"] == "#/$defs/Book"
    assert book["faults"][0]["fault"] == "missing"
    assert by_name["books.count"]["path"] is None
    assert contract["events"][0]["event"] == "added"
    assert coterie("describe", "books.book", "--as", "json").json() == book


def test_openapi_is_what_the_gateway_serves(coterie: Coterie, lab: Folder) -> None:
    """For the whole system without what is private; for one service all that is its own."""
    whole = coterie("describe", "--as", "openapi")
    document = whole.json()
    validate(document)
    assert set(document["paths"]) == {"/books", "/books/{number}"}
    assert whole.out.startswith('{\n  "openapi": "3.1.0"')  # a file that people compare
    alone = coterie("describe", "back", "--as", "openapi").json()
    validate(alone)
    assert "/private" in alone["paths"]
    assert alone["info"]["title"] == "back"


MISSPELT = {
    "boks": "lab has no service 'boks'. Did you mean books?",
    "xyz": "lab has no service 'xyz'. There are back, books",
    "books.bok": "there is no operation 'books.bok'. Did you mean books.book?",
}


@pytest.mark.parametrize("name", MISSPELT)
def test_what_is_not_there_is_told(coterie: Coterie, lab: Folder, name: str) -> None:
    """With what may be meant."""
    assert coterie("describe", name) == (2, "", f"error: {MISSPELT[name]}\n")


def test_routes_are_what_the_gateway_answers(coterie: Coterie, lab: Folder) -> None:
    """By path; nothing private, nothing for other services only."""
    assert coterie("routes").out == (
        "METHOD  PATH             OPERATION   SERVICE  ALLOW\n"
        "POST    /books           books.add   books    role librarian\n"
        "GET     /books/{number}  books.book  books    anyone logged in\n"
    )
    rows = coterie("routes", lab.path, "--json").json()
    assert rows[1] == {
        "method": "GET",
        "path": "/books/{number}",
        "operation": "books.book",
        "service": "books",
        "allow": "anyone logged in",
        "summary": "Returns a ``book``",
    }


def test_routes_of_programs_are_passed_on(coterie: Coterie, home: Folder) -> None:
    """Their paths with all below them; who may is the program's own matter."""
    home.toml("""
        [system]
        name = "lab"

        [service.legacy]
        command = "./legacy"
        mount = { "/old/users" = "/users", "/old" = "/" }
        routes = ["/api/files"]

        [service.web]
        command = "./web"
        mount = "/"

        [service.back]
        command = "./back"
        public = false
    """)
    assert coterie("routes").out == (
        "METHOD  PATH          OPERATION  SERVICE  ALLOW\n"
        "*       /*            passed on  web      as the program says\n"
        "*       /api/files/*  passed on  legacy   as the program says\n"
        "*       /old/*        passed on  legacy   as the program says\n"
        "*       /old/users/*  passed on  legacy   as the program says\n"
    )
    rows = coterie("routes", "--json").json()
    assert rows[3] == {
        "method": "*",
        "path": "/old/users/*",
        "operation": "passed on",
        "service": "legacy",
        "allow": "as the program says",
        "summary": "The program has it at /users",
    }


def test_check_finds_nothing_wrong(coterie: Coterie, lab: Folder) -> None:
    """And says what it looked at."""
    assert coterie("check") == (0, "lab: no problems (books, back)\n", "")
    assert coterie("check", lab.path / "coterie.toml", "--json") == (0, "[]\n", "")


def test_check_finds_all_that_is_wrong(coterie: Coterie, home: Folder) -> None:
    """One line each for people, one object each for machines; exit code 1."""
    system(home.path, "[gatewy]\nport = 1\n", bad="import nowhere_to_be_found\n")
    toml = home.path / "coterie.toml"
    done = coterie("check")
    assert (done.code, done.out) == (1, "")
    assert "there is no table [gatewy]. Did you mean [gateway]?" in done.err
    toml.write_text(toml.read_text().replace("[gatewy]\nport = 1\n", ""))
    (problem,) = coterie("check", "--json").json()
    assert (problem["file"], problem["line"]) == ("lab/bad.py", 1)
    assert problem["what"] == "service bad: there is no module nowhere_to_be_found"
    assert problem["remedy"]
