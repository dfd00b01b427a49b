"""`coterie up --reload`: what changed runs, whatever was wrong in between, and nobody is orphaned."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.console.process import Answer, Command, Terminal, ask, gone, system, until

WORD = """
    import asyncio, os
    from pathlib import Path
    from coterie import Service, get

    class WordService(Service, version="1.0"):
        @get("/word")
        async def word(self) -> str:
            return "first"

        @get("/pid")
        async def pid(self) -> int:
            return os.getpid()

        @get("/slow")
        async def slow(self) -> str:
            Path("begun").touch()
            while not Path("go").exists():
                await asyncio.sleep(0.01)
            return "finished"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A system in a folder below a hidden one, as some people keep all their work."""
    return system(tmp_path / ".work" / "home", word=WORD)


def change(folder: Path, old: str, new: str) -> None:
    """Edit the service."""
    file = folder / "lab" / "word.py"
    file.write_text(file.read_text().replace(old, new))


def word(port: int) -> str | None:
    """What the system says, if it answers."""
    answer = ask(port, "/word")
    return answer.json() if answer.status == 200 else None


def test_a_change_starts_it_again(folder: Path) -> None:
    """What changed is named; the port stays the same; a mistake waits until it is mended."""
    with Command("up", "--one-process", folder, "--reload", "--port", "0", cwd=folder) as command:
        port = command.ready()
        assert word(port) == "first"
        change(folder, "first", "second")
        command.says(r"^changed: lab/word.py; starting again$")
        until(lambda: word(port) == "second", "the change")

        change(folder, "return", "return return")
        command.logs(r"word\.py:8: service word: this is no Python")
        command.logs(r"exit code 1; waiting for a change")
        assert command.process.poll() is None
        assert word(port) is None

        change(folder, "return return", "return")
        until(lambda: word(port) == "second", "the mended system")

        # A session's state, editors' files and the like are no reason.
        (folder / ".coterie").mkdir(exist_ok=True)
        (folder / ".coterie" / "keys.json").write_text("{}")
        (folder / "notes.txt").write_text("")
        pid = ask(port, "/pid").json()
        command.signal(signal.SIGTERM)
        assert command.ends() == 0
        assert command.out.text.count("changed: ") == 3
    assert gone(pid)


def test_ctrl_c_in_its_terminal_lets_calls_finish(folder: Path) -> None:
    """The terminal sends SIGINT to both processes; together that is still one request to stop."""
    with Terminal("up", "--one-process", folder, "--reload", cwd=folder) as terminal:
        port = int(terminal.shows(r"http://127\.0\.0\.1:(\d+)")[1])
        answer = Answer(port, "/slow")
        until((folder / "begun").exists)
        terminal.type("\x03")
        until(lambda: ask(port, "/health/ready").status == 503)
        (folder / "go").touch()
        assert answer.json() == "finished"
        assert terminal.ends() == 0
    assert "Traceback" not in terminal.text


def test_a_second_signal_kills(folder: Path) -> None:
    """Whoever insists does not wait for calls under way."""
    with Command("up", "--one-process", folder, "--reload", cwd=folder) as command:
        port = command.ready()
        pid = ask(port, "/pid").json()
        Answer(port, "/slow")
        until((folder / "begun").exists)
        command.signal(signal.SIGTERM)
        until(lambda: ask(port, "/health/ready").status == 503)
        command.signal(signal.SIGTERM)
        assert command.ends() == 128 + signal.SIGKILL
        assert gone(pid)


def test_kill_leaves_no_orphan(folder: Path) -> None:
    """Kill -9 of the process that watches ends the one that serves."""
    with Command("up", "--one-process", folder, "--reload", cwd=folder) as command:
        pid = ask(command.ready(), "/pid").json()
        assert pid != command.process.pid
        os.kill(command.process.pid, signal.SIGKILL)
        command.ends()
        until(lambda: gone(pid), "the end of what it started")


CHILD = """
import os, sys, time
from coterie.console import end_with
if sys.argv[1] == "bound":
    end_with(int(sys.argv[2]))
print("up", flush=True)
time.sleep(60)
"""
PARENT = """
import os, subprocess, sys
command = [sys.executable, "-c", *sys.argv[1:3], str(os.getpid())]
child = subprocess.Popen(command, stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
os.kill(os.getpid(), 9)
"""


def child_of_the_killed(how: str) -> int:
    """The process id of a child whose parent was killed."""
    command = [sys.executable, "-c", PARENT, CHILD, how]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False, text=True
    )
    return int(done.stdout)


def test_a_bound_process_ends_with_its_parent() -> None:
    """Whatever ends the parent."""
    pid = child_of_the_killed("bound")
    until(lambda: gone(pid), "the end of the child")


def test_a_process_that_is_not_bound_lives_on() -> None:
    """Control: an ordinary child outlives its parent."""
    pid = child_of_the_killed("free")
    assert not gone(pid)
    os.kill(pid, signal.SIGKILL)


def test_a_process_whose_parent_is_dead_already_ends_at_once() -> None:
    """The kernel tells of deaths to come; one that has been is noticed too."""
    orphan = [sys.executable, "-c", CHILD, "bound", str(2**22 - 1)]
    assert subprocess.run(orphan, check=False, timeout=20).returncode == -signal.SIGKILL


def test_a_folder_that_is_not_there_is_no_reason_to_wait(tmp_path: Path) -> None:
    """What will never change is told at once."""
    with Command("up", "--one-process", tmp_path / "nowhere", "--reload") as command:
        assert command.ends() == 1
    assert "nowhere: cannot be read" in command.err.text
