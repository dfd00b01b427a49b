"""Instances that do as a test tells them: answer, break off, stay silent, or echo for ever."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from coterie.registry import Instance, InstanceState
from coterie.system import ContractEntry, Inventory, OperationEntry, ServiceEntry

__all__ = ["ECHO", "Peer", "peer_of"]


def _operation(method: str, path: str, *, idempotent: bool) -> OperationEntry:
    name = f"echo.{method.lower()}"
    attempts = 3 if idempotent else 1
    return OperationEntry(id=name, method=method, path=path, route=path, attempts=attempts)


ECHO = Inventory(
    system="echoes",
    services=(
        ServiceEntry(
            name="echo",
            target="nobody:Nothing",
            contracts=(
                ContractEntry(
                    name="echo",
                    version="1.0",
                    digest="",
                    operations=(
                        _operation("GET", "/echo", idempotent=True),
                        _operation("POST", "/echo", idempotent=False),
                    ),
                ),
            ),
        ),
    ),
)
"""A service of one path, where one method may be sent twice and the other must not."""


class Peer:
    """One instance.

    ``mood`` is "well", "breaks" (reads a request, then resets), "refuses" (is not ready), "sheds"
    (has too much to do), "silent", "waits" for ``go``, "drips" (an answer that takes its time),
    "stalls" (in the midst of one), or "shares" (with pages of any origin). What stands for a ``program`` says where programs do that it
    is ready, and nowhere else.
    """

    def __init__(self, name: str, service: str = "echo", *, program: bool = False) -> None:
        self.name = name
        self.service = service
        self.ready = b"GET /.coterie/ready " if program else b"GET /health/ready "
        self.mood = "well"
        self.go = asyncio.Event()
        self.asked: list[bytes] = []
        self.port = 0
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    @property
    def instance(self) -> Instance:
        return self.at(InstanceState.UP)

    def at(self, state: InstanceState, weight: float = 1.0) -> Instance:
        url = f"http://127.0.0.1:{self.port}"
        return Instance(service=self.service, id=self.name, url=url, state=state, weight=weight)

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._open)

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def die(self) -> None:
        """Stop listening, and reset every connection."""
        if self._server is not None:
            self._server.close()
            for writer in list(self._open):
                writer.transport.abort()
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while True:
                await self._answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(self.ready):
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            return
        self.asked.append(head)
        length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
        await reader.readexactly(int(length or 0))
        if b"upgrade: websocket" in head.lower():
            writer.write(_SWITCH)
            while data := await reader.read(65536):
                writer.write(data)
            raise ConnectionResetError
        if self.mood == "breaks":
            raise ConnectionResetError
        if self.mood == "silent":
            await reader.read()
            raise ConnectionResetError
        if self.mood == "waits":
            await self.go.wait()
        if self.mood in ("drips", "stalls"):
            writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            for _ in range(_DRIPS):
                writer.write(b"4\r\ndrip\r\n")
                await asyncio.sleep(_DRIP)
                if self.mood == "stalls":
                    await reader.read()
                    raise ConnectionResetError
            writer.write(b"0\r\n\r\n")
            return
        status = _STATUS.get(self.mood, b"200 OK")
        body = self.name.encode() + b"\r\n" + head
        writer.write(b"HTTP/1.1 %s\r\ncontent-length: %d\r\n\r\n%s" % (status, len(body), body))


_DRIP = 0.1
_DRIPS = 15
_STATUS = {
    "refuses": b"503 Away\r\ncoterie-refused: true",
    "shares": b"200 OK\r\naccess-control-allow-origin: *\r\nvary: accept",
    "sheds": b"503 Busy\r\ncoterie-refused: overload\r\nretry-after: 2",
}
_SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    b"sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


@asynccontextmanager
async def peer_of(
    *names: str, service: str = "echo", program: bool = False
) -> AsyncGenerator[list[Peer]]:
    """Peers with these names, for the length of the block."""
    peers = [Peer(name, service, program=program) for name in names]
    for peer in peers:
        await peer.listen()
    try:
        yield peers
    finally:
        for peer in peers:
            with suppress(OSError):
                await peer.die()
