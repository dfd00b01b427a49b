"""Who runs a system: one at a time, whatever happens to it."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from coterie.console.control import AlreadyUp, Holder, UpLock, holder

PROGRAM = """
import os, sys, time
from pathlib import Path
from coterie.console.control import UpLock
if "--leaky" in sys.argv:
    UpLock._forget = lambda self: None
lock = UpLock(Path(sys.argv[1]))
lock.acquire()
lock.tell("http://127.0.0.1:1234")
child = os.fork()
if child == 0:
    print(os.getpid(), flush=True)
    sys.stdin.read()   # until the test closes it
    os._exit(0)
time.sleep(60)
"""


def test_a_second_one_learns_of_the_first(tmp_path: Path) -> None:
    """Process and address, as far as they are known; once it is released, anybody may."""
    state = tmp_path / "state"
    assert holder(state) is None
    with UpLock(state) as lock:
        with pytest.raises(AlreadyUp, match=rf"already up \(pid {os.getpid()}\). Stop it"):
            UpLock(state).acquire()
        lock.tell("http://127.0.0.1:8080")
        with pytest.raises(AlreadyUp, match=rf"\(pid {os.getpid()}, http://127.0.0.1:8080\)"):
            UpLock(state).acquire()
        assert holder(state) == Holder(os.getpid(), "http://127.0.0.1:8080")
        lock.tell()
        assert holder(state) == Holder(os.getpid())
    assert holder(state) is None
    UpLock(state).release()
    with UpLock(state), UpLock(tmp_path / "other"):
        pass


def test_what_stands_in_it_need_not_be_true(tmp_path: Path) -> None:
    """The kernel says who holds it; text that is left over, or no text, does not."""
    (tmp_path / "up.lock").write_text('{"pid": 1, "url": "http://old"}')
    assert holder(tmp_path) is None
    with UpLock(tmp_path):
        assert holder(tmp_path) == Holder(os.getpid())
        (tmp_path / "up.lock").write_text("{")
        assert holder(tmp_path) == Holder()
        with pytest.raises(AlreadyUp, match=r"the system is already up\. Stop"):
            UpLock(tmp_path).acquire()


def test_asking_keeps_nobody_out(tmp_path: Path) -> None:
    """However many ask who holds it, whoever wants it gets it."""
    end = threading.Event()

    def ask() -> None:
        while not end.is_set():
            holder(tmp_path)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(50):
            with UpLock(tmp_path):
                pass
    finally:
        end.set()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("leaky", [False, True], ids=["as it is", "control: children keep it"])
def test_it_ends_with_its_holder(tmp_path: Path, leaky: bool) -> None:
    """Even kill -9 releases it, though a child of the holder still runs."""
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), *["--leaky"] * leaky]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        assert holder(tmp_path) == Holder(process.pid, "http://127.0.0.1:1234")
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        assert Path(f"/proc/{child}").exists()
        assert (holder(tmp_path) is not None) == leaky
