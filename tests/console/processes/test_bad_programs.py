"""Programs that cannot be run, or misbehave: each is named with a remedy, and the others run."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from textwrap import dedent
from time import monotonic

import pytest
import pytest_asyncio

from coterie.client.http1 import Pool, Response
from tests.console.processes.lab import Lab, eventually, running_lab

GOOD = """
    def app(environ, start_response):
        body = b'{"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {}}'
        start_response("200 OK", [("content-type", "application/json")])
        return [body]

    def unready(environ, start_response):
        start_response("503 Service Unavailable", [])
        return []
"""
GARBAGE = """
    import os, socket
    server = socket.create_server((os.environ["HOST"], int(os.environ["PORT"])))
    while True:
        client, _ = server.accept()
        client.recv(65536)
        client.sendall(b"HELO this is no HTTP\\r\\n\\r\\n")
        client.close()
"""
FLOOD = """
    import http.server, os, threading
    def flood():
        line = b"x" * 99 + b"\\n"
        while True:
            os.write(1, line * 600)
    threading.Thread(target=flood, daemon=True).start()
    address = (os.environ["HOST"], int(os.environ["PORT"]))
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args): pass
    http.server.ThreadingHTTPServer(address, Quiet).serve_forever()
"""
HANGS = """
    import time
    def app(environ, start_response):
        time.sleep(3600)
"""
TOML = """
    [system]
    name = "bad"

    [service.good]
    wsgi = "good:app"
    openapi = "/openapi.json"

    [service.dies]
    command = "sh -c 'echo no luck today; exit 3'"

    [service.elsewhere]
    command = "PYTHON -m http.server --bind 127.0.0.1 0"

    [service.silent]
    command = "sleep 600"

    [service.nowhere]
    command = "nonesuch --port $PORT"

    [service.absent]
    wsgi = "good:ap"

    [service.other-kind]
    asgi = "good:app"

    [service.raises]
    wsgi = "raises:app"

    [service.unready]
    wsgi = "good:unready"
    ready = "/health?deep=1"

    [service.garbage]
    command = "PYTHON garbage.py"

    [service.flood]
    command = "PYTHON flood.py"

    [service.hangs]
    wsgi = "hangs:app"
    threads = 1
    policy = { timeout = 1.0 }

    [service.misdescribed]
    command = "PYTHON -m http.server --bind 127.0.0.1 $PORT"
    openapi = "/openapi.json"
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Lab]:
    """The system that has them all, up."""
    folder = tmp_path_factory.mktemp("bad") / "bad"
    folder.mkdir()
    texts = {
        "good.py": GOOD,
        "garbage.py": GARBAGE,
        "flood.py": FLOOD,
        "hangs.py": HANGS,
        "raises.py": "raise RuntimeError('at import')\n",
        "coterie.toml": TOML,
        "openapi.json": "{not json",
    }
    for name, text in texts.items():
        # A shim that looks for the right Python takes its time.
        (folder / name).write_text(dedent(text).lstrip().replace("PYTHON", sys.executable))
    async with running_lab(folder, "--patience", "8") as lab:
        yield lab


pytestmark = pytest.mark.asyncio(loop_scope="module")

MESSAGES = {
    "dies": ("dies ended with exit code 3 before it listened on $PORT", "no luck today"),
    "elsewhere": ("elsewhere listens on ", "Have it read the variable PORT, or say port = "),
    "silent": ("silent has not listened on $PORT", "Have it read the variable PORT"),
    "nowhere": ("there is no program nonesuch on the PATH of nowhere", "Install it"),
    "absent": ("absent-1 cannot start: ", "ap", "good:app"),
    "other-kind": ("other-kind-1 cannot start: ", "WSGI"),
    "raises": ("raises-1", "RuntimeError", "at import"),
    "unready": ("unready has not answered GET /health?deep=1 below 400", "name another path"),
    "misdescribed": ("misdescribed does not describe itself at /openapi.json", "no JSON"),
}


async def ask(url: str, path: str, seconds: float = 10.0) -> Response:
    async with Pool(url) as pool:
        return await pool.request("GET", path, deadline=monotonic() + seconds)


@pytest.mark.parametrize("service", MESSAGES)
async def test_what_is_wrong_is_told_with_its_name_and_a_remedy(running: Lab, service: str) -> None:
    """In the log of `coterie up`, where who started it looks."""

    async def said() -> bool:
        return all(words in running.command.err.text for words in MESSAGES[service])

    await eventually(said, f"{MESSAGES[service]}")


async def test_all_others_run(running: Lab) -> None:
    """Whoever is well is up, and answers through the gateway."""
    rows = await running.rows()
    up = {row.services[0] for row in rows.values() if row.kind == "service" and row.state == "up"}
    assert up == {"good", "garbage", "flood", "hangs", "misdescribed"}
    assert (await ask(running.url, "/good/x")).status == 200
    assert (await ask(running.url, "/flood/good.py")).status == 200


async def test_one_that_is_not_there_is_told_as_such(running: Lab) -> None:
    """A problem in JSON, that names it."""
    answer = await ask(running.url, "/dies/x")
    assert answer.status == 503
    assert "dies" in json.loads(answer.body)["detail"]


async def test_an_answer_that_is_none_is_told_as_such(running: Lab) -> None:
    """502, and nothing of what came."""
    answer = await ask(running.url, "/garbage/x")
    assert answer.status == 502
    assert "garbage" in json.loads(answer.body)["detail"]
    assert b"HELO" not in answer.body


async def test_one_that_hangs_is_given_up_in_its_time(running: Lab) -> None:
    """504 after its own timeout, not after the system's."""
    began = monotonic()
    answer = await ask(running.url, "/hangs/x", 20)
    assert answer.status == 504
    assert monotonic() - began < 6


async def test_a_flood_of_lines_holds_up_nobody(running: Lab) -> None:
    """Its log is bounded, and whoever is asked meanwhile answers at once."""
    log = running.state / "logs"

    async def flooded() -> bool:
        return (log / "flood-1.log.1").exists()

    await eventually(flooded, "a log of more than 8 MiB")
    assert sum(file.stat().st_size for file in log.glob("flood-1.log*")) <= 2 * 8 * 2**20
    times = []
    for _ in range(20):
        began = monotonic()
        assert (await ask(running.url, "/good/x")).status == 200
        times.append(monotonic() - began)
    assert sorted(times)[10] < 0.5
    began = monotonic()
    await asyncio.wait_for(running.rows(), 10)
    assert monotonic() - began < 2


async def test_one_that_describes_itself_is_in_the_documentation(running: Lab) -> None:
    """With the place where the outside has it; one that cannot be had is told there as well."""

    async def described() -> bool:
        return (await ask(running.url, "/openapi/good.json")).status == 200

    await eventually(described, "its document")
    document = json.loads((await ask(running.url, "/openapi/good.json")).body)
    assert document["servers"] == [{"url": "/good"}]
    assert b"/openapi/good.json" in (await ask(running.url, "/docs/good")).body
    answer = await ask(running.url, "/openapi/misdescribed.json")
    assert answer.status == 503
    assert "Mend it there" in json.loads(answer.body)["detail"]
