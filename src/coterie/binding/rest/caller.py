"""Caller: the client's end of one operation, calls out and results in."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, get_origin
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from coterie.call import Call, Failure, Reply, Sent, Violation
from coterie.contract import Code, Fault, Operation, Parameter, Redirect, Source, Upload
from coterie.contract.hint import strip

from .arguments import many, raw_media
from .form import write_form
from .media import JSON, MSGPACK, bare
from .message import Response
from .problem import problem_type, raised
from .text import fits_header, query_pairs, segment
from .travel import to_headers

__all__ = ["Caller", "Outgoing"]

Headers = tuple[tuple[str, str], ...]


class Outgoing(Struct, frozen=True):
    """A request ready to leave."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes | AsyncIterator[bytes] = b""
    stream: bool = False


class Caller:
    """Turns calls of one operation into requests, and their answers into results."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        parameters = operation.parameters
        self._path = [p for p in parameters if p.source is Source.PATH]
        self._query = [p for p in parameters if p.source is Source.QUERY]
        self._headers = [p for p in parameters if p.source is Source.HEADER]
        self._cookies = [p for p in parameters if p.source is Source.COOKIE]
        self._form = [p for p in parameters if p.source is Source.FORM]
        self._members = [p for p in parameters if p.source is Source.MEMBER]
        self._body = next((p for p in parameters if p.source is Source.BODY), None)
        self._media = None if self._body is None else raw_media(self._body)
        self._faults: dict[str, type[Fault]] = {problem_type(f): f for f in operation.faults}
        self._decoder = None
        if operation.result.media is None and not operation.result.redirect:
            self._decoder = msgspec.json.Decoder(operation.result.type)
        self._header_fields = _encoded(operation)
        self._nothing = operation.result.type is type(None)

    def request(self, call: Call) -> Outgoing:
        """The request that asks for ``call``."""
        arguments, operation = call.arguments, self.operation
        headers = to_headers(call.context)
        body: Any = b""
        if self._body is not None:
            content, body = self._write_body(self._body, arguments[self._body.name])
            headers.append(("content-type", content))
        elif self._members:
            body = JSON.encode({p.alias: arguments[p.name] for p in self._members})
            headers.append(("content-type", JSON.media))
        elif self._form:
            content, body = write_form(_fields(self._form, arguments))
            headers.append(("content-type", content))
        for parameter in self._headers:
            if arguments[parameter.name] is not None:
                headers.append((parameter.alias, self._header(parameter, arguments)))
        if self._cookies:
            pairs = [pair for p in self._cookies for pair in self._cookie(p, arguments)]
            if pairs:
                headers.append(("cookie", "; ".join(pairs)))
        if call.validator is not None:
            headers.append(("if-none-match", call.validator))
        return Outgoing(
            operation.method, self._target(arguments), headers, body, operation.result.stream
        )

    def reply(self, call: Call, response: Response, headers: Headers) -> Reply:
        """What ``call`` is answered; ``headers`` are those of the response, in their order.

        Has status 304 and no value where what the caller has is current. Raises as `result`.
        """
        if response.status == 304 and call.validator is not None:
            return Reply(None, 304, headers)
        return Reply(self.result(response), response.status, headers)

    def result(self, response: Response) -> Any:
        """The typed result in ``response``; a stream is handed over as it is.

        Raises the declared `Fault` the other side raised, or a `Failure`.
        """
        status, operation = response.status, self.operation
        if status >= 400 or (status >= 300 and not operation.result.redirect):
            body = response.body if isinstance(response.body, bytes) else b""
            if status < 400:
                what = f"{operation.id} answered {status}, which its contract does not promise"
                raise Failure(Code.UNKNOWN, what, status=status)
            raise raised(status, response.headers, body, self._faults, operation.id)
        if operation.result.redirect:
            return Redirect(response.headers.get("location", ""), status)
        if operation.result.stream or not isinstance(response.body, bytes):
            return response.body
        if self._nothing:
            return None
        try:
            return self._decode(response, response.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            what = f"{operation.id} answered what its contract does not promise: {error}"
            raise Failure(Code.UNKNOWN, what, sent=Sent.ANSWERED) from error

    def _decode(self, response: Response, body: bytes) -> Any:
        result = self.operation.result
        if self._decoder is None:
            if result.type is bytes:
                return body
            if "json" not in (result.media or ""):
                return body.decode()
            return JSON.decoder(result.type).decode(body)
        content = response.headers.get("content-type", "")
        if result.headers:
            untyped = MSGPACK.untyped if "msgpack" in content else JSON.untyped
            members = untyped(body)
            for name, header in self._header_fields:
                value = response.headers.get(header.lower())
                if value is not None and isinstance(members, dict):
                    members[name] = value
            return msgspec.convert(members, result.type, strict=False)
        if content and bare(content.encode("latin-1")) == MSGPACK.media:
            return MSGPACK.decoder(result.type).decode(body)
        return self._decoder.decode(body)

    def _write_body(self, parameter: Parameter, value: Any) -> tuple[str, Any]:
        if self._media is None:
            return JSON.media, JSON.encode(value)
        return self._media, value.encode() if isinstance(value, str) else value

    def _header(self, parameter: Parameter, arguments: Mapping[str, Any]) -> str:
        pairs = query_pairs(parameter.alias, arguments[parameter.name])
        items = [item for _, item in pairs]
        value = ", ".join(items)
        if not fits_header(value):
            raise self._cannot(
                parameter, "has characters or outer spaces that no header keeps (RFC 9110, 5.5)"
            )
        if many(parameter.type) and not all(i.strip() and "," not in i for i in items):
            raise self._cannot(parameter, "has items that are empty or hold a comma")
        return value

    def _cookie(self, parameter: Parameter, arguments: Mapping[str, Any]) -> list[str]:
        try:
            pairs = query_pairs(parameter.alias, arguments[parameter.name])
            return [f"{name}={quote(item)}" for name, item in pairs]
        except UnicodeEncodeError:
            raise self._cannot(parameter, "holds characters that are no text") from None

    def _cannot(self, parameter: Parameter, why: str) -> Failure:
        where = parameter.source.name.lower()
        what = f"{self.operation.id}: {parameter.name} cannot travel as a {where}, it {why}"
        wrong = Violation(f"It {why}", f"#/{parameter.alias}", where)
        return Failure(Code.INVALID_ARGUMENT, what, sent=Sent.NOT_SENT, violations=(wrong,))

    def _target(self, arguments: Mapping[str, Any]) -> str:
        target = self.operation.route
        for parameter in self._path:
            target = target.replace(f"{{{parameter.name}}}", segment(arguments[parameter.name]))
        if self._query:
            pairs = [pair for p in self._query for pair in query_pairs(p.alias, arguments[p.name])]
            if pairs:
                return f"{target}?{urlencode(pairs)}"
        return target


def _encoded(operation: Operation) -> list[tuple[str, str]]:
    """The result's header fields by their names in its encoded form."""
    result = operation.result
    if not result.headers:
        return []
    struct = get_origin(strip(result.type)) or strip(result.type)
    names = {field.name: field.encode_name for field in msgspec.structs.fields(struct)}
    return [(names[name], header) for name, header in result.headers]


def _fields(parameters: list[Parameter], arguments: Mapping[str, Any]) -> Any:
    for parameter in parameters:
        value = arguments[parameter.name]
        for item in value if isinstance(value, list | tuple) else [value]:
            if isinstance(item, Upload):
                yield parameter.alias, item
            elif isinstance(item, msgspec.Struct):
                for field in msgspec.structs.fields(item):
                    yield from query_pairs(field.encode_name, getattr(item, field.name))
            else:
                yield from query_pairs(parameter.alias, item)
