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


@pytest.mark.parametrize("answer", [Closing(), http("busy", "503 Service Unavailable")])
def test_a_service_that_fails_is_told_by_its_caller(answer: bytes) -> None:
    """It was found, and gave no greeting."""
    with peer(answer) as bad, peer(http(f'{{"service_url": "{bad.url}"}}')) as registry:
        assert run(CALLER, DISCOVERY_REGISTRY_URL=registry.url) == NO_GREETING
        assert len(bad.requests) == 1
