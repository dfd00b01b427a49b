"""An embedded broker: real, private, durable, and clear about what keeps it from starting."""

import asyncio
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from nats.errors import Error

from coterie.engine import Failed, Nats, is_embedded
from tests.console.process import gone
from tests.engine.sockets import listening


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Nats]:
    """A broker that runs."""
    broker = Nats(tmp_path / "nats")
    await broker.start()
    yield broker
    await broker.stop()


async def connected(url: str) -> Client:
    client = Client()
    try:
        await client.connect(url, allow_reconnect=False, connect_timeout=5)
    except Error:
        await client.close()  # it leaves its socket open otherwise
        raise
    return client


async def told(broker: Nats, what: str) -> dict[str, Any]:
    """What the running server itself says."""
    client = await connected(broker.system_url)
    answer = await client.request(f"$SYS.REQ.SERVER.PING.{what}", timeout=5)
    await client.close()
    found: dict[str, Any] = json.loads(answer.data)["data"]
    return found


async def test_it_carries_messages_until_it_is_stopped(tmp_path: Path) -> None:
    """Started, it delivers; stopped, its process is gone and so is the file with its password."""
    broker = Nats(tmp_path / "nats")
    await broker.start()
    pid = broker.pid
    assert pid is not None
    client = await connected(broker.url)
    subscription = await client.subscribe("greetings")
    await client.publish("greetings", b"hello")
    assert (await subscription.next_msg(timeout=5)).data == b"hello"
    await client.close()
    await broker.stop()
    await broker.stop()
    assert gone(pid)
    assert broker.pid is None
    assert not (tmp_path / "nats" / "nats-server.json").exists()
    assert "Server Exiting" in broker.log.read_text()


async def test_only_who_knows_the_password_is_let_in(broker: Nats) -> None:
    """Nobody and wrong passwords are refused; control: the right one is not."""
    _, _, address = broker.url.rpartition("@")
    for stranger in (f"nats://{address}", f"nats://coterie:wrong@{address}"):
        with pytest.raises(Error, match=r"(?i)authorization violation"):
            await connected(stranger)
    await (await connected(broker.url)).close()


async def test_each_broker_has_a_password_of_its_own(broker: Nats, tmp_path: Path) -> None:
    """What leaks from one run opens no other."""
    other = Nats(tmp_path / "other")
    await other.start()
    try:
        credentials, _, _ = broker.url.rpartition("@")
        with pytest.raises(Error, match=r"(?i)authorization violation"):
            await connected(f"{credentials}@{other.address}")
    finally:
        await other.stop()


async def test_it_listens_on_loopback_only(broker: Nats) -> None:
    """No other machine reaches it. Control: a socket that is open to all is seen as such."""
    assert broker.pid is not None
    host, _, port = broker.address.partition(":")
    assert listening(broker.pid) == {("127.0.0.1", int(port))}
    assert host == "127.0.0.1"
    with socket.create_server(("", 0)) as open_to_all:
        assert ("0.0.0.0", open_to_all.getsockname()[1]) in listening(os.getpid())


async def test_an_acknowledged_message_is_on_disk(broker: Nats, tmp_path: Path) -> None:
    """The running server says that it syncs always. Control: one without our setting does not."""
    assert (await told(broker, "JSZ"))["config"]["sync_always"] is True

    class Careless(Nats):
        def _settings(self) -> dict[str, Any]:
            settings = super()._settings()
            del settings["jetstream"]["sync_interval"]
            return settings

    careless = Careless(tmp_path / "careless")
    await careless.start()
    try:
        assert "sync_always" not in (await told(careless, "JSZ"))["config"]
    finally:
        await careless.stop()


async def test_its_secrets_are_its_owners(broker: Nats, tmp_path: Path) -> None:
    """The folder is closed to others, and so is each file; a command line shows no password."""
    folder = tmp_path / "nats"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for file in ("nats-server.json", "nats-server.log"):
        assert stat.S_IMODE((folder / file).stat().st_mode) == 0o600
    password = broker.url.split(":")[2].partition("@")[0]
    assert password in (folder / "nats-server.json").read_text()
    process = Path(f"/proc/{broker.pid}")
    assert b"nats-server" in (process / "cmdline").read_bytes()
    assert password.encode() not in (process / "cmdline").read_bytes()
    assert (process / "environ").read_bytes() == b""


