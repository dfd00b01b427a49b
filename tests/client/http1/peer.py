"""A server that does as the test tells it, well or badly: raw sockets, no HTTP library."""

import array
import asyncio
import contextlib
import fcntl
import socket
import struct
import termios
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from typing import TypeVar

from coterie.client.http1 import Pool, Response

__all__ = [
    "OK",
    "Peer",
    "Talk",
    "answer",
    "ask",
    "kept_alive",
    "listening",
    "refusing",
    "soon",
    "unreachable",
    "until",
]

T = TypeVar("T")


def answer(body: bytes = b"hello", *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """A plain, right answer."""
    lines = [b"HTTP/1.1 " + status, b"content-length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


OK = answer()


async def soon(awaited: Awaitable[T], seconds: float = 2.0) -> T:
    """What is awaited, or a failure instead of a hang."""
    async with asyncio.timeout(seconds):
        return await awaited


async def until(condition: Callable[[], object]) -> None:
    """The first turn of the loop in which it holds."""
    async with asyncio.timeout(2):
        while not condition():  # noqa: ASYNC110  any condition, of the kernel's too
            await asyncio.sleep(0)


class Talk:
    """One accepted connection. What is not `async` happens at once, with no turn of the loop."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.unread = b""

    async def request(self) -> bytes:
        """Read one whole request: head and body."""
        head = await self.through(b"\r\n\r\n")
        fields = head.lower()
        if b"transfer-encoding: chunked" in fields:
            return head + await self.through(b"0\r\n\r\n")
        if b"content-length: " in fields:
            length = int(fields.split(b"content-length: ")[1].split(b"\r\n")[0])
            while len(self.unread) < length:
                await self.more()
            body, self.unread = self.unread[:length], self.unread[length:]
            return head + body
        return head

    def say(self, data: bytes) -> None:
        """Send what the kernel takes at once."""
        assert self.sock.send(data) == len(data)

    async def pour(self, data: bytes) -> None:
        """Send it all, as fast as it is read."""
        await asyncio.get_running_loop().sock_sendall(self.sock, data)

    def finish(self) -> None:
        """Say no more, but listen."""
        self.sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.sock.close()

    def reset(self) -> None:
        """Close without manners."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def waiting(self) -> int:
        """Octets the client sent that were not read."""
        count = array.array("i", [0])
        fcntl.ioctl(self.sock, termios.FIONREAD, count)
        return count[0]

    async def rest(self) -> bytes:
        """Read until the client closes; returns what came before."""
        with contextlib.suppress(ConnectionError, EOFError):
            while True:
                await self.more()
        data, self.unread = self.unread, b""
        return data

    async def through(self, end: bytes) -> bytes:
        """Read up to and with `end`."""
        while end not in self.unread:
            await self.more()
        found, _, self.unread = self.unread.partition(end)
        return found + end

    async def more(self) -> None:
        """Read once."""
        loop = asyncio.get_running_loop()
        data = await soon(loop.sock_recv(self.sock, 65536))
        if not data:
            raise EOFError
        self.unread += data


class Peer:
    """A listening socket; the test accepts."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.accepted: list[Talk] = []

    @property
    def url(self) -> str:
        host, port = self.listener.getsockname()
        return f"http://{host}:{port}"

    async def accept(self) -> Talk:
        """The next connection."""
        loop = asyncio.get_running_loop()
        sock, _ = await soon(loop.sock_accept(self.listener))
        sock.setblocking(False)
        talk = Talk(sock)
        self.accepted.append(talk)
        return talk

    @contextlib.asynccontextmanager
    async def echoing(self) -> AsyncGenerator[None]:
        """Meanwhile answer every request with its target."""

        async def talk_with(talk: Talk) -> None:
            with contextlib.suppress(EOFError, OSError):
                while True:
                    target = (await talk.request()).split(b" ")[1]
                    await asyncio.sleep(0)
                    talk.say(answer(target))

        async def serve() -> None:
            while True:
                tasks.append(asyncio.create_task(talk_with(await self.accept())))

        tasks = [asyncio.create_task(serve())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def nobody(self) -> bool:
        """Whether no further connection waits to be accepted."""
        try:
            sock, _ = self.listener.accept()
        except BlockingIOError:
            return True
        sock.close()
        return False


@contextlib.contextmanager
def listening() -> Generator[Peer]:
    """A server on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        peer = Peer(listener)
        yield peer
        for talk in peer.accepted:
            talk.close()


@contextlib.contextmanager
def refusing() -> Generator[str]:
    """An address that refuses connections, and stays ours meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


@contextlib.contextmanager
def unreachable() -> Generator[str]:
    """An address where a connection is neither made nor refused: the queue there is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


async def ask(
    pool: Pool, peer: Peer, method: str = "POST"
) -> tuple[Talk, "asyncio.Task[Response]"]:
    """A request that has reached the server whole, on a new connection."""
    body = b"{}" if method == "POST" else b""
    asking = asyncio.create_task(pool.request(method, "/orders", body=body))
    talk = await peer.accept()
    assert (await talk.request()).endswith(b"\r\n\r\n" + body)
    return talk, asking


async def kept_alive(pool: Pool, peer: Peer) -> Talk:
    """A new connection that has carried one exchange and idles."""
    talk, asking = await ask(pool, peer)
    talk.say(OK)
    assert (await soon(asking)).body == b"hello"
    return talk
