"""An absent engine is told, and in continuous integration it is no excuse."""

import socket
from collections.abc import Callable

import pytest

from tests import engines


@pytest.fixture
def nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Points the tests at a port of this machine that just was free."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setenv("COTERIE_TEST_POSTGRES", f"postgresql://tester@127.0.0.1:{port}/test")
    monkeypatch.setenv("COTERIE_TEST_AMQP", f"amqp://guest:guest@127.0.0.1:{port}/")


ENGINES = [
    (engines.postgres_url, "PostgreSQL", "COTERIE_TEST_POSTGRES"),
    (engines.amqp_url, "RabbitMQ", "COTERIE_TEST_AMQP"),
]


@pytest.mark.usefixtures("nobody_listens")
@pytest.mark.parametrize(("url", "engine", "variable"), ENGINES)
def test_an_absent_engine_skips_and_says_why(
    url: Callable[[], str], engine: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a developer's machine without it the suite still passes, and names the remedy."""
    monkeypatch.delenv("COTERIE_REQUIRE_ENGINES", raising=False)
    with pytest.raises(pytest.skip.Exception, match=rf"{engine} is absent.*{variable}"):
        url()


@pytest.mark.usefixtures("nobody_listens")
@pytest.mark.parametrize(("url", "engine", "variable"), ENGINES)
def test_where_engines_are_required_an_absent_one_fails(
    url: Callable[[], str], engine: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: the same absence turns red where nothing may be skipped."""
    monkeypatch.setenv("COTERIE_REQUIRE_ENGINES", "1")
    with pytest.raises(pytest.fail.Exception, match=rf"{engine} is absent.*{variable}"):
        url()
