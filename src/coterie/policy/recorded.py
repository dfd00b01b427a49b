"""Recorded: a reply in a form that can be kept, and given again as it was."""

from typing import Any

import msgspec
from msgspec import Struct

from coterie.call import Call, Reply
from coterie.contract import Operation

__all__ = ["Recorded"]

_AGAIN = ("idempotency-replayed", "true")
_JSON, _MSGPACK = b"j", b"m"
_TYPED = {"application/json": _JSON, "application/msgpack": _MSGPACK}


class Recorded(Struct, frozen=True, array_like=True):
    """What a call was answered.

    ``status`` (0: it was none over a wire), ``headers`` and ``body`` are sent again byte by byte.
    ``value`` is the typed result with the letter of its format before it; empty where the body says
    it all.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    value: bytes

    @staticmethod
    def encode(call: Call, reply: Reply) -> bytes:
        """``reply`` to ``call`` as bytes. Raises `TypeError` for a body that streams."""
        operation = call.operation
        if call.render is None:
            return _encoder.encode(Recorded(0, (), b"", _value(reply.value)))
        body = reply.body
        if not isinstance(body, bytes):
            raise TypeError(f"{operation.id} streams its answer, which cannot be kept")
        told = _format(operation, reply.headers) is not None
        value = b"" if told else _value(reply.value)
        return _encoder.encode(Recorded(reply.status, reply.headers, body, value))

    @staticmethod
    def replay(call: Call, kept: bytes) -> Reply:
        """The reply in ``kept``, for ``call``: over a wire as it was sent, else its value.

        A header, ``idempotency-replayed: true``, says that nothing was done this time.
        """
        found = _decoder.decode(kept)
        if call.render is None:
            return Reply(found.result(call.operation))
        if found.status:
            return Reply(None, found.status, (*found.headers, _AGAIN), found.body)
        reply = call.render(found.result(call.operation))
        return Reply(reply.value, reply.status, (*reply.headers, _AGAIN), reply.body)

    def result(self, operation: Operation) -> Any:
        """The typed result of ``operation``."""
        if self.value:
            return _typed(operation, self.value[:1], self.value[1:])
        form = _format(operation, self.headers)
        return None if not form else _typed(operation, form, self.body)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Recorded)


def _value(value: Any) -> bytes:
    try:
        return _MSGPACK + _encoder.encode(value)
    except OverflowError:  # MessagePack has no integer beyond 64 bits; JSON has, but no NaN
        return _JSON + msgspec.json.encode(value)


def _typed(operation: Operation, form: bytes, data: bytes) -> Any:
    decode: Any = msgspec.json.decode if form == _JSON else msgspec.msgpack.decode
    return decode(data, type=operation.result.type)


def _format(operation: Operation, headers: tuple[tuple[str, str], ...]) -> bytes | None:
    """The format of a body that holds the whole result; empty where there is none to hold."""
    result = operation.result
    if result.type is type(None):
        return b""
    if result.media is not None or result.redirect or result.headers:
        return None
    return next((_TYPED.get(value) for name, value in headers if name == "content-type"), None)
