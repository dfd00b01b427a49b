"""All patterns as one system, under `coterie up`: behind one gateway, side by side, unchanged.

README.md is held to what it shows by the same system.
"""

import re
import shutil
import sys
from collections.abc import Generator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
import requests

from programs import PATIENCE, PATTERNS, Program, run
from shell import commands_in, typed
from tests.documents import shows

READY = re.compile(r"ready in .* (http://127\.0\.0\.1:\d+) ")
GREETING = "Hello from Service A!"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the patterns: what they keep must not land in the source tree."""
    copy = tmp_path_factory.mktemp("up") / "patterns"
    left_out = shutil.ignore_patterns(".coterie", "__pycache__", "*.sqlite3*", "tests")
    return shutil.copytree(PATTERNS, copy, ignore=left_out)


@pytest.fixture(scope="module")
def system(folder: Path) -> Generator[Program]:
    """`coterie up` of the patterns, which is ready."""
    command = [sys.executable, "-m", "coterie", "up", str(folder), "--port", "0"]
    running = Program(command, folder, {}, "")
    try:
        running.until(READY.search)
        ready = READY.search(running.said)
        assert ready is not None, running.said
        running.url = ready[1]
        yield running
    finally:
        running.stop()


USER_1 = {
    "user_id": "1",
    "user_name": "Alice",
    "user_age": 30,
    "product_name": "Laptop",
    "product_price": 1200,
}
ANALYSIS = {"message": GREETING, "length": 21, "words": 4, "sentiment": "positive"}


@pytest.mark.promise("S0-01", "S0-102")
@pytest.mark.parametrize(
    ("path", "status", "wanted"),
    [
        ("/03-integration/users/2", 200, {"name": "Bob", "age": 25, "city": "San Francisco"}),
        ("/03-integration/users/3", 404, {"error": "User not found"}),
        ("/03-integration/products/102", 200, {"name": "Smartphone", "price": 800}),
        ("/03-integration/products/1", 404, {"error": "Product not found"}),
        ("/03-integration/user_product/1", 200, USER_1),
        (
            "/03-integration/user_product/3",
            404,
            {"error": "Failed to retrieve user or product data"},
        ),
        ("/06-orchestration/orchestrate", 200, ANALYSIS),
        ("/02-inventory/discover/nobody", 404, {"error": "Service nobody not found"}),
        ("/08-registry-and-discovery/discover/nobody", 404, {"error": "Service nobody not found"}),
    ],
)
def test_every_pattern_answers_under_its_prefix(
    system: Program, path: str, status: int, wanted: Any
) -> None:
    """Status and body are those of the program run alone."""
    answer = system.get(path)
    assert (answer.status_code, answer.json()) == (status, wanted)


@pytest.mark.promise("S0-11", "S0-12", "S0-13", "S0-14", "S0-15", "S0-17", "S0-80")
@pytest.mark.parametrize("prefix", ["/02-inventory", "/08-registry-and-discovery"])
def test_registering_is_answered_under_its_prefix_to_the_letter(
    system: Program, prefix: str
) -> None:
    """Without a token; the last registration of a name wins, and what is none is told so in JSON."""
    register = f"{system.url}{prefix}/register"
    for url in ("http://localhost:5000", "http://localhost:5009"):
        sent = {"name": "told twice", "url": url}
        answer = requests.post(register, json=sent, timeout=PATIENCE)
        told = {"message": "Service told twice registered successfully"}
        assert (answer.status_code, answer.json()) == (201, told)
        found = system.get(f"{prefix}/discover/told twice")
        assert (found.status_code, found.json()) == (200, {"service_url": url})
    wrongs: list[dict[str, Any]] = [{"json": {"name": "x"}}, {"json": []}, {"data": b"{"}, {}]
    for wrong in wrongs:
        answer = requests.post(register, timeout=PATIENCE, **wrong)
        told = {"error": "Invalid service registration data"}
        assert (answer.status_code, answer.json()) == (400, told)


@pytest.mark.promise("S0-03", "S0-81")
def test_greetings_come_through_to_the_letter(system: Program) -> None:
    """As plain text, wherever they are mounted."""
    for path in ("/01-soa/greet", "/06-orchestration/greet", "/07-composite/greet"):
        answer = system.get(path)
        assert (answer.status_code, answer.content) == (200, GREETING.encode())
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert system.get("/08-registry-and-discovery/greet").content == b"Hello from ServiceA!"


@pytest.mark.promise("S0-75")
def test_the_composite_finds_what_it_is_made_of(system: Program) -> None:
    """ServiceA of another pattern, and ServiceB of its own."""
    data = system.get("/07-composite/data").json()
    answer = system.get("/07-composite/composite_function").json()
    assert answer == {"greeting": GREETING, "data_from_service_b": data}


@pytest.mark.promise("S0-69", "S0-70")
def test_what_is_posted_arrives(system: Program) -> None:
    """Bodies pass the gateway, and refusals come back."""
    for path in ("process", "analyze"):
        url = f"{system.url}/06-orchestration/{path}"
        assert requests.post(url, json={"message": "Hi"}, timeout=PATIENCE).json()["words"] == 1
        assert requests.post(url, json={}, timeout=PATIENCE).status_code == 400


@pytest.mark.promise("S0-05", "S0-19", "S0-20")
def test_scripts_work_through_the_gateway(system: Program) -> None:
    """Told where their service is now, they print what they always print."""
    service_a = f"{system.url}/01-soa"
    printed = run("01-soa/consumer.py", SOA_SERVICE_A_URL=service_a)
    assert printed == f"Received greeting: {GREETING}\n"
    at = {"INVENTORY_URL": f"{system.url}/02-inventory", "SOA_SERVICE_A_URL": service_a}
    registered = run("02-inventory/register.py", **at)
    assert registered == "Service ServiceA registered successfully.\n"
    assert run("02-inventory/discover.py", **at) == f"Service ServiceA found at {service_a}.\n"


def discovered(system: Program) -> str:
    """Where ServiceA has said that it is; it says so a moment after it is up."""
    end = monotonic() + PATIENCE
    while (found := system.get("/08-registry-and-discovery/discover/ServiceA")).status_code != 200:
        assert monotonic() < end, found.text
    url: str = found.json()["service_url"]
    return url


@pytest.mark.promise("S0-78", "S0-79")
def test_a_service_is_known_to_the_registry_of_its_pattern(system: Program) -> None:
    """With an address that answers."""
    url = discovered(system)
    assert requests.get(f"{url}/greet", timeout=PATIENCE).text == "Hello from ServiceA!"
    at = {"DISCOVERY_REGISTRY_URL": f"{system.url}/08-registry-and-discovery"}
    program = "08-registry-and-discovery/client.py"
    assert run(program, **at) == f"ServiceA discovered at: {url}\n"
    assert run("08-registry-and-discovery/caller.py", **at) == "Hello from ServiceA!\n"


@pytest.mark.promise("W0-09")
def test_what_was_registered_outlives_a_restart(system: Program, folder: Path) -> None:
    """It is kept beside the system's other state."""
    names = {"inventory": "02-inventory", "discovery-registry": "08-registry-and-discovery"}
    for prefix in names.values():
        sent = {"name": "kept", "url": "http://localhost:5000"}
        url = f"{system.url}/{prefix}/register"
        assert requests.post(url, json=sent, timeout=PATIENCE).status_code == 201
    assert "is up" in typed(f"coterie restart {' '.join(names)} --system {folder}", folder, {})
    for prefix in names.values():
        found = system.get(f"/{prefix}/discover/kept").json()
        assert found == {"service_url": "http://localhost:5000"}
    kept = {path.name for path in (folder / ".coterie").glob("*.sqlite3")}
    assert kept == {"inventory.sqlite3", "registry.sqlite3"}


def test_what_the_readme_shows_is_what_happens(system: Program) -> None:
    """Every command of it, with the address of the running system in the place of its own."""
    (up, ready), *commands = commands_in(PATTERNS / "README.md")
    assert up == "coterie up examples/patterns"
    at = system.url.removeprefix("http://")
    assert shows(ready.replace("127.0.0.1:8080", at) + "...", system.said)
    assert len(commands) > 5
    discovered(system)
    for command, wanted in commands:
        said = typed(command.replace("127.0.0.1:8080", at), PATTERNS.parents[1], {})
        assert shows(wanted, said.replace(at, "127.0.0.1:8080")), f"$ {command}\n{said}"
