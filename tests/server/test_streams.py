"""Bodies that flow: as fast as the other side, bounded in memory, and never left behind."""

import asyncio
import logging

import pytest

from coterie.call import Failure
from coterie.contract import Code
from tests.server.kit import LabService, Site, Talk, request, site_of, soon, until

BUFFERS = 16 * 1024 * 1024
"""More than what sockets and buffers between two ends of a loopback connection take."""


async def asked(site: Site, target: str) -> Talk:
    """A connection on which a streamed answer has begun."""
    talk = await site.talk()
    talk.say(request("GET", target))
    status, headers = await soon(talk.head())
    assert (status, ("transfer-encoding", "chunked") in headers) == (200, True)
    return talk


async def test_parts_arrive_as_they_are_made() -> None:
    """Without waiting for the last; empty parts do not end the body."""
    async with site_of() as site, await asked(site, "/download?how=stalls") as talk:
        assert await soon(talk.chunk()) == b"one,"
        with pytest.raises(TimeoutError):
            await soon(talk.chunk(), 0.02)
    async with site_of() as site:
        assert (await site.ask("GET", "/download")).body == b"one,two,three"
        assert (site.lab.opened, site.lab.closed) == (1, 1)


async def test_a_slow_reader_slows_the_maker() -> None:
    """What is made ahead is bounded by the buffers on the way, not by memory."""
    async with site_of() as site, await asked(site, "/download?how=endless") as talk:
        before = -1
        while site.lab.produced != before:
            before = site.lab.produced
            await asyncio.sleep(0.05)
        assert 0 < site.lab.produced < BUFFERS
        await talk.chunk()
        while site.lab.produced == before:
            await soon(talk.chunk())


@pytest.mark.parametrize("how", ["stalls", "endless"])
async def test_a_reader_that_leaves_ends_the_stream(how: str) -> None:
    """Whether it waits or makes parts without end: it is closed, and the server serves on."""
    async with site_of() as site:
        async with await asked(site, f"/download?how={how}") as talk:
            await soon(talk.chunk())
            assert (site.lab.opened, site.lab.closed) == (1, 0)
        await until(lambda: site.lab.closed == 1)
        assert await site.alive()
        await until(lambda: site.lines.getvalue().count("\n") == 2)
        assert "GET /download 200" in site.lines.getvalue()


