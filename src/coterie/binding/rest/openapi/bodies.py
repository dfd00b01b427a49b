"""The body of a request, as OpenAPI describes it: JSON, MessagePack, forms, files, streams."""

from typing import Any, get_args

from msgspec.inspect import type_info

from coterie.binding.rest.arguments import raw_media
from coterie.binding.rest.media import JSON, MSGPACK
from coterie.contract import Content, Operation, Parameter, Source, Upload
from coterie.contract.hint import marker, strip

from .examples import NO_EXAMPLE, example
from .parameters import field_schema
from .plain import plainly
from .schemas import Schemas, bare, fields_of

__all__ = ["bare_media", "body", "raw_schema"]

_URLENCODED = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"


def body(operation: Operation, schemas: Schemas) -> dict[str, Any] | None:
    """What the operation takes as body; ``None`` if it takes none."""
    for parameter in operation.parameters:
        if parameter.source is Source.BODY:
            return _whole(parameter, schemas)
    for source, describe in ((Source.MEMBER, _members), (Source.FORM, _form)):
        inside = [p for p in operation.parameters if p.source is source]
        if inside:
            return describe(inside, schemas)
    return None


def bare_media(media: str) -> str:
    """A media type without its parameters."""
    return media.split(";", 1)[0].strip()


def raw_schema(hint: Any, media: str, schemas: Schemas, *, stream: bool) -> dict[str, Any]:
    """The schema of a body of one media type: text, bytes, a stream, or JSON by another name."""
    plain = strip(hint)
    if stream or plain is bytes:
        return {"type": "string", "format": "binary", "contentMediaType": media}
    return {"type": "string"} if plain is str and "json" not in media else schemas.of(hint)


def _whole(parameter: Parameter, schemas: Schemas) -> dict[str, Any]:
    media = raw_media(parameter)
    named = marker(parameter.type, Content)
    if media is None:
        schema = schemas.of(parameter.type)
        content = _typed(schema, example(parameter.type, parameter.name))
        if named is not None:
            content = {bare_media(named.media): content[JSON.media]}
    else:
        kind = bare_media(media)
        schema = raw_schema(parameter.type, kind, schemas, stream=parameter.stream)
        content = {kind: {"schema": schema}}
    return {"required": parameter.required, "content": content}


def _members(inside: list[Parameter], schemas: Schemas) -> dict[str, Any]:
    schema, value = _object(inside, schemas, null=True, optional=True)
    return {"required": any(p.required for p in inside), "content": _typed(schema, value)}


def _form(inside: list[Parameter], schemas: Schemas) -> dict[str, Any]:
    if len(inside) == 1 and any(fields_of(bare(type_info(inside[0].type)))) and not _files(inside):
        schema = schemas.of(inside[0].type)  # a struct of all fields
        value = example(inside[0].type, strict=False)
    else:
        schema, value = _object(inside, schemas, null=False, optional=False)
    described = _example(schema, value)
    kinds = [_MULTIPART] if _files(inside) else [_URLENCODED, _MULTIPART]
    return {"required": True, "content": dict.fromkeys(kinds, described)}


def _object(
    inside: list[Parameter], schemas: Schemas, *, null: bool, optional: bool
) -> tuple[dict[str, Any], Any]:
    """An object of which each parameter is a member: its schema, and an example.

    ``optional``: whether the example shows what may be left out.
    """
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {p.alias: field_schema(p, schemas, null=null) for p in inside},
    }
    required = [p for p in inside if p.required]
    if required:
        schema["required"] = [p.alias for p in required]
    values = {
        p.alias: example(p.type, p.name, strict=null) if p.required else _default(p)
        for p in (inside if optional else required)
    }
    if any(values[p.alias] is NO_EXAMPLE for p in required):
        return schema, NO_EXAMPLE
    return schema, {name: value for name, value in values.items() if value is not NO_EXAMPLE}


def _default(parameter: Parameter) -> Any:
    if parameter.default is None:
        return example(parameter.type, parameter.name)
    return plainly(parameter.default)


def _typed(schema: dict[str, Any], value: Any) -> dict[str, Any]:
    return {JSON.media: _example(schema, value), MSGPACK.media: {"schema": schema}}


def _example(schema: dict[str, Any], value: Any) -> dict[str, Any]:
    return {"schema": schema} if value is NO_EXAMPLE else {"schema": schema, "example": value}


def _files(inside: list[Parameter]) -> bool:
    return any(_holds_file(parameter.type) for parameter in inside)


def _holds_file(hint: Any) -> bool:
    return hint is Upload or any(map(_holds_file, get_args(hint)))
