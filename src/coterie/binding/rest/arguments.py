"""The arguments of an operation, out of a request."""

from collections.abc import Iterable
from functools import cached_property
from typing import Annotated, Any, Protocol, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl, unquote

import msgspec

from coterie.call import Failure, Violation
from coterie.contract import Code, Content, Operation, Parameter, Source, Upload
from coterie.contract.hint import strip

from .form import read_form
from .media import JSON, MSGPACK, Codec, Decoder, bare, of_content_type
from .message import Request
from .violations import first_violation, holds_decimal, violations, whole_numbers

__all__ = ["ArgumentReader", "many", "raw_media"]

QUERY_FIELDS = 1000

# Larger bodies are told their first mistake alone: to look for the others decodes them again and
# again, which costs this side far more than the body cost whoever sent it.
WALKED_BYTES = 65536


class Given(Protocol):
    """Looks up a value by its name on the wire; ``several`` takes all its values."""

    def __call__(self, name: str, *, several: bool) -> Any: ...


_WHERE = {
    Source.PATH: "path",
    Source.QUERY: "query",
    Source.HEADER: "header",
    Source.COOKIE: "cookie",
    Source.FORM: "form",
}


class ArgumentReader:
    """Reads one operation's arguments; what can be prepared is prepared once.

    Raises `Failure` 400 with every invalid field, 415 for a content type of another kind.
    """

    def __init__(self, operation: Operation) -> None:
        self._operation = operation
        parameters = operation.parameters
        self._plain = tuple(p for p in parameters if p.source in _WHERE)
        self._sources = {p.source for p in self._plain}
        self._many = {p.name: many(p.type) for p in self._plain}
        self._forms = {
            p.name: fields
            for p in self._plain
            if p.source is Source.FORM and (fields := _form_fields(p.type)) is not None
        }
        self._struct = _struct(operation.name, self._plain)
        bodies = [p for p in parameters if p.source is Source.BODY]
        self._body = bodies[0] if bodies else None
        self._members = tuple(p for p in parameters if p.source is Source.MEMBER)
        self._body_type: Any = None
        self._raw: str | None = None
        if self._body is not None:
            self._body_type = self._body.type
            self._raw = raw_media(self._body)
        elif self._members:
            self._body_type = _struct(operation.name, self._members)
        self._decoders: dict[Codec, Decoder] = {}
        if self._body_type is not None and self._raw is None:
            self._decoders = {c: c.decoder(self._body_type) for c in (JSON, MSGPACK)}

    @property
    def streams(self) -> bool:
        """Whether the body is handed over as it arrives, instead of whole."""
        return self._body is not None and self._body.stream

    def read(self, request: Request) -> dict[str, Any]:
        """The arguments by parameter name."""
        arguments: dict[str, Any] = {}
        if self._plain:
            arguments = self._read_plain(request)
        if self._body is not None:
            if not request.body and not self._body.required:
                arguments[self._body.name] = self._body.default
            else:
                arguments[self._body.name] = self._read_body(request)
        elif self._members:
            struct = self._decode(request, request.body or b"{}")
            for parameter in self._members:
                arguments[parameter.name] = getattr(struct, parameter.name)
        return arguments

    def _read_body(self, request: Request) -> Any:
        if self._raw is None:
            return self._decode(request, request.body)
        sent = bare(request.headers.get(b"content-type", b""))
        if sent and "*" not in self._raw and self._raw != "application/octet-stream":
            wanted = bare(self._raw.encode())
            if sent != wanted:
                what = f"Content-Type {sent!r} is not understood here; send {wanted}"
                raise Failure(Code.INVALID_ARGUMENT, what, status=415)
        if self._body is not None and strip(self._body.type) is str:
            return _text(request.body)
        return request.body

    def _decode(self, request: Request, body: Any) -> Any:
        codec = of_content_type(request.headers.get(b"content-type", b""))
        try:
            return self._decoders[codec].decode(body)
        except msgspec.ValidationError as error:
            return self._decode_again(codec, body, error)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            what = f"The body is no {codec.media}: {error}" if body else "The body is missing"
            raise Failure(Code.INVALID_ARGUMENT, what) from None
        except RecursionError:
            raise Failure(Code.INVALID_ARGUMENT, "The body is nested too deep") from None

    def _decode_again(self, codec: Codec, body: bytes, error: msgspec.ValidationError) -> Any:
        """The body, if numbers such as 1.0 were all that was wrong; else every mistake in it."""
        found: tuple[Violation, ...] = ()
        # Only where it is the first mistake, so that others never pay for the search.
        whole = "got `float`" in str(error) and self._repairable
        try:
            if whole or len(body) <= WALKED_BYTES:
                value = codec.untyped(body)
                if whole:
                    value = whole_numbers(value)
                    try:
                        return msgspec.convert(value, self._body_type)
                    except msgspec.ValidationError as further:
                        error = further
                if len(body) <= WALKED_BYTES:
                    found = violations(value, self._body_type, "body")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            # The first mistake came before the place where it stops being readable at all.
            found = ()
        raise _invalid(found or (first_violation(error, "body"),)) from None

    @cached_property
    def _repairable(self) -> bool:
        """Whether numbers may pass through a float, which would round a `Decimal` in silence."""
        return not holds_decimal(self._body_type)

    def _read_plain(self, request: Request) -> dict[str, Any]:
        raw = self._collect(request)
        try:
            struct = msgspec.convert(raw, self._struct, strict=False)
        except msgspec.ValidationError:
            raise _invalid(tuple(self._wrong(raw))) from None
        return {parameter.name: getattr(struct, parameter.name) for parameter in self._plain}

    def _wrong(self, raw: dict[str, Any]) -> list[Violation]:
        found: list[Violation] = []
        for parameter in self._plain:
            where = _WHERE[parameter.source]
            if parameter.name not in raw:
                if parameter.required:
                    found.append(Violation("Required, and missing", f"#/{parameter.alias}", where))
                continue
            for wrong in violations(raw[parameter.name], parameter.type, where, strict=False):
                # A struct that takes the whole form has no name of its own there.
                own = "" if parameter.name in self._forms else f"/{parameter.alias}"
                pointer = f"#{own}{wrong.pointer[1:]}"
                found.append(Violation(wrong.detail, pointer, where))
        return found

    def _collect(self, request: Request) -> dict[str, Any]:
        given: dict[Source, Given] = {}
        path, headers = request.path, request.headers
        if Source.QUERY in self._sources:
            given[Source.QUERY] = _by_name(_query(request.query))
        if Source.FORM in self._sources:
            body = request.body if isinstance(request.body, bytes) else b""
            pairs = read_form(headers.get(b"content-type", b""), body)
            given[Source.FORM] = _by_name(pairs)
        if Source.COOKIE in self._sources:
            given[Source.COOKIE] = _by_name(_cookies(headers.get(b"cookie", b"")))
        raw: dict[str, Any] = {}
        for parameter in self._plain:
            value: Any
            if parameter.source is Source.PATH:
                value = path.get(parameter.alias)
            elif parameter.source is Source.HEADER:
                found = headers.get(parameter.alias.lower().encode("latin-1"))
                value = None if found is None else found.decode("latin-1")
                if value is not None and self._many[parameter.name]:
                    value = [item.strip() for item in value.split(",") if item.strip()]
            elif parameter.name in self._forms:
                value = self._form(given[Source.FORM], self._forms[parameter.name])
            else:
                value = given[parameter.source](parameter.alias, several=self._many[parameter.name])
            if value is not None:
                raw[parameter.name] = value
        return raw

    def _form(self, given: Given, fields: dict[str, bool]) -> dict[str, Any]:
        """A struct's fields, each from the form field of its name."""
        found = ((name, given(name, several=several)) for name, several in fields.items())
        return {name: value for name, value in found if value is not None}


