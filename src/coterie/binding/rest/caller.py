"""Caller: the client's end of one operation, calls out and results in."""

from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from coterie.call import Call, Failure, Reply, Sent, Violation
from coterie.contract import (
    Code,
    Content,
    Fault,
    Operation,
    Parameter,
    Redirect,
    Source,
    Upload,
)
from coterie.contract.hint import marker

from .arguments import many, raw_media
from .foreign import elsewhere
from .form import write_form
from .media import JSON
from .message import Response
from .problem import problem_type, raised
from .result import ResultReader
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
        self._media, self._json = None, JSON.media
        if self._body is not None:
            self._media = raw_media(self._body)
            content = marker(self._body.type, Content)
            self._json = JSON.media if content is None else content.media
        self._faults: dict[str, type[Fault]] = {problem_type(f): f for f in operation.faults}
        self._reader = ResultReader(operation)
        self._accept = _accept(operation)

    def request(self, call: Call) -> Outgoing:
        """The request that asks for ``call``."""
        arguments, operation = call.arguments, self.operation
        headers = to_headers(call.context)
        content, body = self._content(arguments)
        if self._accept is not None:
            headers.append(("accept", self._accept))
        if content is not None:
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
        if status >= 400:
            body = response.body if isinstance(response.body, bytes) else b""
            raise raised(status, response.headers, body, self._faults, operation.id)
        if status >= 300 or operation.result.redirect:
            return self._redirect(status, response.headers.get("location", ""))
        if operation.result.stream or not isinstance(response.body, bytes):
            return response.body
        return self._reader.read(response.headers, response.body)

    def _redirect(self, status: int, location: str) -> Redirect:
        operation = self.operation
        if not operation.result.redirect:
            raise Failure(Code.UNKNOWN, elsewhere(operation, status, location), status=status)
        if not location:
            what = f"{operation.id} answered {status} and no Location, a redirect is promised"
            raise Failure(Code.UNKNOWN, what, status=status)
        return Redirect(location, status)

    def _content(self, arguments: Mapping[str, Any]) -> tuple[str | None, Any]:
        """The media type and the bytes of the body; no type where none is sent."""
        if self._body is not None:
            return self._written(self._body, arguments[self._body.name])
        if self._members:
            return JSON.media, JSON.encode({p.alias: arguments[p.name] for p in self._members})
        if self._form:
            return write_form(_fields(self._form, arguments))
        return None, b""

    def _written(self, body: Parameter, value: Any) -> tuple[str | None, Any]:
        """As `_content`; a body that may be left out, and was, is not sent."""
        if value is None and not body.required and body.default is None:
            return None, b""
        if self._media is None:
            return self._json, JSON.encode(value)
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


def _accept(operation: Operation) -> str | None:
    """What to ask for where JSON is promised: some programs answer pages to whoever does not say.

    The contract's own header ``Accept`` goes before it.
    """
    result = operation.result
    asked = any(
        p.source is Source.HEADER and p.alias.lower() == "accept" for p in operation.parameters
    )
    if asked or result.redirect or result.stream or result.type is bytes:
        return None
    if result.media is None:
        return JSON.media
    return result.media if "json" in result.media else None


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
