"""What is refused, and that it changed nothing: foreign names, bad input, too much."""

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coterie.members.registry.server import Limits, Tokens
from tests.members.registry.kit import BILLING, SHIPPING, SYSTEM, TOKENS, Live, live
from tests.server.talk import Talk, request

A = "http://localhost:5000"
INSTANCES = "/services/billing/instances"
BEAT = f"{INSTANCES}/billing-default/heartbeat"

WRITES: list[tuple[str, str, Any]] = [
    ("POST", "/register", {"name": "billing", "url": "http://evil.example"}),
    ("POST", INSTANCES, {"url": "http://evil.example"}),
    ("POST", INSTANCES, {"id": "billing-default", "url": "http://evil.example"}),
    ("PUT", "/services/billing", {"description": "mine"}),
    ("PATCH", "/services/billing", {"description": "mine"}),
    ("PUT", BEAT, None),
    ("PUT", BEAT, {"status": "DOWN"}),
    ("DELETE", f"{INSTANCES}/billing-default", None),
    ("DELETE", "/services/billing", None),
]


async def _with_billing(here: Live) -> None:
    answer = await here.ask("POST", "/register", {"name": "billing", "url": A}, token=BILLING)
    assert answer.status == 201


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
async def test_a_name_is_its_first_registrants(
    method: str, path: str, body: Any, tmp_path: Path
) -> None:
    """Nobody else replaces, describes, keeps alive or removes it. Control: who has it does."""
    async with live(tmp_path) as here:
        await _with_billing(here)
        before = await here.state()
        for token, status in ((SHIPPING, 403), (None, 401), ("no-token-of-anybody's", 401)):
            answer = await here.ask(method, path, body, token=token)
            assert (answer.status, bool(answer.error)) == (status, True)
            assert await here.state() == before
        assert (await here.ask(method, path, body, token=BILLING)).status < 300


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
async def test_control_without_tokens_everybody_is_one(
    method: str, path: str, body: Any, tmp_path: Path
) -> None:
    """Control: it is the tokens that keep registrants apart; a registry may be opened to all."""
    async with live(tmp_path, tokens=Tokens.unasked()) as here:
        assert (await here.ask("POST", "/register", {"name": "billing", "url": A})).status == 201
        for token in (SHIPPING, None):
            if method != "DELETE":
                assert (await here.ask(method, path, body, token=token)).status < 300
        assert (await here.ask(method, path, body, token=None)).status < 300


async def test_of_many_at_once_one_gets_the_name(tmp_path: Path) -> None:
    """Two registrants want the same twenty names at the same moment: each has one owner, and his URL."""
    async with live(tmp_path) as here:

        async def want(token: str, number: int) -> tuple[str, int, int]:
            sent = {"name": f"service-{number}", "url": f"http://{token}"}
            answer = await here.ask("POST", "/register", sent, token=token)
            return token, number, answer.status

        wanted = [(token, n) for n in range(20) for token in (BILLING, SHIPPING)]
        found = await asyncio.gather(*(want(token, number) for token, number in wanted))
        assert sorted(status for _, _, status in found) == [201] * 20 + [403] * 20
        for token, number, status in found:
            if status == 201:
                assert await here.found(f"service-{number}", 2) == {f"http://{token}"}


async def test_the_system_clears_up_and_changes_nothing_else(tmp_path: Path) -> None:
    """Whoever has its token removes what somebody left behind, and takes nobody's place."""
    async with live(tmp_path) as here:
        await _with_billing(here)
        for method, path, body in WRITES:
            answer = await here.ask(method, path, body, token=SYSTEM)
            assert answer.status == (403 if method != "DELETE" else 204)
            await _with_billing(here)


async def test_reading_can_be_guarded_too(tmp_path: Path) -> None:
    """Then every token will do. Control: unless it is told otherwise, all may read."""
    paths = ("/services", "/services/billing", "/discover/billing", "/watch?wait=0", "/health")
    guarded = Tokens(SYSTEM, {"billing": Tokens.digest(BILLING)}, guarded=True)
    for tokens, status in ((guarded, 401), (TOKENS, 200)):
        async with live(tmp_path, tokens=tokens) as here:
            await _with_billing(here)
            for path in paths:
                assert (await here.ask("GET", path, token=None)).status == status
                assert (await here.ask("GET", path, token=SYSTEM)).status == 200


