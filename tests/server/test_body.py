"""Reading a request's body: whole or as it arrives, and never more than was agreed."""

from collections.abc import Mapping
from typing import Any

import pytest

from coterie.call import Failure
from coterie.contract import Code
from coterie.server.body import Disconnected, Incoming, read


class Inbox:
    """Hands out messages, and counts how many were asked for."""

    def __init__(self, *chunks: bytes | None) -> None:
        self.messages = [self._message(chunk, last=False) for chunk in chunks[:-1]]
        self.messages += [self._message(chunk, last=True) for chunk in chunks[-1:]]
        self.asked = 0

    def _message(self, chunk: bytes | None, *, last: bool) -> Mapping[str, Any]:
        if chunk is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": chunk, "more_body": not last}

    async def __call__(self) -> Mapping[str, Any]:
        self.asked += 1
        return self.messages.pop(0)


@pytest.mark.parametrize(
    ("chunks", "whole"),
    [([b""], b""), ([b"abc"], b"abc"), ([b"ab", b"", b"c"], b"abc"), ([b"abc", b""], b"abc")],
)
async def test_a_body_comes_whole_in_any_number_of_parts(chunks: list[bytes], whole: bytes) -> None:
    """Empty parts among them change nothing."""
    assert await read(Inbox(*chunks), {}, 3) == whole
    assert b"".join([chunk async for chunk in Incoming(Inbox(*chunks), 3)]) == whole


@pytest.mark.parametrize(
    ("announced", "chunks", "asked"),
    [
        (b"4", [b"abcd"], 0),
        (b"99999999999999999999", [b"abcd"], 0),
        (None, [b"abcd"], 1),
        (None, [b"ab", b"cd", b"ef", b"gh"], 2),
        (b"3", [b"ab", b"cd", b"ef"], 2),
    ],
)
async def test_beyond_the_limit_nothing_more_is_read(
    announced: bytes | None, chunks: list[bytes], asked: int
) -> None:
    """What is announced too large is not read at all; what lies, only to the limit."""
    inbox = Inbox(*chunks)
    headers = {} if announced is None else {b"content-length": announced}
    with pytest.raises(Failure) as caught:
        await read(inbox, headers, 3)
    assert (caught.value.status, inbox.asked) == (413, asked)
    assert ("connection", "close") in caught.value.headers


async def test_a_stream_beyond_the_limit_is_read_no_further() -> None:
    """What came before was handed over; the rest is not asked for."""
    inbox = Inbox(b"ab", b"cd", b"ef")
    incoming = Incoming(inbox, 3)
    assert await anext(incoming) == b"ab"
    with pytest.raises(Failure) as caught:
        await anext(incoming)
    assert (caught.value.status, inbox.asked) == (413, 2)


async def test_a_client_that_leaves_is_waited_for_no_longer() -> None:
    """Half a body is none: a whole one is not made of it, a stream says so."""
    for inbox in (Inbox(None), Inbox(b"a", None)):
        with pytest.raises(Disconnected):
            await read(inbox, {}, 3)
    incoming = Incoming(Inbox(b"a", None), 3)
    assert await anext(incoming) == b"a"
    with pytest.raises(Failure) as caught:
        await anext(incoming)
    assert caught.value.code is Code.CANCELLED
