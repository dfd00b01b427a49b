"""06-orchestration: three services in a row, and one that is in charge of the order.

All four together are run by test_readmes.py.
"""

from collections.abc import Callable, Generator
from datetime import datetime
from time import monotonic
from types import ModuleType
from typing import Any

import pytest

from peers import BAD, NO_JSON, away, http, patience, peer
from programs import PATIENCE, load

GREETING = "Hello from Service A!"
FAILED = {
    "A": {"error": "Failed to get greeting from ServiceA"},
    "B": {"error": "Failed to process data in ServiceB"},
    "C": {"error": "Failed to analyze data in ServiceC"},
}


# --- ServiceB and ServiceC -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def service_b() -> Any:
    return load("06-orchestration/service_b.py").app.test_client()


@pytest.fixture(scope="module")
def service_c() -> Any:
    return load("06-orchestration/service_c.py").app.test_client()


@pytest.mark.promise("S0-69")
def test_service_b_processes_a_message(service_b: Any) -> None:
    """In capitals, measured, with the time in UTC."""
    answer = service_b.post("/process", json={"message": "Hello, you"}).json
    assert datetime.fromisoformat(answer.pop("processed_at")).utcoffset() is not None
    wanted = {"message": "Hello, you", "processed": "HELLO, YOU", "length": 10, "words": 2}
    assert answer == wanted


@pytest.mark.promise("S0-70")
@pytest.mark.parametrize(
    ("message", "sentiment"),
    [("Hello!", "positive"), ("Sorry, that failed.", "negative"), ("One two", "neutral")],
)
def test_service_c_analyzes_a_message(service_c: Any, message: str, sentiment: str) -> None:
    """Its size and its mood."""
    words = len(message.split())
    wanted = {"message": message, "length": len(message), "words": words, "sentiment": sentiment}
    assert service_c.post("/analyze", json={"message": message, "more": 1}).json == wanted


@pytest.mark.promise("S0-69", "S0-70")
@pytest.mark.parametrize("path", ["/process", "/analyze"])
@pytest.mark.parametrize(
    "body", ["", "{", "[", "null", "[]", "{}", '{"message": 5}', '{"message": ""}', "[" * 10_000]
)
def test_what_is_no_message_is_refused(
    service_b: Any, service_c: Any, path: str, body: str
) -> None:
    """With a 400 that says what to send."""
    client = service_b if path == "/process" else service_c
    answer = client.post(path, data=body, content_type="application/json")
    wanted = {"error": "Send a JSON object with a text as its message"}
    assert (answer.status_code, answer.json) == (400, wanted)


# --- When a step fails. In this process, so that many ways take little time. -----------------------

Ask = Callable[..., tuple[int, Any]]


@pytest.fixture(scope="module")
def module() -> Generator[ModuleType]:
    module = load("06-orchestration/orchestrator.py")
    yield module
    module.session.close()
    module.pool.shutdown()


@pytest.fixture
def ask(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """What it answers when the three services are at these URLs."""

    def asked(*urls: str, timeout: float = PATIENCE, **headers: str) -> tuple[int, Any]:
        monkeypatch.setattr(module, "TIMEOUT", timeout)
        for service, url in zip("ABC", urls, strict=True):
            monkeypatch.setattr(module, f"SERVICE_{service}_URL", url)
        answer = module.app.test_client().get("/orchestrate", headers=headers)
        return answer.status_code, answer.json

    return asked


GOOD = {"A": http(f"  {GREETING}\n"), "B": http('{"half": 1}'), "C": http('{"whole": [1, null]}')}


@pytest.mark.promise("S0-65", "S0-66", "S0-67")
def test_each_step_is_sent_what_the_one_before_gave(ask: Ask) -> None:
    """The greeting without its blanks, then ServiceB's JSON as it is; ServiceC's comes back."""
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with peer(GOOD["A"]) as a, peer(GOOD["B"]) as b, peer(GOOD["C"]) as c:
        assert ask(a.url, b.url, c.url, traceparent=trace) == (200, {"whole": [1, None]})
        (to_a,), (to_b,), (to_c,) = a.requests, b.requests, c.requests
    assert to_a.startswith("GET /greet HTTP")
    assert to_b.startswith("POST /process HTTP")
    assert to_c.startswith("POST /analyze HTTP")
    assert to_b.endswith(f'\r\n{{"message": "{GREETING}"}}')
    assert to_c.endswith('\r\n{"half": 1}')
    assert all(f"Traceparent: {trace}\r\n" in request for request in (to_a, to_b, to_c))


@pytest.mark.promise("S0-65", "S0-66", "S0-67", "S0-68", "W0-12")
@pytest.mark.parametrize(
    ("step", "way"),
    [(step, way) for step in "ABC" for way in [*BAD, *(NO_JSON if step != "A" else ())]],
)
def test_a_step_that_fails_is_named_and_nothing_more(step: str, way: str, ask: Ask) -> None:
    """A 500 with the text of that step; nothing of what really happened; no later step is asked."""
    answers = {**GOOD, step: {**BAD, **NO_JSON}[way]}
    with peer(answers["A"]) as a, peer(answers["B"]) as b, peer(answers["C"]) as c:
        before = monotonic()
        assert ask(a.url, b.url, c.url, timeout=patience(answers[step])) == (500, FAILED[step])
        assert monotonic() - before < 2
        asked = "".join(name for name, at in (("A", a), ("B", b), ("C", c)) if at.requests)
    assert asked == "ABC"[: "ABC".index(step) + 1]


@pytest.mark.promise("S0-65", "S0-66", "S0-67", "S0-68", "W0-12")
@pytest.mark.parametrize("step", "ABC")
def test_a_step_that_is_away_is_named(step: str, ask: Ask) -> None:
    """A refused connection tells its address to nobody."""
    with away() as nobody, peer(GOOD["A"]) as a, peer(GOOD["B"]) as b, peer(GOOD["C"]) as c:
        urls = {"A": a.url, "B": b.url, "C": c.url, step: nobody}
        assert ask(*urls.values()) == (500, FAILED[step])


def test_why_a_step_failed_is_in_the_log(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    """Who runs it can find out."""
    with peer(BAD["500"]) as a:
        ask(a.url, a.url, a.url)
        assert (
            f"Failed to get greeting from ServiceA: ValueError('{a.url}/greet answered 500')"
            in (caplog.text)
        )