BAD: list[tuple[str, str, Any, int]] = [
    ("POST", "/register", {"name": "billing", "url": "ftp://localhost/x"}, 400),
    ("POST", "/register", {"name": "billing", "url": "javascript:alert(1)"}, 400),
    ("POST", "/register", {"name": "billing", "url": "localhost:5000"}, 400),
    ("POST", "/register", {"name": "billing", "url": "http://user:pw@localhost"}, 400),
    ("POST", "/register", {"name": "billing", "url": "http://localhost:0"}, 400),
    ("POST", "/register", {"name": "billing", "url": "http://localhost:65536"}, 400),
    ("POST", "/register", {"name": "billing", "url": "http://169.254.169.254/latest"}, 400),
    ("POST", "/register", {"name": "billing", "url": f"http://x/{'y' * 3000}"}, 400),
    ("POST", "/register", {"name": "../billing", "url": A}, 400),
    ("POST", "/register", {"name": "bill ing", "url": A}, 400),
    ("POST", "/register", {"name": "b" * 129, "url": A}, 400),
    ("POST", "/register", {"name": "billing\n", "url": A}, 400),
    ("POST", "/register", {"name": "bílling", "url": A}, 400),
    ("POST", "/register", {"name": "billing", "url": A, "x": "y" * 70000}, 413),
    ("POST", INSTANCES, {}, 400),
    ("POST", INSTANCES, [], 400),
    ("POST", INSTANCES, {"url": "http://"}, 400),
    ("POST", INSTANCES, {"url": A, "tll": 5}, 400),
    ("POST", INSTANCES, {"url": A, "ttl": 0}, 400),
    ("POST", INSTANCES, {"url": A, "ttl": -1}, 400),
    ("POST", INSTANCES, {"url": A, "ttl": 1e9}, 400),
    ("POST", INSTANCES, {"url": A, "ttl": "5"}, 400),
    ("POST", INSTANCES, {"url": A, "ttl": True}, 400),
    ("POST", INSTANCES, {"url": A, "weight": -1}, 400),
    ("POST", INSTANCES, {"url": A, "weight": 1e400}, 400),
    ("POST", INSTANCES, {"url": A, "weight": float("nan")}, 400),
    ("POST", INSTANCES, {"url": A, "status": "up"}, 400),
    ("POST", INSTANCES, {"url": A, "id": ""}, 400),
    ("POST", INSTANCES, {"url": A, "id": "orders-1@registry"}, 400),
    ("POST", INSTANCES, {"url": A, "zone": "z" * 65}, 400),
    ("POST", INSTANCES, {"url": A, "metadata": {"a": 1}}, 400),
    ("POST", INSTANCES, {"url": A, "metadata": {str(n): "v" * 100 for n in range(50)}}, 400),
    ("POST", "/services/b%20b/instances", {"url": A}, 400),
    ("PUT", "/services/b%20b", {}, 400),
    ("PUT", "/services/billing", {"tags": "money"}, 400),
    ("PUT", "/services/billing", {"tags": [str(n) for n in range(21)]}, 400),
    ("PUT", "/services/billing", {"contract": "/etc/passwd"}, 400),
    ("PUT", "/services/billing", {"contract": "javascript:alert(1)"}, 400),
    ("PUT", "/services/billing", {"description": "x" * 4001}, 400),
    ("PUT", "/services/billing", {"name": "stock"}, 400),
    ("PATCH", "/services/billing", {"owner": 1}, 400),
    ("PATCH", "/services/billing", {"metadata": {str(n): "v" * 100 for n in range(50)}}, 400),
    ("PATCH", "/services/billing", [], 400),
    ("PATCH", "/services/nobody", {}, 404),
    ("PUT", BEAT, {"status": "GONE"}, 400),
    ("PUT", BEAT, {"staus": "UP"}, 400),
    ("PUT", f"{INSTANCES}/nobody/heartbeat", None, 404),
    ("PUT", "/services/nobody/instances/x/heartbeat", None, 404),
    ("DELETE", f"{INSTANCES}/nobody", None, 404),
    ("DELETE", "/services/nobody", None, 404),
    ("GET", "/watch?index=-1", None, 400),
    ("GET", "/watch?index=x", None, 400),
    ("GET", "/watch?wait=x", None, 400),
    ("GET", "/watch?wait=nan", None, 400),
    ("GET", "/watch?wait=1e9", None, 400),
]


async def test_bad_input_is_told_and_changes_nothing(tmp_path: Path) -> None:
    """Each with its status, and a message; and after all of them the registry is as it was."""
    async with live(tmp_path) as here:
        await _with_billing(here)
        before = await here.state()
        index = (await here.ask("GET", "/health")).index
        for method, path, body, status in BAD:
            answer = await here.ask(method, path, body)
            assert answer.status == status, (method, path, body, answer.body)
            assert len(answer.error) > 10
            assert await here.state() == before
        assert (await here.ask("GET", "/health")).index == index


async def test_what_is_not_called_json_is_refused(tmp_path: Path) -> None:
    """415. Control: the same octets, called JSON."""
    async with live(tmp_path) as here:
        sent = json.dumps({"url": A}).encode()
        answer = await here.ask("POST", INSTANCES, raw=sent, media="text/plain")
        assert (answer.status, bool(answer.error)) == (415, True)
        assert (await here.ask("POST", INSTANCES, raw=sent)).status == 201


class Many:
    """Registers until it is refused."""

    def __init__(self, here: Live) -> None:
        self._here = here

    async def services(self, token: str, letter: str, most: int) -> int:
        for number in range(most):
            sent = {"name": f"{letter}{number}", "url": A}
            answer = await self._here.ask("POST", "/register", sent, token=token)
            if answer.status != 201:
                assert (answer.status, bool(answer.error)) == (409, True)
                return number
        return most

    async def instances(self, token: str, name: str, most: int) -> int:
        for number in range(most):
            path = f"/services/{name}/instances"
            answer = await self._here.ask("POST", path, {"url": A}, token=token)
            if answer.status != 201:
                assert (answer.status, bool(answer.error)) == (409, True)
                return number
        return most


