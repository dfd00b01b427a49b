"""The answers of an operation that succeeded, as OpenAPI describes them."""

from typing import Any, get_origin

import msgspec

from coterie.binding.rest.media import JSON, MSGPACK
from coterie.contract import Operation, Page
from coterie.contract.hint import strip

from .bodies import bare_media, raw_schema
from .examples import NO_EXAMPLE, example
from .schemas import Schemas

__all__ = ["success"]

_TAG = {"description": "Names this state (RFC 9110, 8.8.3)", "schema": {"type": "string"}}
_KEPT = {
    "description": "How long the answer may be kept (RFC 9111, 5.2.2)",
    "schema": {"type": "string"},
}
_LINK = {"description": 'The next part, as `rel="next"` (RFC 8288)', "schema": {"type": "string"}}
_LOCATION = {
    "description": "Where to go",
    "required": True,
    "schema": {"type": "string", "format": "uri-reference"},
}


def success(operation: Operation, schemas: Schemas) -> dict[str, dict[str, Any]]:
    """The responses by status: one, or two where a current copy is answered 304."""
    result = operation.result
    if result.redirect:
        # Which of the redirects it is, the service decides call by call.
        return {"3XX": {"description": "Success", "headers": {"Location": _LOCATION}}}
    response: dict[str, Any] = {"description": "Success"}
    headers = _headers(operation, schemas)
    if headers:
        response["headers"] = headers
    content = _content(operation, schemas)
    if content:
        response["content"] = content
    found = {str(operation.status): response}
    if operation.etag:
        told = {"ETag": _TAG} | ({} if operation.max_age is None else {"Cache-Control": _KEPT})
        found["304"] = {"description": "What you have is current", "headers": told}
    return found


def _headers(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    struct = strip(operation.result.type)
    if operation.result.headers:
        fields = {field.name: field for field in msgspec.structs.fields(struct)}
        for name, header in operation.result.headers:
            schema = schemas.of(fields[name].type, null=False)
            told = schema.pop("description", None)
            headers[header] = (
                {"description": told, "schema": schema} if told else {"schema": schema}
            )
    if operation.etag:
        headers["ETag"] = _TAG
    if operation.max_age is not None:
        headers["Cache-Control"] = _KEPT
    if get_origin(struct) is Page:
        headers["Link"] = _LINK
    return headers


def _content(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    result = operation.result
    if result.type is type(None):
        return {}
    if result.media is not None:
        kind = bare_media(result.media)
        return {kind: {"schema": raw_schema(result.type, kind, schemas, stream=result.stream)}}
    travelling = {name for name, _ in result.headers}
    schema = schemas.record(result.type, travelling) if travelling else schemas.of(result.type)
    described: dict[str, Any] = {"schema": schema}
    value = example(result.type, operation.name, without=travelling)
    if value is not NO_EXAMPLE:
        described["example"] = value
    return {JSON.media: described, MSGPACK.media: {"schema": schema}}
