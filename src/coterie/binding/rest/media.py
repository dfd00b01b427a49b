"""Media types: which codec a request speaks, and which one an answer should (RFC 9110, 12.5)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import msgspec

from coterie.call import Failure
from coterie.contract import Code

__all__ = ["JSON", "MSGPACK", "Codec", "accepts", "bare", "negotiate", "of_content_type"]

# What is longer is no browser's and no program's: it is read, but the caches do not keep it.
KEPT_BYTES = 256
READ_BYTES = 8192


class Decoder(Protocol):
    """Turns bytes into a value of one type."""

    def decode(self, data: bytes, /) -> Any: ...


@dataclass(frozen=True, slots=True, eq=False)
class Codec:
    """A format for typed values."""

    media: str
    encode: Callable[[Any], bytes]
    decoder: Callable[[Any], Decoder]
    untyped: Callable[[bytes], Any]


JSON = Codec(
    "application/json",
    msgspec.json.Encoder().encode,
    msgspec.json.Decoder,
    msgspec.json.decode,
)
MSGPACK = Codec(
    "application/msgpack",
    msgspec.msgpack.Encoder().encode,
    msgspec.msgpack.Decoder,
    msgspec.msgpack.decode,
)

# The first name is what we answer; the others are what some clients still say.
_CODECS = {
    "application/json": JSON,
    "text/json": JSON,
    "application/msgpack": MSGPACK,
    "application/vnd.msgpack": MSGPACK,
    "application/x-msgpack": MSGPACK,
}


def bare(content_type: bytes) -> str:
    """The media type without parameters, in lower case."""
    return content_type.split(b";", 1)[0].strip().lower().decode("latin-1")


def of_content_type(content_type: bytes) -> Codec:
    """The codec a request body is in; JSON where the header is missing.

    Raises `Failure`: 415 for anything else (RFC 9110, 15.5.16), 400 for one beyond 8 KiB.
    """
    if len(content_type) <= KEPT_BYTES:
        return _of_content_type(content_type)
    if len(content_type) > READ_BYTES:
        what = f"Content-Type is longer than {READ_BYTES} bytes; send application/json"
        raise Failure(Code.INVALID_ARGUMENT, what)
    return _of_content_type.__wrapped__(content_type)


@lru_cache(maxsize=256)
def _of_content_type(content_type: bytes) -> Codec:
    media = bare(content_type)
    codec = _CODECS.get(media)
    if codec is None and media.endswith("+json"):
        codec = JSON
    if codec is None and media:
        raise Failure(
            Code.INVALID_ARGUMENT,
            f"Content-Type {media[:100]!r} is not understood here; send application/json or"
            " application/msgpack",
            status=415,
            headers=(("Accept", "application/json, application/msgpack"),),
        )
    return codec or JSON


def negotiate(accept: bytes) -> Codec:
    """The codec the asker likes best; JSON where it does not care.

    Raises `Failure` 406 where neither JSON nor MessagePack is acceptable, or for more than 8 KiB.
    """
    if len(accept) <= KEPT_BYTES:
        return _negotiate(accept)
    if len(accept) > READ_BYTES:
        raise _too_long()
    return _negotiate.__wrapped__(accept)


@lru_cache(maxsize=256)
def _negotiate(accept: bytes) -> Codec:
    best, liking = None, 0.0
    for codec in (JSON, MSGPACK):
        quality = _quality(accept, codec.media)
        if quality > liking:
            best, liking = codec, quality
    if best is None:
        raise _not_acceptable("application/json or application/msgpack")
    return best


def accepts(accept: bytes, media: str) -> None:
    """Raise `Failure` 406 where ``media``, the only form of a result, is not acceptable."""
    if len(accept) <= KEPT_BYTES:
        _accepts(accept, media)
    elif len(accept) > READ_BYTES:
        raise _too_long()
    else:
        _accepts.__wrapped__(accept, media)


@lru_cache(maxsize=256)
def _accepts(accept: bytes, media: str) -> None:
    if _quality(accept, bare(media.encode())) == 0:
        raise _not_acceptable(media)


def _too_long() -> Failure:
    what = f"Accept is longer than {READ_BYTES} bytes; name fewer media types"
    return Failure(Code.INVALID_ARGUMENT, what, status=406)


def _not_acceptable(offered: str) -> Failure:
    return Failure(
        Code.INVALID_ARGUMENT, f"This answer comes as {offered}; accept that", status=406
    )


def _quality(accept: bytes, media: str) -> float:
    """How much ``accept`` likes ``media``: the most specific range decides."""
    if not accept.strip():
        return 1.0
    kind = media.split("/", 1)[0]
    precedence, quality = -1, 0.0
    for part in accept.decode("latin-1").lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        name = {"application/x-msgpack": MSGPACK.media}.get(name, name)
        rank = {media: 2, f"{kind}/*": 1, "*/*": 0}.get(name, -1)
        if rank > precedence:
            precedence, quality = rank, _q(parameters)
    return quality


def _q(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return min(max(float(parameter[2:]), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0