async def test_control_unwatched_a_stream_is_made_for_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Control: it is the watch that notices; sending alone says nothing."""

    async def unwatched(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("coterie.server.streamed._departure", unwatched)
    async with site_of() as site:
        async with await asked(site, "/download?how=stalls") as talk:
            await soon(talk.chunk())
        assert await site.alive()
        with pytest.raises(TimeoutError):
            await until(lambda: site.lab.closed, 0.1)


async def test_a_stream_that_breaks_is_noticed(caplog: pytest.LogCaptureFixture) -> None:
    """The body ends without its end; the log has the reason and the trace, the reader neither."""
    async with site_of() as site, await asked(site, "/download?how=breaks") as talk:
        assert await soon(talk.chunk()) == b"one,"
        with pytest.raises(asyncio.IncompleteReadError) as caught:
            await soon(talk.chunk())
        assert caught.value.partial == b""
        assert "GET /download (trace " in caplog.text
        assert "broke off in the middle of its answer" in caplog.text
        assert "hunter2" in caplog.text
        assert await site.alive()


async def test_a_stream_knows_whose_call_it_answers() -> None:
    """Though it runs after the method has returned."""
    async with site_of() as site:
        parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        answer = await site.ask("GET", "/download?how=context", headers={"traceparent": parent})
        assert answer.body == b"4bf92f3577b34da6a3ce929d0e0e4736"


async def test_an_upload_is_read_as_it_arrives() -> None:
    """Larger than any body held whole, in parts of any size."""
    async with site_of() as site:
        site.lab.go.set()
        answer = await site.ask("POST", "/upload", bytes(1_000_000), {"content-type": "a/b"})
        assert answer.json == 1_000_000
        answer = await site.ask("POST", "/upload", chunks=[b"a" * n for n in (1, 70_000, 5)])
        assert answer.json == 1_070_006


async def test_a_slow_method_slows_the_sender() -> None:
    """What is taken ahead is bounded; when the method reads on, all of it arrives."""
    async with site_of() as site, await site.talk() as talk:
        size = 64 * 1024 * 1024
        talk.say(f"POST /upload HTTP/1.1\r\nhost: a\r\ncontent-length: {size}\r\n\r\n".encode())
        sent = 0
        while sent < size:
            talk.say(bytes(1024 * 1024))
            sent += 1024 * 1024
            try:
                await soon(talk.writer.drain(), 0.2)
            except TimeoutError:
                break
        assert sent < BUFFERS
        assert (site.lab.waiting, site.lab.received < 1_000_000) == (1, True)
        site.lab.go.set()
        await soon(talk.writer.drain())
        while sent < size:
            talk.say(bytes(1024 * 1024))
            sent += 1024 * 1024
            await soon(talk.writer.drain())
        assert (await talk.answer()).body == str(size).encode()


async def test_a_client_that_leaves_in_the_middle_of_its_body_changes_nothing() -> None:
    """Half a note is no note: the method never ran; no answer, no error, the server serves on."""
    async with site_of() as site:
        for framing in (b"content-length: 100", b"transfer-encoding: chunked"):
            async with await site.talk() as talk:
                talk.say(b"POST /notes HTTP/1.1\r\nhost: lab\r\n" + framing + b'\r\n\r\n4\r\n{"te')
                await asyncio.sleep(0.01)
        assert await site.alive()
        assert site.lab.calls == []
        assert site.host.in_flight == 0


async def test_a_client_that_leaves_in_the_middle_of_a_streamed_body_is_noticed() -> None:
    """The method's iteration ends with a failure, never as if the body were whole."""
    async with site_of() as site:
        async with await site.talk() as talk:
            talk.say(b"POST /upload HTTP/1.1\r\nhost: lab\r\ncontent-length: 100\r\n\r\nhalf")
            await until(lambda: site.lab.received == 4)
        await until(lambda: site.host.meter.calls("lab.upload", Code.CANCELLED))
        assert site.host.meter.calls("lab.upload") == 0
        assert await site.alive()


async def test_both_directions_flow_at_once() -> None:
    """Each part comes back before the next is sent; the end of one ends the other."""
    async with site_of() as site, await site.talk() as talk:
        talk.say(b"POST /echo HTTP/1.1\r\nhost: lab\r\ntransfer-encoding: chunked\r\n\r\n")
        for part in (b"one", b"two"):
            talk.say(b"3\r\n" + part + b"\r\n")
            if part == b"one":
                assert (await soon(talk.head()))[0] == 200
            assert await soon(talk.chunk()) == part
        talk.say(b"0\r\n\r\n")
        assert await soon(talk.chunk()) == b""
        talk.say(request("GET", "/text"))
        assert (await talk.answer()).body == b"plain words"


async def test_leaving_while_both_directions_flow_closes_both(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nothing waits for a client who is gone, and that it left is no error of ours."""
    async with site_of() as site:
        with caplog.at_level(logging.ERROR, "coterie"):
            async with await site.talk() as talk:
                talk.say(b"POST /echo HTTP/1.1\r\nhost: lab\r\ntransfer-encoding: chunked\r\n\r\n")
                talk.say(b"3\r\none\r\n")
                await soon(talk.head())
                assert await soon(talk.chunk()) == b"one"
            await until(lambda: site.lab.closed == 1)
            assert await site.alive()
        assert [r for r in caplog.records if r.name.startswith("coterie")] == []


async def test_a_streamed_answer_can_be_refused() -> None:
    """What fails before the first part is a problem like any other."""

    class Refusing(LabService):
        async def download(self, how: str = "three") -> object:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
            raise Failure(Code.RESOURCE_EXHAUSTED, "No more today", retry_after=3)

    async with site_of(Refusing()) as site:
        answer = await site.ask("GET", "/download")
        assert (answer.status, answer["retry-after"]) == (429, "3")
        assert answer.json["detail"] == "No more today"


async def test_stopping_closes_what_still_streams() -> None:
    """An endless stream does not keep the process: past the time to finish, it is closed."""
    lab = LabService()
    async with (
        site_of(lab, patience=0.1) as site,
        await asked(site, "/download?how=endless") as talk,
    ):
        await soon(talk.chunk())
        await soon(site.server.stop(), 3)
        assert (lab.opened, lab.closed) == (1, 1)
