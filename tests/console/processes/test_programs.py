"""Programs that join as they are, as real processes: whatever a class has, they have."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from textwrap import dedent
from time import monotonic
from typing import Any

import pytest
import pytest_asyncio

from coterie.client.http1 import Pool, Response
from coterie.console.row import Row
from tests.console.processes.lab import Lab, eventually, running_lab

FLASK = """
    import os, threading, urllib.request
    from flask import Flask, jsonify, request, url_for

    app = Flask(__name__)
    PEOPLE = {1: {"name": "Alice", "age": 30}}
    WORD = "first"

    @app.get("/users/<int:user_id>")
    def user(user_id):
        found = PEOPLE.get(user_id)
        return jsonify(found) if found else (jsonify(error="User not found"), 404)

    @app.get("/where")
    def where():
        return jsonify(
            pid=os.getpid(), folder=os.getcwd(), word=WORD, link=url_for("user", user_id=1),
            url=url_for("user", user_id=1, _external=True), port=os.environ["PORT"],
            greeting=os.environ["GREETING"], trace=request.headers.get("traceparent"),
        )

    @app.get("/ask/<name>")
    def ask(name):
        with urllib.request.urlopen(os.environ[f"{name.upper()}_URL"] + "/trace", timeout=5) as told:
            return jsonify(json_of=told.read().decode())

    @app.post("/echo")
    def echo():
        return request.get_data()
"""
ASGI = """
    import json, os

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        told = {k.decode(): v.decode() for k, v in scope["headers"]}
        body = json.dumps({"trace": told.get("traceparent"), "pid": os.getpid()}).encode()
        head = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": body})

    def make():
        return app
"""
SERVER = """
    import http.server, json, os, sys

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            told = {"path": self.path, "word": "first", "pid": os.getpid(), "trace": self.headers["traceparent"]}
            body = json.dumps(told).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    address = (os.environ["HOST"], int(sys.argv[1]))
    print("serving at", address[1], flush=True)
    http.server.ThreadingHTTPServer(address, Handler).serve_forever()
"""
PROMISES = """
    from coterie import Code, Contract, Fault, Struct, get

    class User(Struct):
        name: str
        age: int

    class UserNotFound(Fault, code=Code.NOT_FOUND, bare=True):
        \"\"\"{error}\"\"\"

        error: str

    class Users(Contract, version="1.0"):
        @get("/users/{user_id}", faults=[UserNotFound])
        async def user(self, user_id: int) -> User: ...
"""
DESK = """
    import os
    from coterie import Service, get
    from promises import UserNotFound, Users

    class DeskService(Service, version="1.0"):
        def __init__(self, users: Users) -> None:
            self.users = users

        @get("/desk/{user_id}")
        async def card(self, user_id: int) -> str:
            try:
                found = await self.users.user(user_id)
            except UserNotFound as missing:
                return f"nobody: {missing.error}"
            return f"{found.name}, {found.age + 1} soon"
"""
TOML = """
    [system]
    name = "mixed"

    [service.users]
    wsgi = "app:app"
    directory = "users"
    contracts = ["promises:Users"]
    mount = "/people"
    environment = { GREETING = "hello" }
    replicas = 2

    [service.rates]
    asgi = "rates:make()"
    directory = "rates"

    [service.files]
    command = "PYTHON server.py $PORT"
    directory = "files"
    ready = "/ready"
    routes = ["/files"]

    [service.desk]
    implements = "desk:DeskService"
