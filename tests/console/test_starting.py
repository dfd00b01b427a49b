"""`coterie up` starts, or says which service keeps it from starting, and leaves nothing behind."""

import json
import signal
import socket
from pathlib import Path

import pytest

from tests.console.process import Command, ask, free_port, system, until

GOOD = """
    import os
    from pathlib import Path
    from coterie import Service, get, on_start, on_stop

    class GoodService(Service, version="1.0"):
        @on_start
        async def begin(self) -> None:
            Path("good.started").touch()

        @on_stop
        async def end(self) -> None:
            Path("good.stopped").touch()

        @get("/pid")
        async def pid(self) -> int:
            return os.getpid()
"""


def hooked(body: str, head: str = "") -> str:
    """A service with a start hook."""
    return f"""
    import asyncio, time
    from coterie import Service, get, on_start
    {head}

    class BadService(Service, version="1.0"):
        @on_start
        async def begin(self) -> None:
            {body}

        @get("/bad")
        async def bad(self) -> None: ...
"""


def free(port: int) -> bool:
    """Whether somebody could listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def test_it_answers_and_says_where(tmp_path: Path) -> None:
    """People read a line a service and the address; the port is free again after the end."""
    folder = system(tmp_path, good=GOOD)
    with Command("up", "--one-process", folder, cwd=folder) as command:
        port = command.ready()
        assert ask(port, "/pid").json() == command.process.pid
        assert ask(port, "/health/ready").status == 200
        command.signal(signal.SIGINT)
        assert command.ends() == 0
    assert "  good         1 operation\nready in " in command.out.text
    assert f"docs: http://127.0.0.1:{port}/docs" in command.out.text
    assert free(port)
    assert (folder / "good.stopped").exists()


def test_machines_get_one_object(tmp_path: Path) -> None:
    """With --json the line on standard output, and each on standard error, is an object."""
    folder = system(tmp_path, good=GOOD)
    with Command("up", "--one-process", folder, "--json", cwd=folder) as command:
        port = command.ready()
        assert ask(port, "/pid").status == 200
        command.logs('"/pid"')
        command.signal(signal.SIGTERM)
        assert command.ends() == 0
    (ready,) = map(json.loads, command.out.text.splitlines())
    assert ready["event"] == "ready"
    assert ready["url"] == f"http://127.0.0.1:{port}"
    assert ready["services"] == ["good"]
    lines = [json.loads(line) for line in command.err.text.splitlines()]
    (line,) = [line for line in lines if line.get("target") == "/pid"]
    assert line["operation"] == "good-service.pid"
    assert len(line["trace_id"]) == 32


def test_a_taken_port_is_named_with_the_remedy(tmp_path: Path) -> None:
    """Two systems cannot have one port; the second says so and touches nothing."""
    folder = system(tmp_path, good=GOOD)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with Command("up", "--one-process", folder, "--port", port, cwd=folder) as command:
            assert command.ends() == 1
    told = command.err.text
    assert f"coterie.toml:5: the gateway cannot listen on 127.0.0.1:{port}: Address" in told
    assert "--port 0" in told
    assert not (folder / "good.started").exists()
    assert not (folder / ".coterie").exists()


def test_machines_are_told_what_keeps_it_from_starting(tmp_path: Path) -> None:
    """With --json the last line of standard error is an object with every problem."""
    folder = system(tmp_path, good=GOOD, bad="import nowhere_to_be_found")
    with Command("up", "--one-process", folder, "--json", cwd=folder) as command:
        assert command.ends() == 1
    assert command.out.text == ""
    told = json.loads(command.err.text.splitlines()[-1])
    assert told["error"] == "1 problem"
    assert told["problems"][0]["file"] == f"{folder}/lab/bad.py"


def test_an_address_of_another_machine_is_no_taken_port(tmp_path: Path) -> None:
    """The remedy fits the reason."""
    folder = system(tmp_path, good=GOOD)
    with Command("up", "--one-process", folder, "--host", "192.0.2.1", cwd=folder) as command:
        assert command.ends() == 1
    assert "the gateway cannot listen on 192.0.2.1" in command.err.text
    assert "address of this machine" in command.err.text
    assert "Stop what uses it" not in command.err.text


BROKEN = {
    "missing": ("import nowhere_to_be_found\n", "lab/missing.py:1", "nowhere_to_be_found"),
    "garbled": ("class Bad(:\n", "lab/garbled.py:1", "this is no Python"),
    "failing": ("1 / 0\n", "lab/failing.py:1", "ZeroDivisionError"),
    "ending": ("raise SystemExit(3)\n", "lab/ending.py:1", "SystemExit"),
    "empty": ("x = 1\n", "coterie.toml:", "lab.empty has no Service"),
}


def test_code_that_is_wrong_is_named(tmp_path: Path) -> None:
    """All of it at once: service, file, line; nothing is listened on, and nothing was started."""
    modules = {name: text for name, (text, _, _) in BROKEN.items()}
    folder, port = system(tmp_path, good=GOOD, **modules), free_port()
    with Command("up", "--one-process", folder, "--port", port, cwd=folder) as command:
        assert command.ends() == 1
    told = command.err.text
    for name, (_, where, what) in BROKEN.items():
        (line,) = [line for line in told.splitlines() if f"service {name}: " in line]
        assert where in line
        assert what in line
    assert "Traceback" not in told
    assert free(port)
    assert not (folder / "good.started").exists()


HANGS = {
    "awaits for ever": ("await asyncio.Event().wait()", "it was not ready after"),
    "holds up the loop": (
        "time.sleep(600)",
        "bad.py:8: service bad: it was not ready after 0 s, and",
    ),
    "never ends": ("while True: pass", "bad.py:8: service bad: it was not ready after 0 s, and"),
    "waits in a thread": ("await asyncio.to_thread(time.sleep, 600)", "it was not ready after"),
    "fails": ("raise ValueError('no such thing')", "ValueError: no such thing"),
}


@pytest.mark.parametrize(("body", "what"), HANGS.values(), ids=HANGS)
def test_a_service_that_does_not_get_ready_is_named(tmp_path: Path, body: str, what: str) -> None:
    """It is named, those that had started are stopped, and the process ends: nothing is left."""
    folder, port = system(tmp_path, good=GOOD, bad=hooked(body)), free_port()
    with Command(
        "up", "--one-process", folder, "--port", port, "--patience", "0.3", cwd=folder
    ) as command:
        assert command.ends() == 1
    told = command.err.text
    assert "service bad: " in told
    assert what in told
    assert "Traceback" not in told
    assert command.out.text == ""
    assert (folder / "good.started").exists()
    assert (folder / "good.stopped").exists()
    assert free(port)


def test_patience_is_what_ends_it(tmp_path: Path) -> None:
    """Control: with more patience the same service is waited for, and said to be."""
    slow = hooked(
        "while not Path('go').exists(): await asyncio.sleep(0.01)", "from pathlib import Path"
    )
    folder = system(tmp_path, good=GOOD, bad=slow)
    with Command("up", "--one-process", folder, cwd=folder) as command:
        command.logs(r"INFO coterie.console: waiting for service bad \(1 s so far\)")
        (folder / "go").touch()
        command.ready()
        command.signal(signal.SIGTERM)
        assert command.ends() == 0


def test_what_holds_it_up_is_shown(tmp_path: Path) -> None:
    """A module that takes long, a hook that blocks: in which line, while it is going on."""
    text = hooked("time.sleep(600)", "import time; time.sleep(1.2)")
    with Command("up", "--one-process", system(tmp_path, bad=text)) as command:
        command.logs(r"importing the services, at lab/bad\.py:3 \(1 s so far\)")
        command.logs(r"waiting for service bad, at lab/bad\.py:8 \(2 s so far\)")


@pytest.mark.parametrize("body", ["await asyncio.Event().wait()", "time.sleep(600)"])
def test_ctrl_c_ends_a_start_that_hangs(tmp_path: Path, body: str) -> None:
    """Where it awaits, and where it holds up everything; what had started is stopped."""
    begun = f"Path('begun').touch(); {body}"
    folder = system(tmp_path, good=GOOD, bad=hooked(begun, "from pathlib import Path"))
    with Command("up", "--one-process", folder, cwd=folder) as command:
        command.logs("waiting for service bad")
        command.interrupt()
        assert command.ends() == 130
    assert "Traceback" not in command.err.text
    assert (folder / "good.stopped").exists()


def test_ctrl_c_ends_an_import_that_hangs(tmp_path: Path) -> None:
    """A module that never ends importing is interrupted at once."""
    text = "import pathlib, time\npathlib.Path('importing').touch()\ntime.sleep(600)\n"
    folder = system(tmp_path, bad=text)
    with Command("up", "--one-process", folder, cwd=folder) as command:
        until((folder / "importing").exists)
        command.interrupt()
        assert command.ends() == 130
    assert "Traceback" not in command.err.text


KEEPS = """
    from coterie import Service, get, seed
    from coterie.store import Database

    class KeepsService(Service, version="1.0"):
        def __init__(self, database: Database) -> None:
            self.database = database

        @seed
        async def sow(self) -> None:
            {seed}

        @get("/keeps")
        async def keeps(self) -> None: ...
