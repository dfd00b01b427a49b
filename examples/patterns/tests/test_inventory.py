"""02-inventory and 08-registry-and-discovery: what both promise of `/register` and `/discover`.

Each test runs on both programs; what is true of the inventory alone comes last.
"""

import json
import socket
import sqlite3
import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from peers import BAD, NO_JSON, away, http, patience, peer
from programs import PATIENCE, PATTERNS, Program, load, run, started

INVENTORY, REGISTRY = "02-inventory/inventory.py", "08-registry-and-discovery/registry.py"
INVALID = {"error": "Invalid service registration data"}
URL = "http://localhost:5000"


class Server:
    """A started program of the two, and its file."""

    def __init__(self, program: str, running: Program, file: Path) -> None:
        self.name, self.file = program, file
        self.url, self.get = running.url, running.get

    def post(self, **sent: Any) -> requests.Response:
        """`POST /register`."""
        return requests.post(f"{self.url}/register", timeout=PATIENCE, **sent)

    def register(self, name: str, url: str) -> requests.Response:
        """As a service does it."""
        return self.post(json={"name": name, "url": url})


def variables(file: Path) -> dict[str, object]:
    """Where both programs keep what they are told."""
    return {"INVENTORY_FILE": file, "REGISTRY_FILE": file}


@pytest.fixture(scope="module", params=[INVENTORY, REGISTRY], ids=["inventory", "registry"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Server]:
    file = tmp_path_factory.mktemp("kept") / "deeper" / "kept.sqlite3"
    with started(request.param, **variables(file)) as running:
        yield Server(request.param, running, file)


@pytest.mark.promise("S0-11", "S0-12", "S0-15", "S0-80")
def test_what_is_registered_is_discovered(server: Server) -> None:
    """With the statuses and texts of the pattern."""
    told = server.register("ServiceA", URL)
    assert (told.status_code, told.json()) == (
        201,
        {"message": "Service ServiceA registered successfully"},
    )
    found = server.get("/discover/ServiceA")
    assert (found.status_code, found.json()) == (200, {"service_url": URL})


@pytest.mark.promise("S0-16", "S0-80")
@pytest.mark.parametrize("name", ["Nobody", "nobody at all", "über", "x" * 500])
def test_an_unknown_name_is_a_404(server: Server, name: str) -> None:
    """It names the name."""
    found = server.get(f"/discover/{name}")
    assert (found.status_code, found.json()) == (404, {"error": f"Service {name} not found"})


@pytest.mark.promise("S0-17", "S0-80")
def test_the_last_registration_wins(server: Server) -> None:
    """It answers as the first did."""
    for url in (URL, "http://localhost:5009/deeper", "https://[::1]:5000", URL + "/"):
        assert server.register("moving", url).status_code == 201
        assert server.get("/discover/moving").json() == {"service_url": url}


OTHER_JSON: list[object] = [
    {}, {"name": "x"}, {"url": URL}, {"name": "", "url": URL}, {"name": "x", "url": ""},
    {"name": None, "url": URL}, {"name": "x", "url": None},
    {"name": 5, "url": URL}, {"name": "x", "url": []}, {"name": {}, "url": URL},
    {"name": True, "url": URL}, {"name": "x", "url": 80}, {"name": ["x"], "url": URL},
    [], ["name", "url"], "name", 5, 1.5, None, True,
]  # fmt: skip
NO_OBJECT = [b"", b"{", b'{"name": "x", "url": "http://x"', b"\xff\xfe\x00", b"[" * 10_000]
RIGHT = b'{"name": "x", "url": "http://x"}'
WRONG: list[dict[str, Any]] = [
    *({"json": wrong} for wrong in OTHER_JSON),
    *({"data": body, "headers": {"Content-Type": "application/json"}} for body in NO_OBJECT),
    {},
    {"data": {"name": "x", "url": URL}},
    {"data": RIGHT},
    {"data": RIGHT, "headers": {"Content-Type": "text/plain"}},
]


@pytest.mark.promise("S0-13", "S0-14", "S0-80")
@pytest.mark.parametrize("sent", WRONG, ids=repr)
def test_what_is_no_registration_is_refused(server: Server, sent: dict[str, Any]) -> None:
    """One answer for all of it, in JSON: missing, empty, of another type, no JSON at all."""
    answer = server.post(**sent)
    assert (answer.status_code, answer.json()) == (400, INVALID)
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.promise("S0-14")
@pytest.mark.parametrize(
    "url",
    [
        "localhost:5000", "//localhost:5000", "/greet", "ftp://localhost", "file:///etc/passwd",
        "javascript:alert(1)", "http://", "http:///greet", "http://:5000", "http://host:port",
        "http://host:99999", "http://host:0", "http://[::1", "http://a b", " http://host",
        "http://host\n", "http://ho\tst", "http://\ud800", "http://" + "h" * 1000,
    ],
)  # fmt: skip
def test_a_url_that_nobody_could_call_is_refused(server: Server, url: str) -> None:
    """Only HTTP, with a host; a registration is an address, and callers go wherever it leads."""
    answer = server.register("x", url)
    assert (answer.status_code, answer.json()) == (400, INVALID)


@pytest.mark.promise("S0-14")
@pytest.mark.parametrize("name", [".", "..", "a/b", " ", " x", "x\n", "x\0", "\ud800", "x" * 101])
def test_a_name_that_nobody_could_ask_for_is_refused(server: Server, name: str) -> None:
    """It would have to stand in a path."""
    answer = server.register(name, URL)
    assert (answer.status_code, answer.json()) == (400, INVALID)


def test_too_much_is_refused_unread(server: Server) -> None:
    """In JSON, too."""
    answer = server.register("x" * 20_000, URL)
    assert (answer.status_code, answer.json()) == (413, {"error": "Request Entity Too Large"})


@pytest.mark.promise("S0-14")
@pytest.mark.parametrize("program", [INVENTORY, REGISTRY])
def test_any_json_is_taken_or_refused(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that can be said is an error inside; what is taken can be discovered."""
    monkeypatch.setenv("INVENTORY_FILE", str(tmp_path / "kept"))
    monkeypatch.setenv("REGISTRY_FILE", str(tmp_path / "kept"))
    client = load(program).app.test_client()
    anything = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.none())
    names, urls = anything | st.just("name"), anything | st.just(URL)

    @given(st.fixed_dictionaries({}, optional={"name": names, "url": urls}) | anything)
    def holds(sent: Any) -> None:
        answer = client.post("/register", json=sent)
        if answer.status_code == 400:
            assert answer.json == INVALID
        else:
            assert answer.status_code == 201
            found = client.get("/discover/" + quote(sent["name"], safe=""))
            assert found.json == {"service_url": sent["url"]}

    holds()


@pytest.mark.promise("W0-09")
def test_what_is_registered_outlives_the_program(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is kept in a file: whoever is started on that file next knows it."""
    server.register("lasting", URL)
    for name, file in variables(server.file).items():
        monkeypatch.setenv(name, str(file))
    found = load(server.name).app.test_client().get("/discover/lasting")
    assert found.json == {"service_url": URL}


@pytest.mark.promise("W0-09")
def test_workers_know_the_same(tmp_path: Path) -> None:
    """Under gunicorn with two workers, what one of them was told all of them answer."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(100)
        command = ["-m", "gunicorn", "--workers", "2", "--bind", f"fd://{listener.fileno()}"]
        folder = PATTERNS / "02-inventory"
        settings = variables(tmp_path / "kept.sqlite3")
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        running = Program(
            [sys.executable, *command, "--no-control-socket", "inventory:app"],
            folder, settings, url, [listener.fileno()],
        )  # fmt: skip
    try:
        server = Server(INVENTORY, running, tmp_path)
        with ThreadPoolExecutor(8) as many:
            taken = many.map(lambda n: server.register(f"service-{n}", f"{URL}/{n}"), range(40))
            assert {answer.status_code for answer in taken} == {201}
            found = many.map(lambda n: server.get(f"/discover/service-{n}").json(), range(40))
            assert list(found) == [{"service_url": f"{URL}/{n}"} for n in range(40)]
    finally:
        running.stop()


def test_a_file_that_cannot_be_used_is_no_traceback(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is a 500 in JSON that tells nothing of the inside; afterwards all is well."""
    with sqlite3.connect(server.file, isolation_level=None) as other:
        tables = [
            row[0] for row in other.execute("SELECT name FROM sqlite_master WHERE type='table'")
        ]
        other.execute(f"ALTER TABLE {tables[0]} RENAME TO away")
        other.execute(f"CREATE VIEW {tables[0]} AS SELECT 1")
        broken = server.register("x", URL)
        other.execute(f"DROP VIEW {tables[0]}")
        other.execute(f"ALTER TABLE away RENAME TO {tables[0]}")
    other.close()
    assert (broken.status_code, broken.json()) == (500, {"error": "Internal Server Error"})
    assert server.register("x", URL).status_code == 201


# --- The inventory alone: a catalogue that is looked after -----------------------------------------


@pytest.fixture
def inventory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An empty one, in this process."""
    monkeypatch.setenv("INVENTORY_FILE", str(tmp_path / "inventory"))
    return load(INVENTORY).app.test_client()


@pytest.mark.promise("S0-09", "S0-10")
def test_services_are_listed_described_updated_and_removed(inventory: Any) -> None:
    """One place to see and to manage what there is."""
    greets = {"name": "ServiceA", "url": URL, "description": "Greets"}
    other = {"name": "Other", "url": "http://other", "description": ""}
    for service in (greets, other):
        assert inventory.post("/register", json=service).status_code == 201
    assert inventory.get("/services").json == {"services": [other, greets]}
    moved = inventory.put("/services/ServiceA", json={"url": "http://moved"})
    assert (moved.status_code, moved.json) == (
        200,
        {"message": "Service ServiceA updated successfully"},
    )
    assert inventory.get("/services/ServiceA").json == {**greets, "url": "http://moved"}
    inventory.put("/services/ServiceA", json={"description": "Greets all"})
    inventory.post("/register", json={"name": "ServiceA", "url": URL})
    assert inventory.get("/services/ServiceA").json == {**greets, "description": "Greets all"}
    gone = inventory.delete("/services/ServiceA")
    assert (gone.status_code, gone.json) == (
        200,
        {"message": "Service ServiceA removed successfully"},
    )
    assert inventory.get("/services").json == {"services": [other]}
    assert inventory.get("/discover/ServiceA").status_code == 404


@pytest.mark.promise("S0-10")
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_service_that_is_not_there_cannot_be_managed(inventory: Any, method: str) -> None:
    """The 404 of `/discover`."""
    answer = inventory.open("/services/x", method=method, json={"url": URL})
    assert (answer.status_code, answer.json) == (404, {"error": "Service x not found"})


@pytest.mark.promise("S0-10")
@pytest.mark.parametrize(
    "change", [{}, [], {"url": 5}, {"url": ""}, {"description": 5}, {"name": "y"}, {"url": "x:y"}]
)
def test_a_change_that_is_none_is_refused(inventory: Any, change: Any) -> None:
    """And changes nothing."""
    inventory.post("/register", json={"name": "x", "url": URL})
    answer = inventory.put("/services/x", json=change)
    assert (answer.status_code, answer.json) == (400, INVALID)
    assert inventory.get("/services/x").json == {"name": "x", "url": URL, "description": ""}


# --- The two scripts; with an inventory they are run by test_readmes.py -----------------------------

NOT_REGISTERED = "Failed to register Service ServiceA.\n"
NOT_FOUND = "Service ServiceA not found.\n"


@pytest.mark.promise("S0-19", "S0-20")
def test_the_scripts_say_so_when_there_is_no_inventory() -> None:
    """One line each, and no traceback."""
    with away() as url:
        assert run("02-inventory/register.py", INVENTORY_URL=url) == NOT_REGISTERED
        assert run("02-inventory/discover.py", INVENTORY_URL=url) == NOT_FOUND


@pytest.mark.promise("S0-19", "S0-20")
@pytest.mark.parametrize("way", [*BAD, *NO_JSON])
def test_whatever_the_inventory_does_wrong_the_scripts_go_on(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A 201 is a registration, a 200 with a URL is a place; all else is neither."""
    register, discover = load("02-inventory/register.py"), load("02-inventory/discover.py")
    wrong = {**BAD, **NO_JSON}[way]
    with peer(wrong) as bad:
        for script in (register, discover):
            monkeypatch.setattr(script, "INVENTORY_URL", bad.url)
            monkeypatch.setattr(script, "TIMEOUT", patience(wrong))
        assert register.register_service("ServiceA", URL) is False
        assert discover.discover_service("ServiceA") is None


@pytest.mark.promise("S0-19", "S0-20")
@pytest.mark.parametrize("way", ["drips", "drips in its head"])
def test_an_inventory_that_is_slow_without_end_is_given_up(way: str) -> None:
    """Both programs end after TIMEOUT, with their line."""
    with peer(BAD[way]) as slow:
        settings = {"INVENTORY_URL": slow.url, "TIMEOUT": 0.5}
        assert run("02-inventory/register.py", **settings) == NOT_REGISTERED
        assert run("02-inventory/discover.py", **settings) == NOT_FOUND


@pytest.mark.promise("S0-20")
@pytest.mark.parametrize("url", [r"\ud800", r"x\nService ServiceA found at y", r"\u001b[2J"])
def test_a_url_that_is_not_one_line_of_text_is_none(url: str) -> None:
    """No traceback, and nothing on the terminal but the program's own line."""
    with peer(http(f'{{"service_url": "{url}"}}')) as odd:
        assert run("02-inventory/discover.py", INVENTORY_URL=odd.url) == NOT_FOUND


@pytest.mark.promise("S0-19", "S0-20")
def test_the_programs_print_what_they_were_answered() -> None:
    """To the letter: the line of success, and where the service is."""
    with peer(http("", "201 CREATED")) as good:
        printed = run("02-inventory/register.py", INVENTORY_URL=good.url)
        assert printed == "Service ServiceA registered successfully.\n"
        assert good.requests[0].startswith("POST /register HTTP/1.1")
        sent = {"name": "ServiceA", "url": "http://localhost:5000"}
        assert json.loads(good.requests[0].rpartition("\r\n")[2]) == sent
    with peer(http('{"service_url": "http://x"}')) as good:
        printed = run("02-inventory/discover.py", INVENTORY_URL=good.url)
        assert printed == "Service ServiceA found at http://x.\n"


def test_a_name_is_asked_for_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has a meaning in URLs is quoted; control: an answer of the right kind is believed."""
    discover = load("02-inventory/discover.py")
    with peer(http('{"service_url": "http://x"}')) as good:
        monkeypatch.setattr(discover, "INVENTORY_URL", good.url)
        assert discover.discover_service("../a b?c#d") == "http://x"
        assert good.requests[0].startswith("GET /discover/..%2Fa%20b%3Fc%23d HTTP/1.1")