"""


def mixed(folder: Path, more: str = "") -> Path:
    """Write the system: Flask, ASGI, a command, and a class that calls the first with types."""
    texts = {
        "users/app.py": FLASK,
        "rates/rates.py": ASGI,
        "files/server.py": SERVER,
        "promises.py": PROMISES,
        "desk.py": DESK,
        "coterie.toml": TOML,
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        # A shim that looks for the right Python takes its time.
        (folder / name).write_text(dedent(text).lstrip().replace("PYTHON", sys.executable))
    with (folder / "coterie.toml").open("a") as toml:
        toml.write(dedent(more))
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Lab]:
    """It, for the tests of this file."""
    folder = mixed(tmp_path_factory.mktemp("mixed") / "mixed")
    async with running_lab(folder, "--reload") as lab:
        yield lab


pytestmark = pytest.mark.asyncio(loop_scope="module")

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


async def ask(url: str, path: str, **headers: str) -> Response:
    pairs = list(headers.items())
    async with Pool(url) as pool:
        return await pool.request("GET", path, pairs, deadline=monotonic() + 10)


async def told(url: str, path: str, **headers: str) -> Any:
    answer = await ask(url, path, **headers)
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


async def of(running: Lab, service: str) -> list[Row]:
    return [row for row in (await running.rows()).values() if service in row.services]


def runs(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def log_of(running: Lab, name: str) -> str:
    return (running.state / "logs" / f"{name}.log").read_text()


# --- Found, routed, called ------------------------------------------------------------------------


async def test_the_gateway_has_each_where_its_table_says(running: Lab) -> None:
    """Below a mount with the prefix taken off, at its name, or at its own paths; nothing more."""
    assert (await told(running.url, "/people/users/1"))["name"] == "Alice"
    assert "pid" in await told(running.url, "/rates/whatever")
    assert (await told(running.url, "/files/a?b=1"))["path"] == "/files/a?b=1"
    assert (await ask(running.url, "/users/1")).status == 404
    assert (await ask(running.url, "/peoples")).status == 404


async def test_an_application_knows_where_the_outside_has_it(running: Lab) -> None:
    """Its links lead back to it."""
    where = await told(running.url, "/people/where")
    assert where["link"] == "/people/users/1"
    assert where["url"] == f"{running.url}/people/users/1"


async def test_nobody_outside_says_where_a_program_is(running: Lab) -> None:
    """The header that tells of a prefix is the gateway's alone."""
    lie = {"x-forwarded-prefix": "/elsewhere"}
    assert (await told(running.url, "/people/where", **lie))["link"] == "/people/users/1"
    assert (await told(running.url, "/files/x", **lie))["path"] == "/files/x"


async def test_a_program_runs_in_its_folder_with_its_variables(running: Lab) -> None:
    """As its table says."""
    where = await told(running.url, "/people/where")
    assert where["folder"] == str(running.folder / "users")
    assert where["greeting"] == "hello"


async def test_a_class_calls_a_program_with_types(running: Lab) -> None:
    """Results are structs, and an answer that the contract declares is a fault."""
    assert await told(running.url, "/desk/1") == "Alice, 31 soon"
    assert await told(running.url, "/desk/2") == "nobody: User not found"


async def test_a_program_finds_the_others_by_their_variables(running: Lab) -> None:
    """Whatever they are, at an address that is shared over their instances."""
    assert "pid" in json.loads((await told(running.url, "/people/ask/rates"))["json_of"])
    assert "pid" in json.loads((await told(running.url, "/people/ask/files"))["json_of"])


async def test_the_registry_over_http_knows_them(running: Lab) -> None:
    """By name, with every instance."""
    found = await told(running.url, "/registry/services/users")
    assert sorted(one["id"] for one in found["instances"]) == ["users-1", "users-2"]
    address = (await told(running.url, "/registry/discover/files"))["service_url"]
    assert (await told(address, "/files/x"))["path"] == "/files/x"


# --- Traced, logged, shown --------------------------------------------------------------------------


async def test_a_trace_goes_through_a_program_and_on(running: Lab) -> None:
    """In by the header, and out by what the program asks of another, which says nothing of it."""
    where = await told(running.url, "/people/where", traceparent=PARENT)
    assert where["trace"].split("-")[1] == TRACE
    assert where["trace"] != PARENT
    inner = json.loads(
        (await told(running.url, "/people/ask/rates", traceparent=PARENT))["json_of"]
    )
    assert inner["trace"].split("-")[1] == TRACE
    assert (await told(running.url, "/files/x", traceparent=PARENT))["trace"].split("-")[1] == TRACE


async def test_what_a_program_prints_and_each_request_is_in_its_log(running: Lab) -> None:
    """In one file."""
    await told(running.url, "/files/logged")
    assert "serving at" in await log_of(running, "files-1")

    async def logged() -> bool:
        return "/files/logged" in await log_of(running, "files-1")

    await eventually(logged, "the request in the log")


