"""The result of an operation, out of an answer, whoever made it."""

import codecs
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, get_origin

import msgspec

from coterie.call import Failure, Sent
from coterie.contract import Code, Operation
from coterie.contract.hint import strip

from .media import JSON, KEPT_BYTES, MSGPACK, bare

__all__ = ["ResultReader", "decoded_json"]

_ASCII = 0x7F
_TYPED = ("", JSON.media, MSGPACK.media)


class ResultReader:
    """Reads one operation's results; what can be prepared is prepared once.

    Whether JSON was sent is seen by the body, not by what ``Content-Type`` says: programs
    that answer JSON call it text, HTML, or nothing.
    """

    def __init__(self, operation: Operation) -> None:
        result = operation.result
        self._operation = operation
        self._type = result.type
        self._nothing = result.type is type(None)
        self._bytes = result.type is bytes
        self._text = result.media is not None and "json" not in result.media
        json = not (self._bytes or self._text or result.redirect or result.stream)
        self._decoder = JSON.decoder(result.type if json else Any)
        self._may_be_empty = json and _takes_none(result.type)
        self._header_fields, self._whole_in_headers = _in_headers(operation)

    def read(self, headers: Mapping[str, str], body: bytes) -> Any:
        """The typed result. Raises `Failure` (unknown) where the answer tells another."""
        if self._nothing:
            return None
        if self._bytes:
            return body
        content = headers.get("content-type", "")
        try:
            if self._text:
                return body.decode(_form(content)[1] or "utf-8-sig")
            return self._value(headers, content, body)
        except (msgspec.DecodeError, ValueError, LookupError, RecursionError) as error:
            what = f"{self._operation.id} answered what its contract does not promise"
            why = self._why(content, body, error)
            raise Failure(Code.UNKNOWN, f"{what}: {why}", sent=Sent.ANSWERED) from error

    def _value(self, headers: Mapping[str, str], content: str, body: bytes) -> Any:
        if self._header_fields:
            members = {} if self._whole_in_headers or not body else _untyped(content, body)
            if isinstance(members, dict):
                for name, header in self._header_fields:
                    value = headers.get(header)
                    if value is not None:
                        members[name] = value
            return msgspec.convert(members, self._type, strict=False)
        msgpack, charset = _form(content)
        if msgpack:
            return MSGPACK.decoder(self._type).decode(body)
        if not body and self._may_be_empty:
            return None
        if charset or (body and body[0] > _ASCII):
            body = _utf8(body, charset)
        return self._decoder.decode(body)

    def _why(self, content: str, body: bytes, error: Exception) -> str:
        media = bare(content.encode("latin-1", "replace"))
        if self._text:
            return f"text that cannot be read; promise `-> bytes` to get it as it is ({error})"
        if not body:
            return "an empty body where JSON is promised; if it may be empty, promise `-> None`"
        if isinstance(error, msgspec.ValidationError):
            return f"{error}. Write in the contract what the program answers"
        if media == "text/html" or body.lstrip().startswith(b"<"):
            return (
                "a page of HTML or XML where JSON is promised; look whether the path is right and"
                " whether it wants a login, or promise `-> Html` if the page is the result"
            )
        if media not in _TYPED and not media.endswith("json"):
            return (
                f"{media[:100]} where JSON is promised; promise `-> Text` if it is text, else"
                " Annotated[bytes, Content(...)]"
            )
        return f"JSON that cannot be read: {error}. The answer was cut short, or is none"


def decoded_json(content: str, body: bytes) -> Any:
    """What ``body`` says, without a type; ``UNSET`` where it is no JSON."""
    try:
        return _untyped(content, body)
    except (msgspec.DecodeError, ValueError, LookupError, RecursionError):
        return msgspec.UNSET


def _untyped(content: str, body: bytes) -> Any:
    msgpack, charset = _form(content)
    if msgpack:
        return MSGPACK.untyped(body)
    return JSON.untyped(_utf8(body, charset) if charset or (body and body[0] > _ASCII) else body)


def _utf8(body: bytes, charset: str | None) -> bytes:
    """JSON as RFC 8259 wants it: in UTF-8, without a byte order mark."""
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        charset = "utf-16"
    elif body.startswith(codecs.BOM_UTF8):
        return body.removeprefix(codecs.BOM_UTF8)
    return body.decode(charset).encode() if charset else body


def _form(content: str) -> tuple[bool, str | None]:
    """Whether it is MessagePack, and the charset where that is another than UTF-8."""
    return _parsed(content) if len(content) <= KEPT_BYTES else (False, None)


@lru_cache(maxsize=256)
def _parsed(content: str) -> tuple[bool, str | None]:
    media, *parameters = (part.strip() for part in content.lower().split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset":
            return media == MSGPACK.media, _codec(value.strip().strip('"'))
    return media == MSGPACK.media, None


def _codec(charset: str) -> str | None:
    """The codec of a charset; none for UTF-8 and its subset, and for what nobody knows."""
    try:
        bytes(4).decode(charset)  # some codecs make no text, and do not mind where there is none
        name = codecs.lookup(charset).name
    except (LookupError, ValueError):
        return None
    return None if name in ("utf-8", "ascii") else name


def _takes_none(hint: Any) -> bool:
    try:
        msgspec.convert(None, hint)
    except msgspec.ValidationError:
        return False
    return True


def _in_headers(operation: Operation) -> tuple[list[tuple[str, str]], bool]:
    """The result's header fields by their names in its encoded form; whether those are all."""
    result = operation.result
    if not result.headers:
        return [], False
    struct = get_origin(strip(result.type)) or strip(result.type)
    names = {field.name: field.encode_name for field in msgspec.structs.fields(struct)}
    found = [(names[name], header.lower()) for name, header in result.headers]
    return found, len(found) == len(names)
