"""Endpoint: the server's end of one operation, requests in and replies out."""

from collections.abc import Mapping
from typing import Any

from coterie.call import Call, Context
from coterie.contract import Operation

from .arguments import ArgumentReader
from .message import Request
from .render import Renderer

__all__ = ["Endpoint"]


class Endpoint:
    """Turns the requests for one operation into calls.

    ``guard`` is the renderer of the operation named by ``if_match``.
    """

    def __init__(self, operation: Operation, guard: Operation | None = None) -> None:
        self.operation = operation
        self._reader = ArgumentReader(operation)
        self._renderer = Renderer(operation)
        self._guard = None if guard is None else Renderer(guard)

    @property
    def streams(self) -> bool:
        """Whether the request's body is handed over as it arrives."""
        return self._reader.streams

    def call(self, request: Request, target: bytes, context: Context) -> Call:
        """The call that ``request`` asks for; ``target`` is its path and query.

        Raises `Failure`: 400 with every invalid field, 406, 415.
        """
        headers = request.headers
        render = self._renderer.render(
            headers.get(b"accept"), headers.get(b"if-none-match"), target
        )
        return Call(
            self.operation,
            self._reader.read(request),
            context,
            render,
            None if self._guard is None else self._check(headers),
        )

    def _check(self, headers: Mapping[bytes, bytes]) -> Any:
        seen, renderer = headers.get(b"if-match"), self._guard
        if seen is None or renderer is None:
            return None
        return lambda value: renderer.check_tag(seen, value)
