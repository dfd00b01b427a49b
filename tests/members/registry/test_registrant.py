"""A program in plain Python: it registers, stays registered, finds others, and leaves."""

import asyncio
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic
from typing import TypeVar

import pytest

from coterie.members.registry import (
    Discovery,
    NoInstance,
    Registrant,
    RegistryAway,
    RegistryClient,
    RegistryRefused,
)
from coterie.members.registry.server import Limits
from tests.members.registry.kit import BILLING, SHIPPING, live

T = TypeVar("T")
A = "http://localhost:5000"
QUICK = Limits(shortest=0.01, shown=0.2)


async def eventually(condition: Callable[[], T], seconds: float = 5.0) -> T:
    """What the condition, which may block, tells as soon as it is true."""
    async with asyncio.timeout(seconds):
        while not (found := await asyncio.to_thread(condition)):  # noqa: ASYNC110  # any condition
            await asyncio.sleep(0.01)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def registrant(url: str, ttl: float = 0.6) -> Registrant:
    return Registrant(url, token=BILLING, name="billing", address=A, ttl=ttl)


@pytest.mark.promise("S0-82")
async def test_two_functions_do_for_a_simple_program(tmp_path: Path) -> None:
    """One registers and returns the JSON; the other returns the URL, or None."""
    async with live(tmp_path) as here:
        client = RegistryClient(here.url, token=BILLING)
        told = await asyncio.to_thread(client.register_service, "ServiceA", A)
        assert told == {"message": "Service ServiceA registered successfully"}
        assert await asyncio.to_thread(client.discover_service, "ServiceA") == A
        assert await asyncio.to_thread(client.discover_service, "Service/B") is None
        other = RegistryClient(here.url, token=SHIPPING)
        with pytest.raises(RegistryRefused, match="Another registrant has the name"):
            await asyncio.to_thread(other.register_service, "ServiceA", A)
    with pytest.raises(RegistryAway, match="cannot be reached"):
        await asyncio.to_thread(client.discover_service, "ServiceA")


@pytest.mark.promise("S0-84")
async def test_it_is_registered_as_long_as_it_runs(tmp_path: Path) -> None:
    """Through many leases, and no longer."""
    async with live(tmp_path, limits=QUICK) as here:
        with registrant(here.url) as program:
            assert await asyncio.to_thread(program.wait, 5)
            index = (await here.ask("GET", "/health")).index
            answer = await here.ask("GET", f"/watch?index={index}&wait=1.5")
            assert answer.json["changes"] == []
            assert await here.found("billing") == {A}
            assert await asyncio.to_thread(program.discover, "billing") == A
            program.drain()
            (draining,) = (await here.ask("GET", f"/watch?index={index}&wait=5")).json["changes"]
            assert draining["instance"]["status"] == "DRAINING"
            await asyncio.to_thread(program.stop)
        assert await here.found("billing") == set()
        (billing,) = await here.state()
        assert billing["instances"] == []


@pytest.mark.promise("S0-84")
async def test_it_outlives_the_registry(tmp_path: Path) -> None:
    """It starts before there is one, and registers anew where one has forgotten everything."""
    port = free_port()
    program = registrant(f"http://127.0.0.1:{port}/registry")
    program.start()
    try:
        await eventually(lambda: program.problem)
        assert not program.wait(0)
        assert "cannot be reached" in str(program.problem)
        for folder in (tmp_path / "one", tmp_path / "two"):
            folder.mkdir()
            async with live(folder, limits=QUICK, port=port) as here:
                await eventually(lambda: program.problem is None, 10)
                assert await here.found("billing") == {A}
            await eventually(lambda: program.problem)
    finally:
        await asyncio.to_thread(program.stop)


async def test_who_is_refused_says_so_and_goes_on(tmp_path: Path) -> None:
    """A program does not fail because its name is another's; `problem` tells why."""
    async with live(tmp_path) as here:
        await here.ask("POST", "/register", {"name": "billing", "url": A}, token=SHIPPING)
        with registrant(here.url, ttl=5) as program:
            problem = await eventually(lambda: program.problem)
            assert problem is not None
            assert "Another registrant has the name billing" in problem
            await asyncio.to_thread(program.stop)
        assert await here.found("billing") == {A}


PROGRAM = """
import sys, time
from coterie.members.registry import Registrant
program = Registrant(sys.argv[1], token=sys.argv[2], name="billing", address="http://localhost:5000")
program.start()
assert program.wait(10)
if sys.argv[3] == "exit":
    sys.exit()
print("ready", flush=True)
time.sleep(60)
"""


