"""upgraded(): a document of Swagger 2.0 as one of OpenAPI 3.0 that says the same."""

from collections.abc import Iterator
from typing import Any

from .note import Unreadable

__all__ = ["upgraded"]

Values = dict[str, Any]

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
# What a parameter says of its values stands in a schema since 3.0.
_OF_SCHEMA = [
    "type",
    "format",
    "items",
    "default",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "enum",
    "multipleOf",
]
_PLACES = {
    "#/definitions/": "#/components/schemas/",
    "#/parameters/": "#/components/parameters/",
    "#/responses/": "#/components/responses/",
}
_URLENCODED = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"


def upgraded(values: Values) -> Values:
    """The same promises in the words of OpenAPI 3.0.

    Source: OpenAPI 2.0 and 3.0.3. ``collectionFormat`` becomes ``style`` and ``explode``; what has
    no word there keeps its old one, and is noted where it is read.
    """
    consumes = _media(values.get("consumes")) or ["application/json"]
    produces = _media(values.get("produces")) or ["application/json"]
    shared: Values = _object(values.get("parameters"))
    paths = {
        path: _path(_object(item), consumes, produces, shared)
        for path, item in _object(values.get("paths")).items()
    }
    made: Values = {
        "openapi": "3.0.3",
        "info": values.get("info", {}),
        "paths": paths,
        "components": {
            "schemas": values.get("definitions", {}),
            "responses": {
                name: _response(_object(response), produces)
                for name, response in _object(values.get("responses")).items()
            },
            "securitySchemes": values.get("securityDefinitions", {}),
        },
    }
    made |= {name: values[name] for name in ("security", "tags") if name in values}
    host, prefix = values.get("host"), values.get("basePath")
    if host or prefix not in (None, "", "/"):
        scheme = (_media(values.get("schemes")) or ["https"])[0]
        made["servers"] = [{"url": f"{f'{scheme}://{host}' if host else ''}{prefix or ''}"}]
    renamed: Values = _renamed(made)
    return renamed


def _media(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _object(value: object) -> Values:
    return value if isinstance(value, dict) else {}


def _path(item: Values, consumes: list[str], produces: list[str], shared: Values) -> Values:
    whole = list(_followed(item.get("parameters"), shared))
    made = {name: value for name, value in item.items() if name not in (*_METHODS, "parameters")}
    for method in _METHODS:
        if method in item:
            operation = _object(item[method])
            own = list(_followed(operation.get("parameters"), shared))
            told = [(p.get("in"), p.get("name")) for p in own]
            every = [p for p in whole if (p.get("in"), p.get("name")) not in told] + own
            made[method] = _operation(operation, every, consumes, produces)
    return made


def _followed(parameters: object, shared: Values) -> Iterator[Values]:
    for parameter in parameters if isinstance(parameters, list) else ():
        found, reference = parameter, _object(parameter).get("$ref")
        if isinstance(reference, str):
            name = reference.rpartition("/")[2]
            if name not in shared:
                remedy = "Add what it names, or mend the reference"
                raise Unreadable("#/parameters", f"$ref {reference!r} leads to nothing", remedy)
            found = shared[name]
        yield _object(found)


def _operation(
    operation: Values, parameters: list[Values], consumes: list[str], produces: list[str]
) -> Values:
    takes = _media(operation.get("consumes")) or consumes
    gives = _media(operation.get("produces")) or produces
    left_out = ("parameters", "consumes", "produces", "responses", "schemes")
    made = {name: value for name, value in operation.items() if name not in left_out}
    made["parameters"] = [_parameter(p) for p in parameters if p.get("in") not in _IN_BODY]
    fields = [p for p in parameters if p.get("in") == "formData"]
    for parameter in parameters:
        if parameter.get("in") == "body":
            content = {media: {"schema": parameter.get("schema", {})} for media in takes}
            made["requestBody"] = {
                "content": content,
                "required": parameter.get("required", False),
            }
    if fields:
        made["requestBody"] = _form(fields, takes)
    responses = _object(operation.get("responses"))
    made["responses"] = {
        status: _response(_object(response), gives) for status, response in responses.items()
    }
    return made


_IN_BODY = ("body", "formData")


def _form(fields: list[Values], takes: list[str]) -> Values:
    files = any(field.get("type") == "file" for field in fields)
    kinds = [media for media in takes if media in (_URLENCODED, _MULTIPART)]
    if files or not kinds:
        kinds = [_MULTIPART] if files else [_URLENCODED]
    schema = {
        "type": "object",
        "properties": {str(field.get("name")): _values_of(field) for field in fields},
        "required": [str(field.get("name")) for field in fields if field.get("required")],
    }
    return {"content": {kind: {"schema": schema} for kind in kinds}, "required": True}


def _values_of(parameter: Values) -> Values:
    schema = {name: parameter[name] for name in _OF_SCHEMA if name in parameter}
    if schema.get("type") == "file":
        schema |= {"type": "string", "format": "binary"}
    if "description" in parameter:
        schema["description"] = parameter["description"]
    return schema


def _parameter(parameter: Values) -> Values:
    schema = _values_of(parameter)
    schema.pop("description", None)
    made = {name: value for name, value in parameter.items() if name not in _OF_SCHEMA}
    style = made.pop("collectionFormat", "csv")
    if schema.get("type") == "array" and made.get("in") == "query":
        made |= {"style": "form", "explode": style == "multi"}
        if style in ("ssv", "tsv", "pipes"):
            made["style"] = {"pipes": "pipeDelimited"}.get(style, "spaceDelimited")
    return {**made, "schema": schema}


def _response(response: Values, produces: list[str]) -> Values:
    made = {name: value for name, value in response.items() if name not in ("schema", "examples")}
    headers = _object(response.get("headers"))
    if headers:
        made["headers"] = {
            name: {"schema": _values_of(_object(header))} for name, header in headers.items()
        }
    if "schema" in response:
        schema = response["schema"]
        if _object(schema).get("type") == "file":
            schema = {"type": "string", "format": "binary"}
            produces = [m for m in produces if "json" not in m] or ["application/octet-stream"]
        made["content"] = {media: {"schema": schema} for media in produces}
    return made


def _renamed(value: Any) -> Any:
    if isinstance(value, list):
        return [_renamed(item) for item in value]
    if not isinstance(value, dict):
        return value
    made = {name: _renamed(inside) for name, inside in value.items()}
    reference = made.get("$ref")
    if isinstance(reference, str):
        for old, new in _PLACES.items():
            if reference.startswith(old):
                made["$ref"] = new + reference.removeprefix(old)
    if made.pop("x-nullable", None) is True:
        made["nullable"] = True
    if isinstance(made.get("discriminator"), str):
        made["discriminator"] = {"propertyName": made["discriminator"]}
    return made