"""
MIGRATION = '''
"""First."""

revision = "0001"
down_revision = None


def upgrade() -> None:
    raise RuntimeError("no such table in this place")
'''


def test_a_seed_that_fails_is_named(tmp_path: Path) -> None:
    """Seeds are users' code: service, file and line."""
    folder = system(tmp_path, keeps=KEEPS.replace("{seed}", "raise ValueError('no corn')"))
    with Command("up", "--one-process", folder, cwd=folder) as command:
        assert command.ends() == 1
    assert "keeps.py:10: service keeps: a seed raised ValueError: no corn" in command.err.text
    assert "Traceback" not in command.err.text


def test_a_migration_that_fails_is_named(tmp_path: Path) -> None:
    """So are migrations; nothing was changed, and that is said."""
    folder = system(tmp_path, keeps=KEEPS.replace("{seed}", "pass"))
    migrations = folder / "lab" / "migrations"
    migrations.mkdir()
    (migrations / "0001_first.py").write_text(MIGRATION)
    with Command("up", "--one-process", folder, cwd=folder) as command:
        assert command.ends() == 1
    assert "service keeps" in command.err.text
    assert "0001_first.py" in command.err.text
    assert "no such table in this place" in command.err.text
    assert "Traceback" not in command.err.text


def spoil_state(state: Path) -> None:
    """A file where the folder should be."""
    state.write_text("")


