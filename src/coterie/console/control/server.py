"""The server's half: a Unix socket that only its owner may open."""

import asyncio
import os
import socket
from pathlib import Path

from .conversation import Conversation
from .place import bind, remove
from .port import Controls
from .protocol import LONGEST_REQUEST

__all__ = ["ControlServer"]

_MOST = 64
_GRACE = 2.0


class ControlServer:
    """Lets whoever may open ``control.sock`` in the folder ``state`` use ``controls``. A component.

    One request a connection. Nothing that is sent to it, or not read from it, brings it down or
    holds up another: requests are bounded, and who sends none or reads nothing for ``patience``
    seconds is dropped. Streams end when their reader leaves; changes are carried through.
    """

    def __init__(
        self, state: Path, controls: Controls, *, patience: float = 10.0, beat: float = 1.0
    ) -> None:
        self._state = state
        self._controls = controls
        self._patience = patience
        self._beat = beat
        self._path: Path | None = None
        self._socket: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._under_way: dict[asyncio.Task[None], Conversation] = {}

    async def start(self) -> None:
        """Listen. Raises `AlreadyUp` if another does, `ControlError` where nobody can."""
        self._socket, self._path = bind(self._state)
        # A child that kept this socket would let callers in, and never answer them.
        os.register_at_fork(after_in_child=self._forget)
        self._server = await asyncio.start_unix_server(
            self._meet, sock=self._socket, limit=LONGEST_REQUEST, backlog=_MOST
        )

    async def stop(self) -> None:
        """Listen no longer and take the socket away; never raises.

        Streams end at once. A change gets two seconds: a ``stop`` of the whole system says that
        it is done while its supervisor stops this.
        """
        server, self._server = self._server, None
        path, self._path = self._path, None
        if server is None or path is None:
            return
        server.close()
        remove(self._state, path)
        for task, conversation in self._under_way.items():
            if not conversation.changing:
                task.cancel()
        if self._under_way:
            await asyncio.wait(list(self._under_way), timeout=_GRACE)
        rest = list(self._under_way)
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversation = Conversation(
            reader, writer, self._controls, patience=self._patience, beat=self._beat
        )
        if self._server is None:
            writer.transport.abort()
            return
        if len(self._under_way) >= _MOST:
            what = f"{_MOST} others are asking already"
            conversation.refuse(what, "Try again once some of them have ended")
            return
        # A task of its own: the one that asyncio gives us may be nobody's to cancel.
        task = asyncio.ensure_future(conversation.run())
        self._under_way[task] = conversation
        task.add_done_callback(self._under_way.pop)

    def _forget(self) -> None:
        # In a child: its copy alone is closed.
        if self._socket is not None:
            self._socket.close()