def started(url: str, how: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", PROGRAM, url, BILLING, how]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


@pytest.mark.promise("S0-84")
async def test_it_leaves_when_python_exits(tmp_path: Path) -> None:
    """Without a word from the program. Control: one that is killed is there until its lease ends."""
    async with live(tmp_path) as here:
        for how, left in (("exit", 0), ("stay", 1)):
            process = await asyncio.to_thread(started, here.url, how)
            assert process.stdout is not None
            try:
                line = await asyncio.to_thread(process.stdout.readline)
                assert line == (b"" if how == "exit" else b"ready\n")
                if how == "stay":
                    process.kill()
                await asyncio.to_thread(process.wait, 20)
            finally:
                process.kill()
                process.wait()
                process.stdout.close()
            assert len((await here.state())[0]["instances"]) == left


def test_it_needs_nothing_but_the_standard_library() -> None:
    """A program that registers loads no server, no event loop of ours, and no vendor but msgspec."""
    seen = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from coterie.members.registry import Registrant; print(*sys.modules)",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    loaded = {name.partition(".")[0] for name in seen}
    assert not loaded & {"starlette", "anyio", "uvicorn", "uvloop", "httptools", "nats", "sqlite3"}
    assert "coterie.members.registry.server" not in seen
    assert "coterie.server" not in seen


# --- finding others ------------------------------------------------------------------------------


async def test_what_is_known_is_used_while_the_registry_is_away(tmp_path: Path) -> None:
    """Stale, but an answer; at once, though the registry is gone. Control: nothing known, no answer."""
    async with live(tmp_path) as here:
        await here.ask("POST", "/register", {"name": "billing", "url": A})
        discovery = Discovery(RegistryClient(here.url), fresh=0.0)
        assert await asyncio.to_thread(discovery.discover, "billing") == A
        assert await asyncio.to_thread(discovery.discover, "nobody") is None
    began = monotonic()
    for _ in range(100):
        assert await asyncio.to_thread(discovery.discover, "billing") == A
    assert monotonic() - began < 2
    with pytest.raises(RegistryAway):
        await asyncio.to_thread(discovery.discover, "stock")


async def test_one_question_does_for_many_calls(tmp_path: Path) -> None:
    """While an answer is fresh nobody asks again, however many threads want to know."""
    asked = 0

    class Counting(RegistryClient):
        def instances(self, name: str) -> list[dict[str, object]] | None:
            nonlocal asked
            asked += 1
            return super().instances(name)

    async with live(tmp_path) as here:
        for number in (1, 2, 3):
            sent = {"url": f"http://localhost:500{number}", "id": f"b-{number}"}
            await here.ask("POST", "/services/billing/instances", sent)
        discovery = Discovery(Counting(here.url), fresh=60)
        many = [asyncio.to_thread(discovery.discover, "billing") for _ in range(60)]
        found = await asyncio.gather(*many)
    assert asked == 1
    assert [found.count(f"http://localhost:500{number}") for number in (1, 2, 3)] == [20] * 3


@pytest.fixture
def answering() -> Iterator[Callable[[int], str]]:
    """Starts a program that answers every request with a status."""
    servers: list[ThreadingHTTPServer] = []

    def start(status: int) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def call(discovery: Discovery) -> int:
    """One call to billing; its status, or 0 where nobody answered."""
    try:
        with discovery.calling("billing") as url, urllib.request.urlopen(url, timeout=2) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return 0


async def test_who_fails_is_put_aside(tmp_path: Path, answering: Callable[[int], str]) -> None:
    """One call to it fails; for a while the others have them all. 404 is no failure of an instance."""
    well, lost, dead = answering(404), answering(503), f"http://127.0.0.1:{free_port()}"
    async with live(tmp_path) as here:
        discovery = Discovery(RegistryClient(here.url), fresh=0.0)
        with pytest.raises(NoInstance, match="no instance of billing is up"):
            await asyncio.to_thread(call, discovery)
        for number, url in enumerate((well, lost, dead)):
            sent = {"url": url, "id": f"b-{number}"}
            await here.ask("POST", "/services/billing/instances", sent)
        codes = [await asyncio.to_thread(call, discovery) for _ in range(20)]
        assert (codes.count(503), codes.count(0), codes.count(404)) == (1, 1, 18)
        discovery.succeeded(lost)
        codes = [await asyncio.to_thread(call, discovery) for _ in range(10)]
        assert codes.count(503) == 1


async def test_when_all_fail_somebody_is_tried(tmp_path: Path) -> None:
    """All put aside is as good as none: it may be that they are well again."""
    async with live(tmp_path) as here:
        await here.ask("POST", "/register", {"name": "billing", "url": A})
        discovery = Discovery(RegistryClient(here.url))
        for _ in range(3):
            assert await asyncio.to_thread(discovery.discover, "billing") == A
            discovery.failed(A)


async def test_who_was_put_aside_comes_back(tmp_path: Path) -> None:
    """After a second, of its own accord."""
    async with live(tmp_path) as here:
        for number in (1, 2):
            sent = {"url": f"http://localhost:500{number}", "id": f"b-{number}"}
            await here.ask("POST", "/services/billing/instances", sent)
        discovery = Discovery(RegistryClient(here.url))
        discovery.failed("http://localhost:5001")
        began = monotonic()
        await eventually(lambda: discovery.discover("billing") == "http://localhost:5001")
        assert 0.9 < monotonic() - began < 4


def test_the_token_goes_nowhere_else() -> None:
    """A redirect is not followed, and a URL that is no registry's is refused at once."""
    heard: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.path)
            self.send_response(307)
            self.send_header("location", "/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        client = RegistryClient(f"http://127.0.0.1:{server.server_port}/registry", token=BILLING)
        with pytest.raises(RegistryRefused, match="check its URL"):
            client.discover_service("billing")
        server.shutdown()
        thread.join()
    assert heard == ["/registry/discover/billing"]
    for url in ("file:///etc/passwd", "localhost:8080", "http://", "http://x/registry?token=y"):
        with pytest.raises(ValueError, match="no registry's URL"):
            RegistryClient(url)
    for token in ("", f"{BILLING}\n", "tökén"):
        with pytest.raises(ValueError, match="no token has"):
            RegistryClient("http://localhost/registry", token=token)