async def test_nobody_fills_the_registry(tmp_path: Path) -> None:
    """Services and instances have a limit for each registrant and for all; none is taken from others."""
    few = Limits(services=5, services_each=3, instances=8, instances_each=5, instances_of=4)
    async with live(tmp_path, limits=few) as here:
        many = Many(here)
        assert await many.services(BILLING, "b", 10) == 3
        assert (await here.ask("POST", "/register", {"name": "b0", "url": A})).status == 201
        assert await many.services(SHIPPING, "s", 10) == 2
        assert await many.instances(BILLING, "b0", 10) == 2
        assert await many.instances(SHIPPING, "s0", 10) == 1
        assert (await here.ask("DELETE", "/services/b0")).status == 204
        assert await many.services(BILLING, "b", 10) == 3
    control = tmp_path / "control"
    control.mkdir()
    async with live(control) as here:
        assert await Many(here).services(BILLING, "b", 10) == 10
        assert await Many(here).instances(BILLING, "b0", 10) == 10


async def test_a_body_has_a_limit(tmp_path: Path) -> None:
    """413, whether its length was announced, and then before it comes, or not. Control: a larger limit."""
    sent = json.dumps({"name": "billing", "url": A, "x": "y" * 2000}).encode()
    told = {"authorization": f"Bearer {BILLING}", "content-type": "application/json"}
    for limits, status in ((Limits(body=1000), 413), (Limits(body=3000), 201)):
        async with live(tmp_path, limits=limits) as here:
            assert (await here.ask("POST", "/register", raw=sent)).status == status
            where = ("127.0.0.1", here.server.port)
            async with Talk(*await asyncio.open_connection(*where)) as talk:
                parts = [sent[:600], sent[600:1200], sent[1200:]]
                talk.say(request("POST", "/registry/register", headers=told, chunks=parts))
                assert (await talk.answer()).status == status
            async with Talk(*await asyncio.open_connection(*where)) as talk:
                much = {**told, "content-length": "3001"}
                talk.say(request("POST", "/registry/register", headers=much))
                assert (await talk.answer()).status == 413


async def test_a_body_comes_in_time(tmp_path: Path) -> None:
    """408: nobody holds a place by sending nothing."""
    told = {"authorization": f"Bearer {BILLING}", "content-length": "30"}
    async with live(tmp_path, limits=Limits(body_time=0.1)) as here:
        talk = Talk(*await asyncio.open_connection("127.0.0.1", here.server.port))
        async with talk:
            talk.say(request("POST", "/registry/register", headers=told))
            assert (await talk.answer()).status == 408


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
NEAR = st.fixed_dictionaries(
    {},
    optional={
        "name": st.text(max_size=5) | JSON,
        "url": st.from_regex(r"https?://[^/]{0,20}(:\d{0,6})?[/?#]?.{0,8}") | JSON,
        "id": st.text(max_size=4) | JSON,
        "ttl": st.floats() | JSON,
        "weight": st.floats() | JSON,
        "metadata": JSON,
        "tags": JSON,
        "status": JSON,
    },
)  # fmt: skip
BODIES = (NEAR | JSON).map(lambda value: json.dumps(value).encode()) | st.binary(max_size=200)
PLACES = st.sampled_from([
    ("POST", "/register"), ("POST", INSTANCES), ("PUT", "/services/billing"),
    ("PATCH", "/services/billing"), ("PUT", BEAT), ("POST", "/services/%00/instances"),
])  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(sent=st.lists(st.tuples(PLACES, BODIES), min_size=20, max_size=20))
def test_whatever_is_sent_is_answered(sent: list[tuple[tuple[str, str], bytes]]) -> None:
    """Never a defect of ours, never a refusal that changed something, never an error without words."""

    async def all_sent(folder: Path) -> None:
        async with live(folder) as here:
            await _with_billing(here)
            before = await here.state()
            for (method, path), body in sent:
                answer = await here.ask(method, path, raw=body)
                assert answer.status in (200, 201, 400, 415)
                if answer.status >= 400:
                    assert answer.error
                    assert await here.state() == before
                else:
                    before = await here.state()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(all_sent(Path(folder)))


PATHS = st.text("abAB01._-%/?=&~\\ \u00e9", max_size=20).map(lambda text: quote(text, safe="%/?=&"))


@settings(max_examples=8, deadline=None)
@given(paths=st.lists(PATHS, min_size=20, max_size=20))
def test_wherever_it_is_sent_it_is_answered(paths: list[str]) -> None:
    """Names, queries and places of any kind."""

    async def all_asked(folder: Path) -> None:
        async with live(folder) as here:
            for path in paths:
                for where in (f"/services/{path}", f"/discover/{path}", f"/{path}"):
                    for method in ("GET", "PUT", "DELETE"):
                        answer = await here.ask(method, where, raw=b"{}")
                        assert answer.status < 500
                        assert answer.status < 400 or answer.error

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(all_asked(Path(folder)))
