"""Where the control socket lies, and who may open it."""

import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from coterie.console.control import AlreadyUp, ControlClient, ControlError, ControlServer, place
from tests.console.pretend import ROWS, Pretend


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def open_to_all() -> Iterator[None]:
    """A umask that takes nothing away."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def deep(tmp_path: Path) -> Path:
    """A folder whose name is longer than a socket's may be."""
    return tmp_path / ("d" * 100) / ("e" * 100)


@pytest.mark.usefixtures("open_to_all")
async def test_only_its_owner_may_open_it(tmp_path: Path) -> None:
    """Whatever the umask: before it listens, it is closed to others already."""
    made, path = place.bind(tmp_path)
    assert mode(path) == 0o600
    made.close()
    server = ControlServer(tmp_path, Pretend())
    await server.start()
    assert mode(path) == 0o600
    await server.stop()


@pytest.mark.usefixtures("open_to_all")
def test_it_would_be_open_to_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: with the protection off, anybody could stop the system."""
    monkeypatch.setattr(place, "_OWNER_ONLY", 0)
    made, path = place.bind(tmp_path)
    made.close()
    assert mode(path) == 0o777


async def test_what_a_dead_supervisor_left_is_cleared(tmp_path: Path) -> None:
    """A socket that nobody answers at is in nobody's way."""
    made, path = place.bind(tmp_path)
    made.close()
    assert path.exists()
    server = ControlServer(tmp_path, Pretend())
    await server.start()
    assert await ControlClient(tmp_path).rows() == ROWS
    await server.stop()
    assert not path.exists()


async def test_what_lives_is_left_alone(tmp_path: Path) -> None:
    """Another supervisor's socket is not taken from it."""
    first, second = ControlServer(tmp_path, Pretend()), ControlServer(tmp_path, Pretend())
    await first.start()
    with pytest.raises(AlreadyUp):
        await second.start()
    await second.stop()
    assert await ControlClient(tmp_path).rows() == ROWS
    await first.stop()


async def test_a_file_in_the_way_is_nobodys_to_remove(tmp_path: Path) -> None:
    """It is told which, and stays."""
    path = tmp_path / "control.sock"
    path.write_text("mine")
    with pytest.raises(ControlError, match=r"control\.sock is no socket. Move it away"):
        await ControlServer(tmp_path, Pretend()).start()
    assert path.read_text() == "mine"


async def test_a_name_too_long_for_a_socket(deep: Path) -> None:
    """It lies elsewhere, in a folder that only its owner may enter; both ends find it."""
    with pytest.raises(OSError, match="too long"), socket.socket(socket.AF_UNIX) as made:
        made.bind(str(deep / "control.sock"))
    server = ControlServer(deep, Pretend())
    await server.start()
    path = Path((deep / "control.path").read_text().strip())
    assert mode(path) == 0o600
    assert mode(path.parent) == 0o700
    assert await ControlClient(deep).rows() == ROWS
    with pytest.raises(AlreadyUp):
        await ControlServer(deep, Pretend()).start()
    await server.stop()
    assert not path.parent.exists()
    assert not any(deep.iterdir())  # noqa: ASYNC240  # nothing else runs
    with pytest.raises(ControlError, match="not running here"):
        await ControlClient(deep).rows()


async def test_elsewhere_is_cleared_too(deep: Path) -> None:
    """A supervisor that was killed leaves nothing for good."""
    made, path = place.bind(deep)
    made.close()
    server = ControlServer(deep, Pretend())
    await server.start()
    assert not path.parent.exists()
    await server.stop()


async def test_a_temporary_folder_that_is_too_deep(
    deep: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then it is /tmp."""
    elsewhere = deep / "tmp"
    elsewhere.mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    made, path = place.bind(deep)
    made.close()
    assert path.parts[1] == "tmp"
    shutil.rmtree(path.parent)


def test_where_there_can_be_no_folder(tmp_path: Path) -> None:
    """It is told, with another way."""
    (tmp_path / "state").write_text("a file")
    with pytest.raises(ControlError, match="Take another state folder with --state"):
        place.bind(tmp_path / "state")
