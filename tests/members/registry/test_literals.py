"""A name and a URL: what the simplest of programs sends, and hears."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.members.registry.kit import BILLING, Live, live

A = "http://localhost:5000"
INVALID = {"error": "Invalid service registration data"}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def here(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    async with live(tmp_path_factory.mktemp("registry")) as running:
        yield running


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.promise("S0-11", "S0-12", "S0-15", "S0-78", "S0-80")
async def test_what_is_registered_is_found(here: Live) -> None:
    """POST a name and a URL; whoever asks for the name gets the URL."""
    answer = await here.ask("POST", "/register", {"name": "ServiceA", "url": A})
    assert answer.status == 201
    assert answer.json == {"message": "Service ServiceA registered successfully"}
    found = await here.ask("GET", "/discover/ServiceA", token=None)
    assert found.status == 200
    assert found.json == {"service_url": A}


@pytest.mark.promise("S0-13", "S0-14")
@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'"ServiceA"',
        b"17",
        b"not json",
        b'{"name": "ServiceA"',
        b'{"name": "ServiceA"}',
        b'{"url": "http://localhost:5000"}',
        b'{"name": "", "url": "http://localhost:5000"}',
        b'{"name": "ServiceB", "url": ""}',
        b'{"name": null, "url": "http://localhost:5000"}',
        b'{"name": 1, "url": "http://localhost:5000"}',
        b'{"name": "ServiceB", "url": ["http://localhost:5000"]}',
        b'{"name": "ServiceB", "url": {}}',
        b'{"name": "ServiceB", "url": "http://localhost:5000", "x": NaN}',
        b'{"name": "\\ud800", "url": "http://localhost:5000"}',
        b'{"name": "\xff", "url": "http://localhost:5000"}',
        b"[" * 60000,
        b'{"name":' * 8000,
    ],
)
async def test_what_is_no_registration_changes_nothing(here: Live, sent: bytes) -> None:
    """A name or a URL that is missing or empty, no JSON, no object: one answer for all."""
    before = await here.state()
    answer = await here.ask("POST", "/register", raw=sent)
    assert answer.status == 400
    assert answer.json == INVALID
    assert await here.state() == before


@pytest.mark.promise("S0-14")
@pytest.mark.parametrize("media", [None, "text/plain", "application/x-www-form-urlencoded"])
async def test_what_is_not_called_json_is_none(here: Live, media: str | None) -> None:
    """So no page in a browser can register anything: a foreign site may send text, not JSON."""
    sent = b'{"name": "ServiceC", "url": "http://localhost:5000"}'
    answer = await here.ask("POST", "/register", raw=sent, media=media)
    assert (answer.status, answer.json) == (400, INVALID)
    answer = await here.ask("POST", "/register", raw=sent, media="Application/JSON; charset=utf-8")
    assert answer.status == 201


@pytest.mark.promise("S0-16")
@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("ServiceX", "ServiceX"),
        ("a/b", "a/b"),
        ("a%2Fb", "a/b"),
        ("%3Cscript%3E", "<script>"),
        ("caf%C3%A9", "café"),
        ("..", ".."),
        ("%00", "\x00"),
        ("x" * 2000, "x" * 2000),
    ],
)
async def test_who_is_unknown_is_not_found(here: Live, asked: str, name: str) -> None:
    """404, and the name that was asked for."""
    answer = await here.ask("GET", f"/discover/{asked}")
    assert answer.status == 404
    assert answer.json == {"error": f"Service {name} not found"}


@pytest.mark.promise("S0-17", "S0-79")
async def test_who_registers_again_has_moved(here: Live) -> None:
    """Registering a known name replaces its URL; those who ask by name need no change."""
    for url in (A, "http://localhost:5001", "http://localhost:5002/base/"):
        answer = await here.ask("POST", "/register", {"name": "ServiceM", "url": url})
        assert answer.status == 201
        assert answer.json == {"message": "Service ServiceM registered successfully"}
        assert await here.found("ServiceM", 3) == {url}


async def test_fields_that_nobody_knows_are_left_alone(here: Live) -> None:
    """A newer program's registration is one here."""
    sent: dict[str, Any] = {"name": "ServiceN", "url": A, "since": [1, {"a": None}]}
    assert (await here.ask("POST", "/register", sent)).status == 201


async def test_errors_are_json_everywhere(here: Live) -> None:
    """A place that is none, a method that is none: a message, and what to do."""
    for method, path, status in (
        ("GET", "/", 404),
        ("GET", "/services/", 404),
        ("GET", "/registers", 404),
        ("GET", "/register", 405),
        ("DELETE", "/discover/ServiceA", 405),
        ("TRACE", "/services", 405),
    ):
        answer = await here.ask(method, path)
        assert answer.status == status
        assert answer.error
        assert status != 405 or answer.headers["allow"]


async def test_a_token_is_asked_for(here: Live) -> None:
    """Without, 401 says how to send one; nothing changed. Control: with it, it is registered."""
    sent = {"name": "ServiceT", "url": A}
    for token, more in ((None, ""), ("not-the-token-of-billing", 'error="invalid_token"')):
        answer = await here.ask("POST", "/register", sent, token=token)
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith('Bearer realm="registry"')
        assert more in answer.headers["www-authenticate"]
        assert answer.error
        assert (await here.ask("GET", "/discover/ServiceT")).status == 404
    assert (await here.ask("POST", "/register", sent, token=BILLING)).status == 201


async def test_a_head_is_an_answer_without_its_body(here: Live, tmp_path: Path) -> None:
    """As everywhere in HTTP; a watch is not begun by one."""
    for path in ("/services", "/health", "/watch?wait=60"):
        answer = await here.ask("HEAD", path)
        assert (answer.status, answer.body) == (200, b"")