def spoil_database(state: Path) -> None:
    """A database that is none."""
    state.mkdir()
    (state / "keeps.db").write_bytes(b"no database at all, but long enough" * 200)


def spoil_rights(state: Path) -> None:
    """A folder nobody may write: for administrators too, because it is not really there."""
    state.symlink_to("/proc/tty")


@pytest.mark.parametrize("spoil", [spoil_state, spoil_database, spoil_rights])
def test_state_that_cannot_be_used_is_named(tmp_path: Path, spoil: object) -> None:
    """The message names service and path, and what to do; nothing is put in its place."""
    folder = system(tmp_path / "home", keeps=KEEPS.replace("{seed}", "pass"))
    state = tmp_path / "state"
    assert callable(spoil)
    spoil(state)
    kept = state / "keeps.db"
    before = kept.read_bytes() if kept.is_file() else b""
    with Command("up", "--one-process", folder, "--state", state, cwd=folder) as command:
        assert command.ends() == 1
    told = command.err.text
    assert "service keeps" in told
    assert str(state.resolve()) in told
    assert "Traceback" not in told
    assert (kept.read_bytes() if kept.is_file() else b"") == before


def test_damaged_keys_are_named(tmp_path: Path) -> None:
    """Keys are never replaced in silence: that would make every token invalid."""
    folder = system(tmp_path, "[identity]\n", good=GOOD)
    keys = folder / ".coterie" / "identity"
    keys.mkdir(mode=0o700, parents=True)
    kept = keys / "signing-keys.json"
    kept.write_text("{")
    kept.chmod(0o600)
    with Command("up", "--one-process", folder, cwd=folder) as command:
        assert command.ends() == 1
    assert "signing-keys.json" in command.err.text
    assert "backup" in command.err.text
    assert kept.read_text() == "{"