def _by_name(pairs: Iterable[tuple[str, Any]]) -> Given:
    """Looks values up by name: the last one, or all of them."""
    found: dict[str, list[Any]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)

    def given(name: str, *, several: bool) -> Any:
        values = found.get(name)
        if values is None:
            return None
        return values if several else values[-1]

    return given


def _form_fields(hint: Any) -> dict[str, bool] | None:
    """Of a struct that takes a whole form: its fields, and whether each takes several values."""
    struct = strip(hint)
    if not (isinstance(struct, type) and issubclass(struct, msgspec.Struct)) or struct is Upload:
        return None
    hints = get_type_hints(struct, include_extras=True)
    return {f.encode_name: many(hints[f.name]) for f in msgspec.structs.fields(struct)}


def many(hint: Any) -> bool:
    """Whether a parameter takes every value of its name, as a list."""
    for candidate in (strip(hint), *map(strip, get_args(strip(hint)))):
        origin = get_origin(candidate) or candidate
        if isinstance(origin, type) and issubclass(origin, list | set | frozenset | tuple):
            return True
    return False


def raw_media(parameter: Parameter) -> str | None:
    """The media type of a body that is no JSON: bytes, text, a stream; ``None`` for the others."""
    hint = parameter.type
    if not parameter.stream and strip(hint) not in (bytes, str):
        return None
    if get_origin(hint) is Annotated:
        for extra in get_args(hint)[1:]:
            if isinstance(extra, Content):
                return extra.media
    return "application/octet-stream" if parameter.stream or strip(hint) is bytes else None


def _struct(name: str, parameters: tuple[Parameter, ...]) -> type[msgspec.Struct]:
    fields: list[Any] = []
    for parameter in parameters:
        if parameter.required:
            fields.append((parameter.name, parameter.type))
        else:
            fields.append((parameter.name, parameter.type, _default(parameter.default)))
    aliases = {p.name: p.alias for p in parameters if p.source is Source.MEMBER}
    return msgspec.defstruct(name, fields, kw_only=True, rename=aliases or None)


def _default(value: Any) -> Any:
    if isinstance(value, list | dict | set):
        return msgspec.field(default_factory=value.copy)
    return value


def _query(query: bytes) -> list[tuple[str, str]]:
    if not query:
        return []
    try:
        return parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=QUERY_FIELDS,
            errors="strict",
        )
    except ValueError as error:
        raise Failure(Code.INVALID_ARGUMENT, f"The query cannot be read: {error}") from None


def _cookies(header: bytes) -> list[tuple[str, str]]:
    """The pairs of ``Cookie`` (RFC 6265, 5.4); what is no pair costs the others nothing.

    The standard library's parser gives up at the first name it does not like.
    """
    found: list[tuple[str, str]] = []
    for pair in header.decode("latin-1").split(";"):
        name, separator, value = pair.partition("=")
        if separator:
            value = value.strip()
            if len(value) > 1 and value[0] == value[-1] == '"':
                value = value[1:-1]
            found.append((name.strip(), unquote(value)))
    return found


def _text(body: Any) -> Any:
    try:
        return body.decode() if isinstance(body, bytes) else body
    except UnicodeDecodeError as error:
        raise Failure(Code.INVALID_ARGUMENT, f"The body is no UTF-8 text: {error}") from None


def _invalid(found: tuple[Violation, ...]) -> Failure:
    first = found[0] if found else Violation("Not valid", "#")
    place = f"{first.where}{'' if first.pointer == '#' else ' ' + first.pointer[1:]}"
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return Failure(Code.INVALID_ARGUMENT, f"{place}: {first.detail}{more}", violations=found)
