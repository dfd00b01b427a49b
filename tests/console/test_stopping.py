"""Stopping: calls under way finish, or are cut short when somebody insists; nothing is left."""

import signal
import socket
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.console.process import Answer, Command, Terminal, ask, system, until

SLOW = """
    import asyncio, time
    from collections.abc import AsyncIterator
    from pathlib import Path
    from coterie import Service, blocking, get, on_stop

    class SlowService(Service, version="1.0"):
        @get("/slow")
        async def slow(self) -> str:
            Path("begun").touch()
            while not Path("go").exists():
                await asyncio.sleep(0.01)
            return "finished"

        @get("/stream")
        async def stream(self) -> AsyncIterator[bytes]:
            async def chunks() -> AsyncIterator[bytes]:
                yield b"begun"
                Path("begun").touch()
                while not Path("go").exists():
                    await asyncio.sleep(0.01)
                yield b" and finished"
            return chunks()

        @get("/blocked")
        @blocking
        def blocked(self) -> str:
            Path("begun").touch()
            time.sleep(600)
            return ""

        @on_stop
        async def end(self) -> None:
            Path("ended").touch()
"""


@contextmanager
def slow_call(folder: Path, path: str = "/slow") -> Generator[tuple[Command, int, Answer]]:
    """A system with one call under way."""
    system(folder, slow=SLOW)
    with Command("up", "--one-process", folder, cwd=folder) as command:
        port = command.ready()
        answer = Answer(port, path)
        until((folder / "begun").exists)
        yield command, port, answer


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_calls_under_way_finish(tmp_path: Path, number: signal.Signals) -> None:
    """Readiness goes off first, the call gets its answer, the stop hook runs, and it ends with 0."""
    with slow_call(tmp_path) as (command, port, answer):
        assert ask(port, "/health/ready").status == 200
        command.signal(number)
        until(lambda: ask(port, "/health/ready").status == 503)
        assert ask(port, "/health/live").status == 200
        assert command.process.poll() is None
        assert not (tmp_path / "ended").exists()
        (tmp_path / "go").touch()
        assert answer.json() == "finished"
        assert answer.status == 200
        assert command.ends() == 0
        command.logs("stopping once 1 call under way ended")
    assert (tmp_path / "ended").exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 1).close()


def test_without_waiting_the_call_breaks(tmp_path: Path) -> None:
    """Control: a second signal cuts short, and the same call has no answer."""
    with slow_call(tmp_path) as (command, port, answer):
        command.signal(signal.SIGTERM)
        until(lambda: ask(port, "/health/ready").status == 503)
        command.signal(signal.SIGTERM)
        assert command.ends() == 130
        assert answer.come().status != 200
        assert "Traceback" not in command.err.text
    assert (tmp_path / "ended").exists()


def test_a_stream_finishes_too(tmp_path: Path) -> None:
    """What is still being sent is sent to its end."""
    with slow_call(tmp_path, "/stream") as (command, port, answer):
        command.signal(signal.SIGTERM)
        until(lambda: ask(port, "/health/ready").status != 200)
        (tmp_path / "go").touch()
        assert answer.come().body == "begun and finished"
        assert command.ends() == 0


def test_a_thread_cannot_keep_the_process(tmp_path: Path) -> None:
    """A thread cannot be interrupted; when somebody insists, the process ends all the same."""
    with slow_call(tmp_path, "/blocked") as (command, port, _):
        command.signal(signal.SIGTERM)
        until(lambda: ask(port, "/health/ready").status == 503)
        command.signal(signal.SIGTERM)
        assert command.ends() == 130


STUCK = """
    import asyncio
    from pathlib import Path
    from coterie import Service, get, on_stop

    class StuckService(Service, version="1.0"):
        @get("/stuck")
        async def stuck(self) -> None: ...

        @on_stop
        async def end(self) -> None:
            Path("ending").touch()
            await asyncio.Event().wait()
"""


def test_a_stop_hook_that_hangs_is_cut_short(tmp_path: Path) -> None:
    """Nobody has to look for kill -9."""
    system(tmp_path, stuck=STUCK)
    with Command("up", "--one-process", tmp_path, cwd=tmp_path) as command:
        command.ready()
        command.signal(signal.SIGINT)
        until((tmp_path / "ending").exists)
        command.signal(signal.SIGINT)
        assert command.ends() == 130


DEBUGGED = """
    import signal
    from coterie import Service, get

    class DebuggedService(Service, version="1.0"):
        @get("/look/{number}")
        async def look(self, number: int) -> int:
            breakpoint()
            return number + 1

        @get("/handler")
        async def handler(self) -> str:
            return repr(signal.getsignal(signal.SIGINT))
"""


@pytest.mark.parametrize("options", [[], ["--reload"]], ids=str)
def test_breakpoint_works_in_a_service(tmp_path: Path, options: list[str]) -> None:
    """The debugger has the terminal; values can be read and changed, and the call goes on."""
    system(tmp_path, debugged=DEBUGGED)
    with Terminal("up", "--one-process", tmp_path, *options, cwd=tmp_path) as terminal:
        port = int(terminal.shows(r"http://127\.0\.0\.1:(\d+)")[1])
        answer = Answer(port, "/look/41")
        terminal.shows(r"\(Pdb\) ")
        terminal.type("p number * 2\n")
        terminal.shows(r"82\r?\n")
        terminal.type("number = 100\n")
        terminal.shows(r"\(Pdb\) ")
        terminal.type("continue\n")
        assert answer.json() == 101
        # A debugger that goes on would keep Ctrl-C for itself.
        until(lambda: "Signals" in ask(port, "/handler").body)
        terminal.type("\x03")
        assert terminal.ends() == 0
