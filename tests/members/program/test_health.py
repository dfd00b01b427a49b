"""Whether an application in this process is well: asked past everything that counts requests."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import pytest

from coterie.members.program import Health, ProgramMistake, Wsgi, status_of
from tests.members.program.kit import until


class Legacy:
    """An application that is as well as it is told to be."""

    def __init__(self) -> None:
        self.well = False
        self.asked: list[str] = []

    def wsgi(self, environ: Mapping[str, Any], start_response: Any) -> Iterable[bytes]:
        self.asked.append(f"{environ['PATH_INFO']}?{environ['QUERY_STRING']}")
        start_response("204 No Content" if self.well else "503 Service Unavailable", [])
        return []

    async def asgi(self, scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["more_body"] is False
        self.asked.append(f"{scope['path']}?{scope['query_string'].decode()}")
        assert scope["state"] == {"kept": 1}
        if not self.well:
            raise SystemExit(1)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})


@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
async def test_an_application_is_there_once_it_answers_and_unwell_while_it_does_not(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coterie.members.program.health._EVERY", 0.02)
    legacy = Legacy()
    bridge = Wsgi(legacy.wsgi)
    await bridge.start()
    app: Any = bridge if kind == "wsgi" else legacy.asgi
    health = Health(
        "legacy", "/health?deep=1", partial(status_of, app, "/health?deep=1", {"kept": 1})
    )
    try:
        with pytest.raises(ProgramMistake, match=r"has not answered GET /health\?deep=1 below 400"):
            await health.begin(0.0)
        legacy.well = True
        await health.begin(20.0)
        assert health.unwell() == ""
        legacy.well = False
        await until(health.unwell)
        assert health.unwell() == "legacy does not answer GET /health?deep=1"
        legacy.well = True
        await until(lambda: not health.unwell())
        assert set(legacy.asked) == {"/health?deep=1"}
    finally:
        await health.stop()
        await bridge.stop()
