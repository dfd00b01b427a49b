"""07-composite: two services as one.

All three together are run by test_readmes.py.
"""

from collections.abc import Callable, Generator
from threading import Barrier
from time import monotonic
from types import ModuleType
from typing import Any

import pytest

from peers import BAD, NO_JSON, Hanging, away, http, patience, peer
from programs import PATIENCE, load

NO_GREETING = {"error": "Failed to get greeting from ServiceA"}
NO_DATA = {"error": "Failed to get data from ServiceB"}


Ask = Callable[..., tuple[int, Any]]
GREETING, DATA = http(" Hi\n"), http('{"some": [1, null]}')


@pytest.fixture(scope="module")
def module() -> Generator[ModuleType]:
    module = load("07-composite/composite.py")
    yield module
    module.session.close()
    module.pool.shutdown()


@pytest.fixture
def ask(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """What it answers when ServiceA and ServiceB are at these URLs."""

    def asked(
        service_a: str, service_b: str, timeout: float = PATIENCE, **headers: str
    ) -> tuple[int, Any]:
        monkeypatch.setattr(module, "TIMEOUT", timeout)
        monkeypatch.setattr(module, "SERVICE_A_URL", service_a)
        monkeypatch.setattr(module, "SERVICE_B_URL", service_b)
        answer = module.app.test_client().get("/composite_function", headers=headers)
        return answer.status_code, answer.json

    return asked


@pytest.mark.promise("S0-77")
def test_service_b_has_data() -> None:
    """A list of what has an id, a name and a value."""
    answer = load("07-composite/service_b.py").app.test_client().get("/data")
    assert answer.status_code == 200
    assert [sorted(entry) for entry in answer.json] == [["id", "name", "value"]] * 3


@pytest.mark.promise("S0-75")
def test_any_data_is_passed_on_as_it_is(ask: Ask) -> None:
    """With the caller's trace, over connections that are kept."""
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with peer(GREETING) as a, peer(DATA) as b:
        for _ in range(5):
            wanted = {"greeting": "Hi", "data_from_service_b": {"some": [1, None]}}
            assert ask(a.url, b.url, traceparent=trace) == (200, wanted)
        assert (a.accepted, b.accepted) == (1, 1)
        assert all(f"Traceparent: {trace}" in request for request in (*a.requests, *b.requests))


@pytest.mark.promise("S0-76", "W0-12")
@pytest.mark.parametrize("way", BAD)
def test_without_a_greeting_it_fails(way: str, ask: Ask) -> None:
    """Whatever ServiceA does: a 500 that says what is missing, in time, and no more than that."""
    with peer(BAD[way]) as a, peer(DATA) as b:
        before = monotonic()
        assert ask(a.url, b.url, timeout=patience(BAD[way])) == (500, NO_GREETING)
        assert monotonic() - before < 2


@pytest.mark.promise("S0-76", "W0-12")
@pytest.mark.parametrize("way", [*BAD, *NO_JSON])
def test_without_data_it_fails(way: str, ask: Ask) -> None:
    """The same for ServiceB."""
    wrong = {**BAD, **NO_JSON}[way]
    with peer(GREETING) as a, peer(wrong) as b:
        before = monotonic()
        assert ask(a.url, b.url, timeout=patience(wrong)) == (500, NO_DATA)
        assert monotonic() - before < 2


@pytest.mark.promise("S0-76", "W0-12")
def test_data_that_is_nested_too_deeply_fails_as_any_other(ask: Ask) -> None:
    """Wherever the limit of this Python is, just above it the text is that of the pattern."""
    depth = 0

    def nested(_: str) -> bytes:
        return http("[" * depth + "]" * depth)

    with peer(GREETING) as a, peer(nested) as b:
        passes, fails = 1, 200_000
        while fails - passes > 1:
            depth = (passes + fails) // 2
            passes, fails = (depth, fails) if ask(a.url, b.url)[0] == 200 else (passes, depth)
        for too_deep in (*range(fails, fails + 20), 200_000):
            depth = too_deep
            assert ask(a.url, b.url) == (500, NO_DATA)


@pytest.mark.promise("S0-76", "W0-12")
def test_a_service_that_is_away_is_named(ask: Ask) -> None:
    """A refused connection tells its address to nobody; ServiceA is named first."""
    with away() as nobody, peer(GREETING) as a, peer(DATA) as b:
        assert ask(nobody, b.url) == (500, NO_GREETING)
        assert ask(a.url, nobody) == (500, NO_DATA)
        assert ask(nobody, nobody) == (500, NO_GREETING)
        assert ask(a.url, b.url)[0] == 200


def test_both_are_asked_at_the_same_time(ask: Ask) -> None:
    """Either answers only once both were asked; and two that hang cost one timeout."""
    both = Barrier(2, timeout=5)

    def when_both(request: str) -> bytes:
        return GREETING if both.wait() >= 0 and "/greet" in request else DATA

    with peer(when_both) as a, peer(when_both) as b:
        assert ask(a.url, b.url)[0] == 200
    with peer(Hanging()) as a, peer(Hanging()) as b:
        before = monotonic()
        assert ask(a.url, b.url, timeout=1.0) == (500, NO_GREETING)
        assert 1.0 <= monotonic() - before < 2.0
