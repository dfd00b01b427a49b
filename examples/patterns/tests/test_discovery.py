"""08-registry-and-discovery: a service makes itself known, callers find it wherever it is.

What its registry promises of `/register` and `/discover` is in test_inventory.py; a service that moves
is in the README, and run by test_readmes.py.
"""

from collections.abc import Generator
from pathlib import Path

import pytest

from peers import BAD, NO_JSON, Closing, away, http, patience, peer
from programs import Program, free_port, load, run, started

FOLDER = "08-registry-and-discovery"
CLIENT, CALLER, SERVICE_A = (f"{FOLDER}/{name}.py" for name in ("client", "caller", "service_a"))
GREETING, NO_GREETING = "Hello from ServiceA!\n", "Failed to get greeting from ServiceA\n"
NOT_FOUND = "ServiceA not found in the registry\n"
KNOWN = "Service ServiceA registered successfully"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Generator[Program]:
    file = tmp_path_factory.mktemp("registry") / "kept"
    with started(f"{FOLDER}/registry.py", REGISTRY_FILE=file) as program:
        yield program


@pytest.mark.promise("W0-09", "S0-78", "S0-81")
def test_a_service_waits_for_its_registry(tmp_path: Path) -> None:
    """Started before the registry it serves all the same, and is known once there is one."""
    port = free_port()
    at = {"DISCOVERY_REGISTRY_URL": f"http://127.0.0.1:{port}"}
    with started(SERVICE_A, PAUSE=0.05, **at) as service_a:
        assert service_a.until(lambda said: said.count("The registry does not answer") > 1)
        assert service_a.get("/greet").content == b"Hello from ServiceA!"
        with started(f"{FOLDER}/registry.py", PORT=port, REGISTRY_FILE=tmp_path / "kept"):
            assert service_a.until(lambda said: KNOWN in said)
            assert run(CALLER, **at) == GREETING


@pytest.mark.promise("S0-82", "S0-80")
def test_the_client_gives_what_the_registry_says(
    registry: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Registering gives its JSON, refusals too; discovering gives a URL, or None."""
    client = load(CLIENT)
    assert (client.REGISTRY_URL, client.TIMEOUT) == ("http://localhost:5000", 2)
    monkeypatch.setattr(client, "REGISTRY_URL", registry.url)
    told = client.register_service("Some service", "http://localhost:5001")
    assert told == {"message": "Service Some service registered successfully"}
    assert client.discover_service("Some service") == "http://localhost:5001"
    assert client.discover_service("another") is None
    refused = client.register_service("", "http://localhost:5001")
    assert refused == {"error": "Invalid service registration data"}


@pytest.mark.promise("S0-82", "S0-83")
def test_without_a_registry_nothing_is_found() -> None:
    """One line each, and no traceback."""
    with away() as nobody:
        at = {"DISCOVERY_REGISTRY_URL": nobody}
        assert (run(CLIENT, **at), run(CALLER, **at)) == (NOT_FOUND, NO_GREETING)


@pytest.mark.promise("S0-82")
@pytest.mark.parametrize("way", [*BAD, *NO_JSON])
def test_whatever_the_registry_does_wrong_the_client_goes_on(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No URL, and an object that says so: never a registration that did not happen."""
    client = load(CLIENT)
    wrong = {**BAD, **NO_JSON}[way]
    monkeypatch.setattr(client, "TIMEOUT", patience(wrong))
    with peer(wrong) as bad:
        monkeypatch.setattr(client, "REGISTRY_URL", bad.url)
        assert client.discover_service("ServiceA") is None
        told = client.register_service("ServiceA", "http://localhost:5001")
        assert "message" not in told


@pytest.mark.promise("S0-83")
@pytest.mark.parametrize("way", ["drips", "drips in its head"])
def test_a_registry_that_is_slow_without_end_is_given_up(way: str) -> None:
    """Both programs end after TIMEOUT, with their line; so does the caller of a slow service."""
    with peer(BAD[way]) as slow, peer(http(f'{{"service_url": "{slow.url}"}}')) as registry:
        settings = {"DISCOVERY_REGISTRY_URL": slow.url, "TIMEOUT": 0.5}
        assert (run(CLIENT, **settings), run(CALLER, **settings)) == (NOT_FOUND, NO_GREETING)
        settings["DISCOVERY_REGISTRY_URL"] = registry.url
        assert run(CALLER, **settings) == NO_GREETING
        assert slow.requests[-1].startswith("GET /greet HTTP/1.1")


@pytest.mark.promise("S0-82", "S0-83")
@pytest.mark.parametrize("url", [r"\ud800", r"x\nServiceA discovered at: y", r"\u001b[2J"])
def test_a_url_that_is_not_one_line_of_text_is_none(url: str) -> None:
    """No traceback, and nothing on the terminal but the program's own line."""
    with peer(http(f'{{"service_url": "{url}"}}')) as odd:
        assert run(CLIENT, DISCOVERY_REGISTRY_URL=odd.url) == NOT_FOUND


def test_a_greeting_that_cannot_be_printed_is_none() -> None:
    """Half a character, which some charsets can say, is no traceback; control: a whole one."""
    charset = "Content-Type: text/plain; charset=unicode_escape"
    for body, greeting in ((r"\ud800", NO_GREETING), (r"\u00fc", "ü\n")):
        with (
            peer(http(body, "200 OK", charset)) as odd,
            peer(http(f'{{"service_url": "{odd.url}"}}')) as registry,
        ):
            assert run(CALLER, DISCOVERY_REGISTRY_URL=registry.url) == greeting


@pytest.mark.parametrize("answer", [Closing(), http("busy", "503 Service Unavailable")])
def test_a_service_that_fails_is_told_by_its_caller(answer: bytes) -> None:
    """It was found, and gave no greeting."""
    with peer(answer) as bad, peer(http(f'{{"service_url": "{bad.url}"}}')) as registry:
        assert run(CALLER, DISCOVERY_REGISTRY_URL=registry.url) == NO_GREETING
        assert len(bad.requests) == 1