async def test_its_spans_and_counters_are_told_like_those_of_others(running: Lab) -> None:
    """To whoever asks the instance; and to nobody outside."""
    [row] = await of(running, "rates")
    await told(running.url, "/rates/x", traceparent=PARENT)
    spans = await told(row.address or "", "/.coterie/telemetry")
    assert TRACE in json.dumps(spans)
    assert b"coterie_" in (await ask(row.address or "", "/.coterie/metrics")).body
    assert (await ask(running.url, "/rates/.coterie/metrics")).status == 404
    assert (await ask(running.url, "/people/.coterie/telemetry")).status == 404


async def test_it_is_shown_as_one_of_the_system(running: Lab) -> None:
    """`ps` has its address, its process, and how many calls it has answered."""
    [row] = await of(running, "files")
    assert (row.kind, row.state, row.program) == ("service", "up", True)

    async def counted() -> bool:
        return (await of(running, "files"))[0].calls > 0

    await eventually(counted, "its calls")


# --- Kept ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", ["users", "rates", "files"])
async def test_a_program_that_is_killed_is_back_at_once(running: Lab, service: str) -> None:
    """And nobody who asks meanwhile is refused for long."""
    name = f"{service}-1"
    before = await running.pid(name)
    os.kill(before, signal.SIGKILL)

    async def back() -> bool:
        row = (await running.rows())[name]
        return row.state == "up" and row.pid not in (None, before)

    await eventually(back, f"{name} again")
    path = {"users": "/people/users/1", "rates": "/rates/x", "files": "/files/x"}[service]
    assert (await ask(running.url, path)).status == 200


async def test_a_command_that_ends_by_itself_is_started_again(running: Lab) -> None:
    """Though the process that stands for it lives."""
    inner = (await told(running.url, "/files/x"))["pid"]
    assert inner != await running.pid("files-1")
    os.kill(inner, signal.SIGKILL)

    async def another() -> bool:
        answer = await ask(running.url, "/files/x")
        return answer.status == 200 and json.loads(answer.body)["pid"] != inner

    await eventually(another, "another process of the program")

    async def said() -> bool:
        return "files-1 ended with exit code 137" in running.command.err.text

    await eventually(said, "how it ended, as a shell tells it")


async def test_it_is_scaled_like_any_service(running: Lab) -> None:
    """Up and down; what it started goes with it."""
    await running.scale("files", 3)
    seen: set[int] = set()

    async def three() -> bool:
        seen.add((await told(running.url, "/files/x"))["pid"])
        return len(seen) == 3

    await eventually(three, "three processes that answer")
    await running.scale("files", 1)
    last = (await told(running.url, "/files/x"))["pid"]
    assert [pid for pid in seen - {last} if runs(pid)] == []


async def test_it_is_replaced_without_losing_a_request(running: Lab) -> None:
    """Its successor answers before it goes."""
    stopped = asyncio.Event()
    statuses: list[int] = []

    async def asking() -> None:
        async with Pool(running.url) as pool:
            while not stopped.is_set():
                answer = await pool.request("GET", "/people/users/1", deadline=monotonic() + 10)
                statuses.append(answer.status)

    task = asyncio.create_task(asking())
    await running.restart("users")
    await running.restart("files")
    stopped.set()
    await task
    assert statuses
    assert set(statuses) == {200}


@pytest.mark.parametrize(
    ("service", "file", "path"),
    [("users", "users/app.py", "/people/where"), ("files", "files/server.py", "/files/x")],
)
async def test_a_file_that_changed_is_a_program_started_anew(
    running: Lab, service: str, file: str, path: str
) -> None:
    """An application in our process, and a command that tells nobody what it reads."""
    assert (await told(running.url, path))["word"] == "first"
    before = await running.pids()
    others = {name: pid for name, pid in before.items() if service not in name}
    source = running.folder / file
    source.write_text(source.read_text().replace('"first"', '"second"'))

    async def changed() -> bool:
        return bool((await told(running.url, path))["word"] == "second")

    async def replaced() -> bool:
        now = await running.pids()
        mine = {name: pid for name, pid in before.items() if name not in others}
        return all(now.get(name) not in (None, pid) for name, pid in mine.items())

    await eventually(changed, "the new word")
    await eventually(replaced, "all instances of it, one after the other")
    after = await running.pids()
    assert {name: after[name] for name in others} == others
