"""Instances that fail: what is sent again, what never is, and what the client hears."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from msgspec import structs

from coterie.deploy import routes_of
from coterie.deploy.envoy import Edge, Endpoint
from coterie.members.gateway import Gateway
from coterie.registry import Instance, InstanceState
from coterie.server import HttpServer
from tests.deploy.peers import ECHO, Peer, peer_of
from tests.deploy.running import Known, gate_of
from tests.server.talk import Answer, Talk, request, until

BOTH = pytest.mark.parametrize("kind", ["envoy", "our own"])


def stubborn(files: dict[str, bytes]) -> None:
    """For controls: nothing is tried twice."""
    made = json.loads(files["rds.json"])
    (host,) = made["resources"][0]["virtual_hosts"]
    del host["retry_policy"]
    for route in host["routes"]:
        route.get("route", {}).pop("retry_policy", None)
    files["rds.json"] = json.dumps(made).encode()


class Way:
    """One of the two gateways, in front of peers."""

    def __init__(self, port: int, tell: Any) -> None:
        self.port = port
        self.tell = tell

    async def ask(self, method: str = "GET", path: str = "/echo", **headers: str) -> Answer:
        body = b"" if method == "GET" else b"{}"
        async with Talk(*await asyncio.open_connection("127.0.0.1", self.port)) as talk:
            talk.say(request(method, path, body, headers))
            return await talk.answer(of=method)


@asynccontextmanager
async def way_of(
    kind: str,
    folder: Path,
    instances: Sequence[Instance],
    timeout: float = 5.0,
    console: int | None = None,
    docs: bool = True,
    **more: Any,
) -> AsyncGenerator[Way]:
    if kind == "envoy":

        def edge(known: Edge) -> Edge:
            where = None if console is None else Endpoint("127.0.0.1", console)
            return structs.replace(known, timeout=timeout, console=where, docs=docs)

        async with gate_of(folder, ECHO, {"echo": tuple(instances)}, edge, **more) as gate:
            yield Way(gate.port, lambda *found: gate.tell("echo", *found))
        return
    known = Known(*instances)
    url = None if console is None else f"http://127.0.0.1:{console}"
    gateway = Gateway(routes_of(ECHO), known, timeout=timeout, console=url, docs=docs)
    server = HttpServer(gateway, patience=0.5)
    await gateway.start()
    await server.start()
    try:
        yield Way(server.port, known.tell)
    finally:
        await server.stop()
        await gateway.stop()


@BOTH
async def test_what_never_left_goes_elsewhere(kind: str, tmp_path: Path) -> None:
    """An instance dies, and nobody notices: not who reads, and not who writes."""
    async with peer_of("one", "two") as peers, before(kind, tmp_path, peers) as way:
        await peers[0].die()
        for method in ["GET", "POST"] * 20:
            answer = await way.ask(method)
            assert answer.status == 200
            assert answer.body.startswith(b"two")


async def test_control_without_a_second_try_the_death_is_noticed(tmp_path: Path) -> None:
    """Control: it is the retry that hides it."""
    async with (
        peer_of("one", "two") as peers,
        way_of("envoy", tmp_path, [p.instance for p in peers], alter=stubborn) as way,
    ):
        await peers[0].die()
        assert 503 in [(await way.ask("POST")).status for _ in range(40)]


@BOTH
async def test_what_may_have_been_done_is_done_once(kind: str, tmp_path: Path) -> None:
    """A write whose connection broke is told to the client; a read is tried again."""
    async with peer_of("one") as (peer,), before(kind, tmp_path, [peer]) as way:
        peer.mood = "breaks"
        told = await way.ask("POST")
        assert told.status == 503
        # Nobody is told that nothing was done, or to try again: it may be a second order.
        assert told.json["detail"].startswith("echo broke off before it answered; ")
        assert all(name != "retry-after" for name, _ in told.headers)
        page = (await way.ask("POST", accept="text/html")).body.decode()
        assert "<title>echo broke off</title>" in page
        assert "Nothing was done" not in page
        assert len(peer.asked) == 2
        peer.asked.clear()
        # A request that kills whoever takes it kills three at most.
        assert (await way.ask("GET")).status == 503
        assert len(peer.asked) == 3


@BOTH
async def test_what_was_refused_unbegun_goes_elsewhere(kind: str, tmp_path: Path) -> None:
    """An instance that stops says so, and a write is sent to another."""
    async with peer_of("one", "two") as peers, before(kind, tmp_path, peers) as way:
        peers[0].mood = "refuses"
        for _ in range(20):
            answer = await way.ask("POST")
            assert answer.status == 200
            assert answer.body.startswith(b"two")


@BOTH
async def test_who_has_too_much_to_do_is_not_asked_again(kind: str, tmp_path: Path) -> None:
    """Nor is another in its place: the client is told when to come back, and asks once."""
    async with peer_of("one", "two") as peers, before(kind, tmp_path, peers) as way:
        for peer in peers:
            peer.mood = "sheds"
        for method in ("GET", "POST"):
            answer = await way.ask(method)
            assert (answer.status, answer["retry-after"]) == (503, "2")
            assert answer["coterie-refused"] == "overload"
        assert sum(len(peer.asked) for peer in peers) == 2


MANY = 100


@BOTH
async def test_retries_have_a_budget(kind: str, tmp_path: Path) -> None:
    """Of many calls that break off at once some are tried again, and not three times as many."""
    async with peer_of("one") as (peer,), before(kind, tmp_path, [peer]) as way:
        peer.mood = "breaks"
        told = await asyncio.gather(*(way.ask() for _ in range(MANY)))
        assert {answer.status for answer in told} == {503}
        assert MANY < len(peer.asked) <= 1.8 * MANY


async def test_control_without_a_budget_each_is_tried_as_often_as_may_be(tmp_path: Path) -> None:
    """Control: three times as many, at the worst moment."""

    def generous(files: dict[str, bytes]) -> None:
        files["cds.json"] = files["cds.json"].replace(
            b'"min_retry_concurrency": 16', b'"min_retry_concurrency": 1000'
        )

    async with (
        peer_of("one") as (peer,),
        way_of("envoy", tmp_path, [peer.instance], alter=generous) as way,
    ):
        peer.mood = "breaks"
        await asyncio.gather(*(way.ask() for _ in range(MANY)))
        assert len(peer.asked) == 3 * MANY


@BOTH
async def test_what_one_instance_had_under_way_is_not_lost(kind: str, tmp_path: Path) -> None:
    """It is killed with sixteen reads, and each is answered by the other."""
    async with peer_of("one", "two") as (one, two), before(kind, tmp_path, [one]) as way:
        one.mood = "waits"
        asking = [asyncio.create_task(way.ask()) for _ in range(16)]
        await until(lambda: len(one.asked) == 16)
        way.tell(two.instance)
        await one.die()
        assert {(answer.status, answer.body[:3]) for answer in await asyncio.gather(*asking)} == {
            (200, b"two")
        }


async def test_who_is_one_too_many_is_told_at_once(tmp_path: Path) -> None:
    """With the time to come back, and in the form of every other refusal."""

    def narrow(files: dict[str, bytes]) -> None:
        made = json.loads(files["cds.json"])
        made["resources"][0]["circuit_breakers"]["thresholds"][0] |= {"max_requests": 1}
        files["cds.json"] = json.dumps(made).encode()

    async with (
        peer_of("one") as (peer,),
        way_of("envoy", tmp_path, [peer.instance], alter=narrow) as way,
    ):
        peer.mood = "waits"
        first = asyncio.create_task(way.ask())
        await until(lambda: peer.asked)
        began = monotonic()
        answer = await way.ask()
        assert (answer.status, answer["retry-after"]) == (503, "1")
        assert answer.json["detail"] == "The gateway has more to do than it can; try again"
        assert monotonic() - began < 0.5
        peer.go.set()
        assert (await first).status == 200


@BOTH
async def test_who_is_away_is_named(kind: str, tmp_path: Path) -> None:
    """To programs as problem details, to browsers as a page; both say what to do."""
    async with way_of(kind, tmp_path, []) as way:
        answer = await way.ask()
        assert (answer.status, answer["retry-after"]) == (503, "1")
        assert answer["content-type"] == "application/problem+json"
        assert answer.json["code"] == "unavailable"
        assert answer.json["detail"].startswith("echo is away; ")
        page = await way.ask(accept="text/html,application/xhtml+xml,*/*;q=0.8")
        assert (page.status, page["retry-after"]) == (503, "1")
        assert page["content-type"] == "text/html; charset=utf-8"
        assert "<title>echo is away</title>" in page.body.decode()
        assert "coterie logs echo" in page.body.decode()


@BOTH
async def test_who_says_nothing_is_given_up(kind: str, tmp_path: Path) -> None:
    """A little after its own time, for it to be the first to say so."""
    async with (
        peer_of("one") as (peer,),
        way_of(kind, tmp_path, [peer.instance], timeout=0.1) as way,
    ):
        peer.mood = "silent"
        answer = await way.ask("POST")
        assert (answer.status, answer.json["code"]) == (504, "deadline_exceeded")
        assert answer.json["detail"] == "echo did not answer in time"
        assert len(peer.asked) == 1


@BOTH
async def test_only_those_that_are_up_are_asked(kind: str, tmp_path: Path) -> None:
    """Unless none is: then one that starts, which takes connections already."""
    async with peer_of("one", "two", "three", "four") as peers:
        one, two, three, four = peers
        starting, draining = InstanceState.STARTING, InstanceState.DRAINING
        first = [one.instance, two.at(starting), three.at(draining), four.at(InstanceState.UP, 0)]
        async with way_of(kind, tmp_path, first[:1]) as way:
            way.tell(*first)
            assert {(await way.ask()).body[:3] for _ in range(20)} == {b"one"}
            way.tell(*first[1:])
            async with asyncio.timeout(5):
                while (await way.ask()).body[:3] != b"two":
                    pass
            assert {(await way.ask()).body[:3] for _ in range(20)} == {b"two"}


@BOTH
@pytest.mark.parametrize("url", ["http://[half", "http://127.0.0.1:99999", "nowhere"])
async def test_an_address_that_is_none_is_nobodys(kind: str, url: str, tmp_path: Path) -> None:
    """A registry may hold anything; the others are reached as before."""
    async with peer_of("one") as (one,), before(kind, tmp_path, [one]) as way:
        way.tell(one.instance, structs.replace(one.instance, id="odd", url=url))
        assert {(await way.ask("POST")).status for _ in range(20)} == {200}


@BOTH
async def test_what_is_under_way_ends_where_it_began(kind: str, tmp_path: Path) -> None:
    """An instance that drains gets nothing new, and loses nothing of what it has."""
    async with peer_of("one", "two") as (one, two), before(kind, tmp_path, [one]) as way:
        one.mood = "waits"
        asking = asyncio.create_task(way.ask("POST"))
        await until(lambda: one.asked)
        way.tell(one.at(InstanceState.DRAINING), two.instance)
        async with asyncio.timeout(5):
            while not two.asked:
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.1):
                        await way.ask()
        assert not asking.done()
        one.go.set()
        answer = await asking
        assert (answer.status, answer.body[:3]) == (200, b"one")


PAGES = [
    "/docs",
    "/docs/",
    "/docs/orders",
    "/docs/_/docs.css",
    "/openapi.json",
    "/openapi/orders.json",
]
OTHERS = ["/.well-known/jwks.json", "/health/ready"]


@BOTH
async def test_the_gateways_own_pages_are_the_consoles(kind: str, tmp_path: Path) -> None:
    """Documentation, keys, readiness; only that it lives does the gateway know itself."""
    async with (
        peer_of("con") as (console,),
        way_of(kind, tmp_path, [], console=console.port) as way,
    ):
        for page in PAGES + OTHERS:
            answer = await way.ask(path=page)
            # A peer answers its readiness with no body at all.
            assert (answer.status, answer.body[:3]) in ((200, b"con"), (200, b""))
        for page in ("/docsy", "/metrics", "/telemetry", "/.well-known/other"):
            assert (await way.ask(path=page)).status == 404
        assert (await way.ask(path="/health/live")).json == {"status": "live"}


@BOTH
async def test_documentation_that_is_off_is_nowhere(kind: str, tmp_path: Path) -> None:
    """Keys are told all the same."""
    async with (
        peer_of("con") as (console,),
        way_of(kind, tmp_path, [], console=console.port, docs=False) as way,
    ):
        assert {(await way.ask(path=page)).status for page in PAGES} == {404}
        assert {(await way.ask(path=page)).status for page in OTHERS} == {200}


@BOTH
async def test_where_a_request_came_from_is_said(kind: str, tmp_path: Path) -> None:
    """The instance hears host, scheme and address; not what a client says in Envoy's name."""
    async with peer_of("one") as (peer,), before(kind, tmp_path, [peer]) as way:
        said = {"x-forwarded-for": "192.0.2.1", "x-forwarded-proto": "gopher"}
        spoken = {"x-envoy-max-retries": "9", "x-envoy-upstream-rq-timeout-ms": "1"}
        hop = {"connection": "x-hop", "x-hop": "1", "te": "trailers"}
        trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        answer = await way.ask(**said, **spoken, **hop, traceparent=trace)
        heard = answer.body.decode().lower()
        assert "\r\nhost: lab\r\n" in heard
        assert "\r\nx-forwarded-host: lab\r\n" in heard
        assert "\r\nx-forwarded-proto: http\r\n" in heard
        assert "\r\nx-forwarded-for: 192.0.2.1," in heard
        assert f"\r\ntraceparent: {trace}\r\n" in heard
        assert "x-hop" not in heard
        assert "x-envoy" not in heard or kind == "our own"


@BOTH
async def test_an_idempotency_key_arrives_as_it_was_sent(kind: str, tmp_path: Path) -> None:
    """On every try, quoted or bare: it is the service that knows what it stands for."""
    async with peer_of("one", "two") as peers, before(kind, tmp_path, peers) as way:
        peers[0].mood = "refuses"
        for key in ('"order-17"', "b5 6e;x=1", '"a\\"b"'):
            for _ in range(6):
                answer = await way.ask("POST", **{"idempotency-key": key})
                assert answer.status == 200
                assert f"\r\nidempotency-key: {key}\r\n" in answer.body.decode()
        tries = [head for peer in peers for head in peer.asked]
        assert len(tries) > 18
        assert all(b"\r\nidempotency-key: " in head for head in tries)


@asynccontextmanager
async def before(kind: str, folder: Path, peers: Sequence[Peer]) -> AsyncGenerator[Way]:
    async with way_of(kind, folder, [peer.instance for peer in peers]) as way:
        yield way
