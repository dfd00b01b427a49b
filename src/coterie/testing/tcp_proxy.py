"""TcpProxy: a network between two programs that can be made as bad as a network can be."""

import asyncio
import contextlib
import socket
import struct
from typing import Literal, Self, TypeAlias

__all__ = ["NetworkState", "TcpProxy"]

NetworkState: TypeAlias = Literal["open", "half-open", "closed", "unreachable"]

_CHUNK = 64 * 1024
_TICK = 0.02
_BACKLOG = 128
_PLUGS = 4
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no seconds: close() sends RST (socket(7))


class TcpProxy:
    """Stands in front of ``host:port`` and passes on what comes, as badly as it is told to.

    ::

        async with TcpProxy("127.0.0.1", 4222) as proxy:
            proxy.latency = 0.1
            await connect(f"nats://{proxy.address}")
            proxy.reset()

    Everything may be changed at any time, and holds for the connections that are there, too:

    ``latency``      seconds that data is on its way, each way
    ``bandwidth``    bytes a second, each way of each connection; ``None`` is no limit
    ``reset_after``  bytes of answers after which a connection is reset; ``None`` is never
    ``lie``          in so many bytes of the answers one bit is wrong; ``None`` is none
    ``state``        what becomes of connections:

    - ``open``         they are passed on
    - ``half-open``    nothing is passed on any more, neither way, and the sockets stay; new ones
      are taken, and nobody ever reads them
    - ``closed``       new ones are refused; those that are there stay as they are
    - ``unreachable``  new ones get no answer at all, their SYN is lost: the queue of the listening
      socket is full (listen(2)); those that are there are half-open

    Linux. Belongs to the event loop on which it was started.
    """

    def __init__(self, to_host: str, to_port: int, *, host: str = "127.0.0.1") -> None:
        self.host = host
        self.port = 0
        self.latency = 0.0
        self.bandwidth: float | None = None
        self.reset_after: int | None = None
        self.lie: int | None = None
        self.accepted = 0
        """Connections that were taken so far."""
        self.flows = asyncio.Event()
        """Set while data is passed on."""
        self._to = (to_host, to_port)
        self._state: NetworkState = "open"
        self._listener: socket.socket | None = None
        self._plugs: list[socket.socket] = []
        self._wires: dict[_Wire, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        self.flows.set()
        self._listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._hang_up()
        tasks = list(self._wires.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def address(self) -> str:
        """``host:port``, to put behind a scheme."""
        return f"{self.host}:{self.port}"

    @property
    def connections(self) -> int:
        """Connections that are there."""
        return len(self._wires)

    @property
    def state(self) -> NetworkState:
        """What becomes of connections."""
        return self._state

    @state.setter
    def state(self, state: NetworkState) -> None:
        before, self._state = self._state, state
        if state in ("open", "closed"):
            self.flows.set()
        else:
            self.flows.clear()
        if state == before:
            return
        if state == "closed" or before == "unreachable":
            self._hang_up()
        if state == "closed":
            return
        if self._listener is None:
            self._listen()
        loop = asyncio.get_running_loop()
        if self._listener is not None:
            loop.remove_reader(self._listener)
            if state == "open":
                loop.add_reader(self._listener, self._accept)
            elif state == "unreachable":
                self._stop_up(self._listener)

    def reset(self) -> None:
        """Break off every connection that is there, with RST to both sides."""
        for wire, task in list(self._wires.items()):
            wire.resets = True
            task.cancel()

    def _listen(self) -> None:
        listener = socket.socket(socket.AF_INET)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setblocking(False)  # noqa: FBT003  # the socket's own signature
        listener.bind((self.host, self.port))
        listener.listen(_BACKLOG)
        self.port = listener.getsockname()[1]
        asyncio.get_running_loop().add_reader(listener, self._accept)
        self._listener = listener

    def _hang_up(self) -> None:
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        while self._plugs:
            self._plugs.pop().close()

    def _stop_up(self, listener: socket.socket) -> None:
        """Fill its queue, which nobody empties: the kernel drops every SYN after that."""
        listener.listen(0)
        for _ in range(_PLUGS):
            plug = socket.socket(socket.AF_INET)
            plug.setblocking(False)  # noqa: FBT003  # the socket's own signature
            plug.connect_ex((self.host, self.port))
            self._plugs.append(plug)

    def _accept(self) -> None:
        if self._listener is None:
            return
        try:
            client, _ = self._listener.accept()
        except OSError:
            return
        self.accepted += 1
        wire = _Wire(self, client, self._to)
        task = self._wires[wire] = asyncio.create_task(wire.run(), name="a wire of a proxy")
        task.add_done_callback(lambda _: self._ended(wire))

    def _ended(self, wire: "_Wire") -> None:
        wire.close()  # here: a task that is cancelled before it begins runs nothing of its own
        self._wires.pop(wire, None)


class _Wire:
    """One connection, from a client to the program behind the proxy."""

    def __init__(self, proxy: TcpProxy, client: socket.socket, to: tuple[str, int]) -> None:
        self.resets = False
        self._proxy = proxy
        self._to = to
        self._client = client
        self._server = socket.socket(socket.AF_INET)
        self._answered = 0
        for end in (self._client, self._server):
            end.setblocking(False)  # noqa: FBT003  # the socket's own signature
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def run(self) -> None:
        """Pass on until one side breaks off, or both have said all."""
        loop = asyncio.get_running_loop()
        pumps: list[asyncio.Task[None]] = []
        try:
            await self._proxy.flows.wait()
            await loop.sock_connect(self._server, self._to)
            pumps = [
                asyncio.create_task(self._pump(self._client, self._server, answers=False)),
                asyncio.create_task(self._pump(self._server, self._client, answers=True)),
            ]
            await asyncio.gather(*pumps)
        except OSError:
            self.resets = True  # what one side does to us is done to the other
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    def close(self) -> None:
        """Let go of both sockets."""
        for end in (self._client, self._server):
            if self.resets:
                with contextlib.suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            end.close()

    async def _pump(self, source: socket.socket, sink: socket.socket, *, answers: bool) -> None:
        loop, proxy = asyncio.get_running_loop(), self._proxy
        while True:
            await proxy.flows.wait()
            data = await loop.sock_recv(source, _CHUNK)
            await proxy.flows.wait()
            if proxy.latency:
                await asyncio.sleep(proxy.latency)
                await proxy.flows.wait()
            if not data:
                sink.shutdown(socket.SHUT_WR)
                return
            if answers:
                data = self._spoil(data)
            await self._send(sink, data)
            if answers and proxy.reset_after is not None and self._answered >= proxy.reset_after:
                raise ConnectionResetError

    def _spoil(self, data: bytes) -> bytes:
        """The part of an answer that arrives, as it arrives."""
        proxy, begin = self._proxy, self._answered
        if proxy.reset_after is not None:
            data = data[: max(0, proxy.reset_after - begin)]
        self._answered += len(data)
        if proxy.lie is None:
            return data
        wrong = bytearray(data)
        every = max(1, proxy.lie)
        for place in range(-(begin + 1) % every, len(wrong), every):
            wrong[place] ^= 1
        return bytes(wrong)

    async def _send(self, sink: socket.socket, data: bytes) -> None:
        loop, rest = asyncio.get_running_loop(), memoryview(data)
        while rest:
            rate = self._proxy.bandwidth
            size = len(rest) if rate is None else max(1, int(rate * _TICK))
            piece, rest = rest[:size], rest[size:]
            if rate is not None:
                await asyncio.sleep(len(piece) / rate)
            await self._proxy.flows.wait()
            await loop.sock_sendall(sink, piece)
