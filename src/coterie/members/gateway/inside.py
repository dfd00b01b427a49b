"""Inside: the address of the loopback at which programs find one service."""

import sys
from collections.abc import Mapping
from typing import Any

from coterie.binding.rest import problem_reply
from coterie.call import Failure

from .forwarder import Errand, Forwarder, Send
from .headers import untouched
from .upload import Left, Receive

__all__ = ["Inside"]


class Inside:
    """Passes everything on to the instances of ``service``, as it is. An ASGI application.

    Who asks belongs to the system, on this machine: paths, hosts and headers are its own affair,
    and a body is passed on as it comes, however long it is. What never left is sent again
    elsewhere, and nothing else. The answer may take ``begins`` seconds to begin, and be silent for
    ``silence`` then.
    """

    def __init__(
        self, service: str, forwarder: Forwarder, *, begins: float, silence: float
    ) -> None:
        self._service = service
        self._forwarder = forwarder
        self._begins = begins
        self._silence = silence

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one connection's request (ASGI 3.0)."""
        if scope["type"] == "lifespan":
            raise RuntimeError("this application's life belongs to whoever made it")
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
        errand = Errand(
            service=self._service,
            target=f"{path}?{query}" if query else path,
            headers=untouched(scope),
            limit=sys.maxsize,
            begins=self._begins,
            silence=self._silence,
        )
        try:
            await self._forwarder.run(errand, scope, receive, send)
        except Failure as refusal:
            await self._forwarder.answer(problem_reply(refusal), scope, send)
        except Left:
            return
