"""A page from elsewhere cannot reach the console by a name of its own (DNS rebinding)."""

from pathlib import Path

import pytest

from coterie.console.dashboard import Dashboard, RemoteSource
from coterie.server import HttpServer
from tests.console.dashboard.conftest import Console
from tests.console.dashboard.fake import System

FOREIGN = ("evil.example", "evil.example:8081", "localhost.evil.example", "127.0.0.1.nip.io", "", "[::2]", "localhost:x", "x@localhost")  # fmt: skip
CLOSED = ("/console", "/console/traces", "/console/-/console.js", "/metrics", "/")


@pytest.mark.parametrize("host", FOREIGN)
async def test_a_foreign_name_is_refused(console: Console, host: str) -> None:
    for path in CLOSED:
        answer = await console.get(path, host=host)
        assert answer.status == 403, path
    stream = await console.get("/console", host=host, accept="text/event-stream")
    assert stream.status == 403
    # What the gateway hands on keeps the gateway's name.
    assert (await console.get("/docs", host=host)).status == 200
    assert (await console.get("/health/live", host=host)).status == 200


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8081", "127.0.0.1:1", "[::1]:8081", "[::1]"]
)
async def test_this_machines_own_names_are_let_in(console: Console, host: str) -> None:
    for path in CLOSED:
        assert (await console.get(path, host=host)).status in (200, 307)


async def test_control_a_name_that_is_allowed_would_read_it_all(
    system: System, tmp_path: Path
) -> None:
    """Without the check the foreign name gets the page: so it is the check that refuses it."""
    open_ = Console(system.state)
    source = RemoteSource(system.state)
    open_.dashboard = Dashboard(source, tmp_path / "open.db", title="shop", hosts=FOREIGN)
    open_.server = HttpServer(open_.dashboard.app, patience=1)
    await open_.start()
    try:
        answer = await open_.get("/console", host="evil.example:8081")
        assert answer.status == 200
        assert b"shop" in answer.body
    finally:
        await open_.stop()
