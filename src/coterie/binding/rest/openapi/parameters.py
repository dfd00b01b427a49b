"""The parameters of an operation, as OpenAPI describes them."""

from collections.abc import Mapping
from typing import Any

from coterie.binding.rest.arguments import many
from coterie.contract import Operation, Parameter, Source

from .examples import NO_EXAMPLE, example
from .plain import plainly
from .schemas import Schemas

__all__ = ["field_schema", "parameters"]

_IN = {
    Source.PATH: "path",
    Source.QUERY: "query",
    Source.HEADER: "header",
    Source.COOKIE: "cookie",
}

_KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "Names what you want done, a UUID say: the same request with the same key is done"
    " once, and answered as it was the first time",
    # What begins with a quote is a string of structured fields (RFC 9651), and taken as well.
    "schema": {"type": "string", "maxLength": 255, "pattern": "^[!#-~]([ -~]*[!-~])?$"},
    "example": "8e03978e-40d5-43dd-bc93-6894a57f9324",
}

# A list repeats its name: ?tag=a&tag=b
_REPEATED: dict[str, Any] = {"style": "form", "explode": True}


def parameters(
    operation: Operation, schemas: Schemas, renamed: Mapping[str, str]
) -> list[dict[str, Any]]:
    """All of them, in the order of the method's own.

    ``renamed`` says what the path's braces are called in the document.
    """
    found = [
        _parameter(parameter, schemas, renamed)
        for parameter in operation.parameters
        if parameter.source in _IN
    ]
    given = {(entry["in"], entry["name"].lower()) for entry in found}
    for name, description in _conditions(operation):
        if ("header", name.lower()) not in given:
            found.append(
                {
                    "name": name,
                    "in": "header",
                    "description": description,
                    "schema": {"type": "string"},
                }
            )
    if operation.keyed and ("header", _KEY["name"].lower()) not in given:
        found.append(_KEY)
    return found


def field_schema(parameter: Parameter, schemas: Schemas, *, null: bool = False) -> dict[str, Any]:
    """The schema of one parameter; what travels as text is never null, it is left out instead."""
    schema = schemas.of(parameter.type, null=null)
    if not parameter.required and parameter.default is not None:
        schema = {**schema, "default": plainly(parameter.default)}
    return schema


def _parameter(
    parameter: Parameter, schemas: Schemas, renamed: Mapping[str, str]
) -> dict[str, Any]:
    place = parameter.source
    schema = field_schema(parameter, schemas)
    entry: dict[str, Any] = {"name": parameter.alias, "in": _IN[place]}
    if place is Source.PATH:
        entry["name"] = renamed.get(parameter.name, parameter.name)
        if schema.get("type") == "string" and not {"format", "pattern"} & set(schema):
            schema.setdefault("minLength", 1)  # an empty segment is another path
    if "description" in schema:
        entry["description"] = schema.pop("description")
    if parameter.required or place is Source.PATH:
        entry["required"] = True
    if many(parameter.type):
        entry |= {"style": "simple"} if place is Source.HEADER else _REPEATED
    examples: list[Any] = schema.pop("examples", None) or _examples(parameter)
    if examples:
        entry["example"] = examples[0]
    entry["schema"] = schema
    return entry


def _examples(parameter: Parameter) -> list[Any]:
    # What is optional gets none: a page that fills examples in would send them.
    if not parameter.required:
        return []
    value = example(parameter.type, parameter.name, strict=False)
    return [] if value is NO_EXAMPLE else [value]


def _conditions(operation: Operation) -> list[tuple[str, str]]:
    """Headers of conditional requests (RFC 9110, 13.1)."""
    found: list[tuple[str, str]] = []
    if operation.etag:
        what = "Entity tags of what you have: 304 if it is still current"
        found.append(("If-None-Match", what))
    if operation.if_match is not None:
        what = f"Entity tag from `{operation.if_match}`: refused with 412 if it has changed since"
        found.append(("If-Match", what))
    return found
