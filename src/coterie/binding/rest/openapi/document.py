"""openapi(): contracts as one OpenAPI 3.1 document."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from coterie.call import Violation
from coterie.contract import Description, Operation, Source, paragraph

from .access import Access, access
from .bodies import body
from .parameters import parameters
from .problems import RESERVED, Problems
from .responses import success
from .schemas import Schemas

__all__ = ["openapi"]

_BRACE = re.compile(r"\{([^{}]*)\}")
_SCHEME = "bearer"


def openapi(
    descriptions: Sequence[Description],
    *,
    title: str,
    version: str,
    servers: Sequence[str] = (),
    secured: bool = False,
    public: bool = False,
) -> dict[str, Any]:
    """The OpenAPI 3.1 document of these contracts, as plain values ready to be encoded.

    ``servers`` are base URLs; none means the place the document came from. ``secured``: an
    operation without a rule of its own still asks for a token. ``public`` leaves out what only
    other services may call.

    Raises `ValueError` when two operations promise the same method and path.
    """
    operations = [
        operation
        for description in descriptions
        for operation in description.operations
        if operation.path is not None or not public
    ]
    schemas = Schemas(_hints(operations), RESERVED)
    problems = Problems(schemas)
    paths = _Paths()
    identities = _identities(operations)
    secret = False
    for operation in operations:
        who = access(operation.rule, secured=secured)
        secret = secret or not who.anonymous
        template, renamed = paths.place(operation)
        written = _operation(operation, who, schemas, problems, renamed)
        paths.add(template, operation, {"operationId": identities[operation], **written})
    components: dict[str, Any] = {
        "schemas": schemas.components(),
        "responses": problems.components(),
    }
    if secret:
        components["securitySchemes"] = {_SCHEME: _BEARER}
    document: dict[str, Any] = {"openapi": "3.1.0", "info": {"title": title, "version": version}}
    if len(descriptions) == 1 and descriptions[0].description:
        document["info"]["description"] = descriptions[0].description
    if servers:
        document["servers"] = [{"url": url} for url in servers]
    document["tags"] = _tags(descriptions, operations)
    document["paths"] = paths.written
    document["components"] = {name: inside for name, inside in components.items() if inside}
    return document


_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "An access token (RFC 6750), sent as `Authorization: Bearer ...`",
}


class _Paths:
    """The paths of a document: templates that differ in their braces' names alone are one."""

    def __init__(self) -> None:
        self.written: dict[str, dict[str, Any]] = {}
        self._templates: dict[str, str] = {}
        self._owners: dict[tuple[str, str], Operation] = {}

    def place(self, operation: Operation) -> tuple[str, dict[str, str]]:
        """The template to use, and what its braces call the operation's own names."""
        own = operation.route
        template = self._templates.setdefault(_BRACE.sub("{}", own), own)
        return template, dict(zip(_BRACE.findall(own), _BRACE.findall(template), strict=True))

    def add(self, template: str, operation: Operation, written: dict[str, Any]) -> None:
        key = (operation.method, template)
        other = self._owners.setdefault(key, operation)
        if other is not operation:
            raise ValueError(
                f"{operation.method} {operation.route} is promised by {other.id} and by"
                f" {operation.id}: give one of them another path"
            )
        self.written.setdefault(template, {})[operation.method.lower()] = written


def _operation(
    operation: Operation,
    who: Access,
    schemas: Schemas,
    problems: Problems,
    renamed: dict[str, str],
) -> dict[str, Any]:
    written: dict[str, Any] = {"tags": list(operation.tags)}
    if operation.summary:
        written["summary"] = operation.summary
    told = "\n\n".join(_told(operation, who))
    if told:
        written["description"] = told
    inside = parameters(operation, schemas, renamed)
    if inside:
        written["parameters"] = inside
    taken = body(operation, schemas)
    if taken is not None:
        written["requestBody"] = taken
    written["responses"] = success(operation, schemas) | problems.of(operation, who)
    if not who.anonymous:
        written["security"] = [{_SCHEME: list(who.scopes)}]
    if operation.deprecated or operation.sunset:
        written["deprecated"] = True
    if operation.sunset:
        written["x-sunset"] = operation.sunset.isoformat()
    return written


def _told(operation: Operation, who: Access) -> Iterator[str]:
    """The paragraphs of an operation's description, its summary not said twice."""
    first = paragraph(operation.description)
    rest = operation.description
    if first.removesuffix(".") == operation.summary:
        _, _, rest = operation.description.strip().partition("\n\n")
    if rest:
        yield rest
    if isinstance(operation.deprecated, str):
        yield f"**Deprecated:** {operation.deprecated}"
    if operation.sunset:
        yield f"**Gone from** {operation.sunset.isoformat()} (RFC 8594)."
    if who.told:
        yield f"**Allowed:** {who.told}."


def _identities(operations: Sequence[Operation]) -> dict[Operation, str]:
    """``orders.place``; with the version where two versions of a contract are served."""
    count = Counter(operation.id for operation in operations)
    return {
        operation: operation.id
        if count[operation.id] == 1
        else f"{operation.contract}.v{operation.major}.{operation.name}"
        for operation in operations
    }


def _tags(
    descriptions: Sequence[Description], operations: Sequence[Operation]
) -> list[dict[str, str]]:
    used = {tag for operation in operations for tag in operation.tags}
    told: dict[str, str] = {}
    for description in descriptions:
        if description.name in used:
            told.setdefault(description.name, description.description)
    for operation in operations:
        for tag in operation.tags:
            told.setdefault(tag, "")
    return [
        {"name": name, "description": text} if text else {"name": name}
        for name, text in told.items()
    ]


def _hints(operations: Sequence[Operation]) -> Iterator[Any]:
    """Every type a document speaks of, in the order of appearance."""
    yield Violation
    for operation in operations:
        for parameter in operation.parameters:
            if not (parameter.source is Source.BODY and parameter.stream):
                yield parameter.type
        if not operation.result.stream:
            yield operation.result.type
        for fault in operation.faults:
            yield fault.wire()
