"""Talk with a server over a plain socket: no client library in between, and a strict reader."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Self, TypeVar

__all__ = ["Answer", "Talk", "request", "soon", "until"]

T = TypeVar("T")


async def soon(awaited: Awaitable[T], seconds: float = 5.0) -> T:
    """What is awaited, or a failure instead of a hang."""
    async with asyncio.timeout(seconds):
        return await awaited


async def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    """As soon as it holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # any condition of the test's
            await asyncio.sleep(0.001)


class Answer:
    """One response, read strictly: what is no HTTP/1.1 raises."""

    def __init__(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def __getitem__(self, name: str) -> str | None:
        """The header of that name, if there is exactly one; a second one raises."""
        found = [value for key, value in self.headers if key == name]
        assert len(found) <= 1, f"{name} stands there {len(found)} times"
        return found[0] if found else None

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def __repr__(self) -> str:
        return f"{self.status} {self.headers} {self.body[:200]!r}"


def request(
    method: str,
    target: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    chunks: list[bytes] | None = None,
) -> bytes:
    """A request as it goes on the wire; ``chunks`` are sent with the chunked coding."""
    lines = [f"{method} {target} HTTP/1.1", "host: lab"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if chunks is not None:
        lines.append("transfer-encoding: chunked")
        body = b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in [*chunks, b""])
    elif body:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


class Talk:
    """One connection to a server, with no client library between."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.transport.abort()
        with suppress(OSError):
            await self.writer.wait_closed()

    def say(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self, *, of: str = "GET") -> Answer:
        """Read one response to a request with the method ``of``; interim ones are passed over."""
        while True:
            status, headers = await soon(self.head())
            if status != 100:
                return Answer(status, headers, await soon(self._body(of, status, headers)))

    async def head(self) -> tuple[int, list[tuple[str, str]]]:
        text = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = text.removesuffix("\r\n\r\n").split("\r\n")
        version, status, _ = first.split(" ", 2)
        assert version == "HTTP/1.1", first
        pairs = [line.split(":", 1) for line in lines]
        return int(status), [(name.lower(), value.strip(" \t")) for name, value in pairs]

    async def chunk(self) -> bytes:
        """One chunk of a chunked body; empty at its end."""
        size = int((await self.reader.readuntil(b"\r\n")).strip(), 16)
        data = await self.reader.readexactly(size + 2)
        assert data.endswith(b"\r\n")
        return data[:-2]

    async def _body(self, of: str, status: int, headers: list[tuple[str, str]]) -> bytes:
        named = dict(headers)
        assert not ("content-length" in named and "transfer-encoding" in named), headers
        if of == "HEAD" or status in (204, 304):
            return b""
        if named.get("transfer-encoding") == "chunked":
            parts = [await self.chunk()]
            while parts[-1]:
                parts.append(await self.chunk())
            return b"".join(parts)
        return await self.reader.readexactly(int(named["content-length"]))

    async def rest(self) -> bytes:
        """What comes until the server closes."""
        with suppress(ConnectionError):
            return await soon(self.reader.read())
        return b""
