"""Figures of a Flask program in a system: who competes, and that each gives right answers."""

import asyncio
import sys
from pathlib import Path

import pytest

from bench.cores import Cores
from bench.figures import foreign, importing, member
from bench.server import ServerError
from bench.setting import Pace, Setting

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a fork server is Linux only")


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    """Here, on any core, as short as it can be."""
    nowhere: frozenset[int] = frozenset()
    pace = Pace(rounds=1, seconds=0.2, warm=0.1)
    return Setting(Path(sys.executable), tmp_path, Cores(nowhere, nowhere), pace, {})


async def test_ours_and_gunicorn_answer_behind_the_same_envoy(setting: Setting) -> None:
    """Both are measured, no answer is wrong, and each cost something."""
    (figure,) = await member.measure(setting, lambda line: None)
    assert (figure.why, figure.errors, figure.rounds) == ({}, {}, 1)
    assert figure.value
    assert figure.floor
    assert figure.cost.keys() == {"coterie", "gunicorn gthread"}


async def test_both_clients_call_the_program(setting: Setting) -> None:
    """With types and without; both are right in all that they are answered."""
    (figure,) = await foreign.measure(setting, lambda line: None)
    assert (figure.why, figure.errors, figure.rounds) == ({}, {}, 1)
    assert figure.value
    assert figure.floor


async def test_a_round_that_the_service_refuses_is_told() -> None:
    """And not taken for a slow one."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 500 Oh\r\nContent-Length: 4\r\n\r\nwhy?")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ServerError, match=r"/x answers 500: why\?"):
            await asyncio.to_thread(foreign.post, port, "/x", b"{}", 10)
    with pytest.raises(ServerError, match="does not answer"):
        await asyncio.to_thread(foreign.post, port, "/x", b"{}", 10)


async def test_a_document_that_is_not_there_is_told(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The figure says what to run, and is not met."""
    monkeypatch.setattr(importing, "FOLDER", setting.folder)
    (figure,) = await importing.measure(setting, lambda line: None)
    assert not figure.ok
    assert figure.value is None
    assert "tools/documents.py" in str(figure.why)
