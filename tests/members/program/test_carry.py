"""What a program asks of others belongs to the trace of what it was asked."""

import asyncio
import sys
import types
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any, ClassVar

import flask
import pytest
import requests

from coterie.call import Context, Trace, entered
from coterie.contract import Code
from coterie.members.program import Wsgi, carry_trace
from coterie.telemetry import Meter
from tests.members.program.kit import PARENT, TRACE, surrounded


@pytest.fixture
def meter() -> Iterator[Meter]:
    """Of the program that asks; carrying while the test runs."""
    noted = Meter("front")
    carrying = carry_trace(noted)
    yield noted
    carrying.stop()


def behind() -> flask.Flask:
    app = flask.Flask("behind")

    @app.get("/said")
    def said() -> str:
        return flask.request.headers.get("traceparent", "none")

    @app.get("/refused")
    def refused() -> tuple[str, int]:
        return "no", 404

    return app


async def test_a_flask_program_that_asks_another_leaves_one_trace(meter: Meter) -> None:
    """Neither of the two has a line about traces."""
    front = flask.Flask("front")

    @front.get("/<int:port>/<page>")
    def ask(port: int, page: str) -> str:
        return requests.get(f"http://127.0.0.1:{port}/{page}", timeout=10).text

    other, this = Wsgi(behind()), Wsgi(front)
    async with (
        surrounded(other, other, service="behind") as second,
        surrounded(this, this, service="front") as first,
    ):
        told = await first.ask(f"/{second.port}/said", traceparent=PARENT)
        (outer,), (made,), (inner,) = first.spans, meter.spans, second.spans
        assert {outer.trace.trace_id, made.trace.trace_id, inner.trace.trace_id} == {TRACE}
        assert outer.trace.parent == "b7ad6b7169203331"
        assert made.trace.parent == outer.trace.span_id
        assert inner.trace.parent == made.trace.span_id
        assert told.body.decode() == inner.trace.traceparent
        assert (made.kind, made.service, made.operation) == ("client", "front", "127.0.0.1.GET")
        await first.ask(f"/{second.port}/refused", traceparent=PARENT)
        assert list(meter.spans)[1].code is Code.NOT_FOUND


async def test_a_header_of_the_programs_own_stays_and_so_does_what_belongs_to_no_request(
    meter: Meter,
) -> None:
    app = Wsgi(behind())

    def ask(url: str, headers: dict[str, str]) -> str:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            return str(answer.read().decode())

    async with surrounded(app, app) as site:
        url = f"http://127.0.0.1:{site.port}/said"
        here = Context(Trace.root())
        with entered(here):
            carried = await asyncio.to_thread(ask, url, {})
            await asyncio.to_thread(ask, url, {"Traceparent": PARENT})
        await asyncio.to_thread(ask, url, {})
        assert carried.split("-")[1] == here.trace.trace_id
        inner = [span.trace for span in site.spans]
        assert inner[1].parent == PARENT.split("-")[2]
        assert inner[2].parent is None
        assert len(meter.spans) == 1


def test_a_request_that_finds_nobody_is_noted_and_its_error_is_its_own(meter: Meter) -> None:
    with entered(Context(Trace.root())), pytest.raises(urllib.error.URLError):
        urllib.request.urlopen("http://127.0.0.1:1/", timeout=5)
    assert [span.code for span in meter.spans] == [Code.UNAVAILABLE]


async def test_switched_off_nothing_is_carried() -> None:
    noted = Meter("front")
    carry_trace(noted).stop()
    app = Wsgi(behind())
    async with surrounded(app, app) as site:
        with entered(Context(Trace.root())):
            await asyncio.to_thread(requests.get, f"http://127.0.0.1:{site.port}/said", timeout=5)
        assert site.spans[0].trace.parent is None
    assert not noted.spans


class _Request:
    def __init__(self, method: str, host: str) -> None:
        self.method = method
        self.url = types.SimpleNamespace(host=host, port=None, scheme="https")
        self.headers: dict[str, str] = {}


def pretended(name: str) -> Any:
    """A library as far as we know it, so that none of them must be installed."""
    module: Any = types.ModuleType(name)
    answer = types.SimpleNamespace(status_code=200, status=200)

    class Client:
        def send(self, request: Any) -> Any:
            return answer

    class AsyncClient:
        async def send(self, request: Any) -> Any:
            return answer

    class ClientSession:
        headers: ClassVar[dict[str, str]] = {}

        def _build_url(self, url: str) -> Any:
            return types.SimpleNamespace(host=url, port=80)

        async def _request(self, method: str, url: str, **options: Any) -> Any:
            return types.SimpleNamespace(status=200, headers=options.get("headers"))

    module.Client, module.AsyncClient, module.ClientSession = Client, AsyncClient, ClientSession
    return module


async def test_httpx_and_aiohttp_carry_it_once_they_are_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    httpx, aiohttp = pretended("httpx"), pretended("aiohttp")
    monkeypatch.setitem(sys.modules, "httpx", httpx)
    monkeypatch.setitem(sys.modules, "aiohttp", aiohttp)
    noted = Meter("front")
    carrying = carry_trace(noted, {"users.example:443": "users"})
    here = Context(Trace.root())
    try:
        with entered(here):
            asked, later = _Request("GET", "users.example"), _Request("POST", "other.example")
            httpx.Client().send(asked)
            await httpx.AsyncClient().send(later)
            answer = await aiohttp.ClientSession()._request("GET", "third.example")
            own = {"Traceparent": PARENT}
            kept = await aiohttp.ClientSession()._request("GET", "x", headers=own)
    finally:
        carrying.stop()
    carried = [asked.headers["traceparent"], later.headers["traceparent"], answer.headers[0][1]]
    assert [span.trace.traceparent for span in noted.spans] == carried
    assert {span.trace.parent for span in noted.spans} == {here.trace.span_id}
    names = [span.operation for span in noted.spans]
    assert names == ["users.GET", "other.example.POST", "third.example.GET"]
    assert kept.headers == own


def test_a_library_that_comes_later_is_met_when_it_comes(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one we know nothing of any more is left alone."""
    monkeypatch.delitem(sys.modules, "httpx", raising=False)
    monkeypatch.delitem(sys.modules, "aiohttp", raising=False)
    (tmp_path / "httpx.py").write_text(
        "class Client:\n    def send(self, request): return self\n    status_code = 200\n"
        "class AsyncClient:\n    async def send(self, request): return self\n"
    )
    (tmp_path / "aiohttp.py").write_text("there = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    carrying = carry_trace(Meter("front"))
    try:
        import aiohttp  # type: ignore[import-not-found]  # pyright: ignore[reportMissingImports]
        import httpx  # type: ignore[import-not-found]  # pyright: ignore[reportMissingImports]

        assert aiohttp.there
        asked = _Request("GET", "users.example")
        with entered(Context(Trace.root())):
            httpx.Client().send(asked)
        assert "traceparent" in asked.headers
    finally:
        carrying.stop()
        sys.modules.pop("httpx", None)
        sys.modules.pop("aiohttp", None)