async def test_a_restart_changes_nothing_that_others_know(broker: Nats) -> None:
    """Same address, same credentials, and what was stored is there; the process is another."""
    url, pid = broker.url, broker.pid
    client = await connected(url)
    stream = client.jetstream()
    await stream.add_stream(name="orders", subjects=["orders"])
    await stream.publish("orders", b"one")
    await client.close()
    await broker.restart()
    assert broker.url == url
    assert broker.pid != pid
    client = await connected(url)
    assert (await client.jetstream().get_msg("orders", 1)).data == b"one"
    await client.close()


async def test_what_was_acknowledged_survives_a_kill(broker: Nats) -> None:
    """A kill -9 is noticed, with its number; started again it has every acknowledged message."""
    client = await connected(broker.url)
    stream = client.jetstream()
    await stream.add_stream(name="orders", subjects=["orders"])
    for number in range(20):
        await stream.publish("orders", str(number).encode())
    await client.close()
    assert broker.pid is not None
    os.kill(broker.pid, signal.SIGKILL)
    assert await asyncio.wait_for(broker.wait(), 5) == -signal.SIGKILL
    assert broker.pid is None
    await broker.start()
    client = await connected(broker.url)
    assert (await client.jetstream().stream_info("orders")).state.messages == 20
    await client.close()


async def test_a_taken_port_is_told(tmp_path: Path) -> None:
    """The message says so, what to do, and what the server itself said; nothing is left running."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        broker = Nats(tmp_path, port=taken.getsockname()[1])
        with pytest.raises(
            Failed, match=r"port is taken by another program.*Let it choose"
        ) as told:
            await broker.start()
    assert any("address already in use" in line for line in told.value.lines)
    assert broker.pid is None
    await broker.start()  # control: it was the port
    await broker.stop()


async def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    """A file where the folder should be; and one where the server keeps its messages."""
    (tmp_path / "file").touch()
    with pytest.raises(Failed, match=r"the folder .*/file/nats cannot be used: Not a directory"):
        await Nats(tmp_path / "file" / "nats").start()
    (tmp_path / "jetstream").touch()
    with pytest.raises(Failed, match=r"what it stored cannot be read.*Move its folder away"):
        await Nats(tmp_path).start()


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if mount is None or subprocess.run([mount, *options], check=False).returncode != 0:
        pytest.skip("only root can make a small disk here")
    yield folder
    subprocess.run(["umount", folder], check=True)


async def test_a_full_disk_is_told_before_messages_are_refused(tiny_disk: Path) -> None:
    """It would start, and then refuse every stream."""
    with pytest.raises(Failed, match=r"the disk of .* is full. Make room there"):
        await Nats(tiny_disk / "nats").start()


async def test_a_cancelled_start_leaves_nothing(tmp_path: Path) -> None:
    """Ctrl-C in the middle of a start ends the process that was being waited for."""
    broker = Nats(tmp_path)
    start = asyncio.create_task(broker.start())
    async with asyncio.timeout(5):
        while broker.pid is None:  # noqa: ASYNC110
            await asyncio.sleep(0)
    pid = broker.pid
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    assert gone(pid)


async def test_before_its_start_it_has_no_address(tmp_path: Path) -> None:
    """Asked too early, it says what to do; to stop what never ran is no error."""
    broker = Nats(tmp_path)
    with pytest.raises(Failed, match="Start it first"):
        _ = broker.url
    with pytest.raises(Failed, match="Start it first"):
        await broker.wait()
    await broker.stop()


@pytest.mark.parametrize(
    ("url", "embedded"),
    [("nats+embedded://", True), ("NATS+EMBEDDED://", True), ("nats://broker:4222", False)],
)
def test_the_scheme_says_whether_it_is_ours_to_start(url: str, embedded: bool) -> None:
    """A broker that runs elsewhere is not started here."""
    assert is_embedded(url) is embedded
