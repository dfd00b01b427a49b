"""Too much to do: who is refused, how, and who is not."""

import re
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from coterie.policy import Shedding
from tests.server.kit import Answer, Site, made, request, site_of, soon, until

FULL = Shedding(most=1)
"""One call under way is all there may be."""

BODY = {"content-type": "application/json"}


@asynccontextmanager
async def full(shed: Shedding | None = FULL, **more: Any) -> AsyncGenerator[Site]:
    """A site with a call under way that takes as long as the block."""
    async with site_of(shed=shed, **more) as site, await site.talk() as talk:
        talk.say(request("GET", "/waits"))
        await until(lambda: site.lab.waiting == 1)
        yield site
        site.lab.go.set()
        assert (await talk.answer()).status == 200


def refused(answer: Answer) -> bool:
    """Whether it is the whole refusal, as callers need it."""
    return (
        answer.status == 503
        and answer["retry-after"] in ("1", "2", "3")
        and answer["coterie-refused"] == "overload"
        and answer["content-type"] == "application/problem+json"
    )


async def test_what_is_too_much_is_refused() -> None:
    """With 503, when to come back, and that nothing was begun; then all is as before."""
    async with full() as site:
        answer = await site.ask("POST", "/notes", made(), BODY)
        assert refused(answer)
        assert answer.json["code"] == "unavailable"
        assert site.lab.calls == []
        site.lab.go.set()
        await until(lambda: site.host.in_flight == 0)
        assert (await site.ask("POST", "/notes", made(), BODY)).status == 201


async def test_control_without_it_all_is_begun() -> None:
    """Control: switched off, nothing is refused."""
    async with full(shed=None) as site:
        assert (await site.ask("POST", "/notes", made(), BODY)).status == 201


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics"])
async def test_those_who_watch_are_not_refused(path: str) -> None:
    """Or a process with too much to do would be taken for a dead one."""
    async with full() as site:
        assert (await site.ask("GET", path)).status == 200


async def test_who_goes_first_is_served() -> None:
    """An operation of high priority, while those without are refused."""
    async with full(priorities={"lab.text": "high"}) as site:
        assert (await site.ask("GET", "/text")).status == 200
        assert refused(await site.ask("GET", "/seen"))
        assert refused(await site.ask("GET", "/nowhere"))


async def test_who_goes_last_is_refused_first() -> None:
    """An operation of low priority, while the others are served."""
    async with full(shed=Shedding(most=2), priorities={"lab.text": "low"}) as site:
        assert refused(await site.ask("GET", "/text"))
        assert (await site.ask("GET", "/seen")).status == 200


async def test_the_connection_stays_open() -> None:
    """After a refusal without a body, and with a short one, which is thrown away."""
    async with full() as site, await site.talk() as talk:
        for _ in range(3):
            talk.say(request("GET", "/text"))
            assert refused(await talk.answer())
            talk.say(request("POST", "/notes", made(), BODY))
            assert refused(await talk.answer())
            talk.say(request("HEAD", "/text"))
            assert refused(await talk.answer(of="HEAD"))
        talk.say(request("GET", "/health/live"))
        assert (await talk.answer()).status == 200


async def test_requests_sent_ahead_are_refused_in_their_turn() -> None:
    """Each answer belongs to its request (RFC 9112, 9.3.2)."""
    async with full() as site, await site.talk() as talk:
        talk.say(request("GET", "/health/live") + request("GET", "/text") * 2)
        talk.say(request("GET", "/health/live"))
        statuses = [(await talk.answer()).status for _ in range(4)]
        assert statuses == [200, 503, 503, 200]


@pytest.mark.parametrize("length", [100_000, 3_000_000])
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_long_body_is_not_read_and_the_answer_arrives(length: int, chunked: bool) -> None:
    """The connection ends, and not before the client has read why."""
    async with full() as site, await site.talk() as talk:
        chunks = [bytes(length)] if chunked else None
        talk.say(request("POST", "/upload", b"" if chunked else bytes(length), chunks=chunks))
        answer = await talk.answer()
        assert refused(answer)
        assert answer["connection"] == "close"
        assert await talk.rest() == b""
        assert site.lab.calls == []


async def test_a_body_that_is_too_long_is_refused_and_the_answer_arrives() -> None:
    """413 comes before the body has; a client that goes on sending still reads it."""
    async with site_of() as site:
        for _ in range(5):
            async with await site.talk() as talk:
                talk.say(request("POST", "/notes", bytes(3_000_000), BODY))
                await talk.writer.drain()
                answer = await talk.answer()
                assert (answer.status, answer["connection"]) == (413, "close")


async def test_streams_keep_nobody_out() -> None:
    """What is read for as long as somebody reads is no call under way."""
    async with site_of(shed=Shedding(most=1)) as site, await site.talk() as talk:
        talk.say(request("GET", "/download?how=stalls"))
        await soon(talk.head())
        assert await soon(talk.chunk()) == b"one,"
        assert (await site.ask("GET", "/text")).status == 200


async def test_refusals_are_counted_and_not_each_written_down() -> None:
    """Metrics tell how many; the access log has a line a second."""
    async with full() as site:
        for _ in range(20):
            assert refused(await site.ask("GET", "/text"))
        text = (await site.ask("GET", "/metrics")).body.decode()
        assert 'coterie_shed_total{priority="normal"} 20\n' in text
        assert "coterie_shed_limit " in text
        site.app.flush()
        lines = re.findall(r"GET /text 503", site.lines.getvalue())
        assert 1 <= len(lines) <= 3


async def test_many_calls_that_wait_are_all_served() -> None:
    """Five hundred at a time, each waiting for somebody else: that is no load."""
    async with site_of() as site, AsyncExitStack() as stack:
        talks = []
        for number in range(1, 501):
            talks.append(await stack.enter_async_context(await site.talk()))
            talks[-1].say(request("GET", "/waits"))
            if number % 20 == 0:
                await until(lambda: site.lab.waiting == len(talks))
        site.lab.go.set()
        assert {(await talk.answer()).status for talk in talks} == {200}


@pytest.mark.parametrize("target", ["http://h:99999/x", "*\\", "//[/"])
async def test_what_cannot_be_read_takes_nobodys_place(target: str) -> None:
    """However many a stranger sends: they are not let in, and whoever comes next is."""
    async with site_of(shed=Shedding(most=4)) as site:
        for _ in range(20):
            async with await site.talk() as talk:
                talk.say(f"GET {target} HTTP/1.1\r\nhost: h\r\n\r\n".encode())
                assert (await talk.answer()).status >= 400
        assert site.app.door is not None
        assert site.app.door.gate.waiting == 0
        assert (await site.ask("GET", "/text")).status == 200
