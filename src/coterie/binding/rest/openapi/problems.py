"""What can go wrong with an operation: its faults, and the problems of any operation (RFC 9457)."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from coterie.binding.rest.media import JSON
from coterie.binding.rest.problem import MEDIA, problem_reply, problem_type
from coterie.call import Failure, Violation
from coterie.contract import Code, Fault, Operation, Source, paragraph

from .access import Access
from .examples import NO_EXAMPLE, example
from .schemas import Schemas

__all__ = ["RESERVED", "Problems"]

RESERVED = ("InvalidRequest", "Problem")
"""Names of components that no model may take."""

# status -> name of the shared answer, what it means
_STANDARD = {
    400: ("InvalidRequest", "Not valid; `errors` names every field that is wrong"),
    401: ("Unauthenticated", "No token came, or one that does not hold"),
    403: ("Forbidden", "The token holds, but does not allow this"),
    406: ("NotAcceptable", "The answer comes in no form that `Accept` names"),
    409: (
        "StillRunning",
        "The first request with this `Idempotency-Key` has not been answered yet",
    ),
    412: ("Changed", "It has changed since the entity tag in `If-Match` was read"),
    413: ("TooLarge", "The body is larger than this service takes"),
    415: ("UnsupportedMediaType", "The body comes in a `Content-Type` not understood here"),
    422: ("KeyUsedBefore", "This `Idempotency-Key` came with another request before"),
}

_MEMBERS: dict[str, Any] = {
    "type": {
        "type": "string",
        "description": "Which problem this is; `about:blank`: as the status",
    },
    "title": {"type": "string", "description": "The kind of problem, in words"},
    "status": {"type": "integer", "description": "The HTTP status"},
    "detail": {"type": "string", "description": "What went wrong this time, and what to do"},
    "code": {"enum": [code.value for code in Code], "description": "What clients decide by"},
    "trace_id": {"type": "string", "description": "Names this call in logs and traces"},
}
_REQUIRED = ["type", "title", "status", "detail", "code"]


@dataclass(frozen=True, slots=True)
class _Answer:
    """One thing that may be answered under a status."""

    name: str
    description: str
    schema: dict[str, Any]
    example: Any
    media: str = MEDIA


class Problems:
    """The answers of one document that tell problems; those of any operation are written once."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._shared: dict[str, dict[str, Any]] = {}

    def of(self, operation: Operation, access: Access) -> dict[str, dict[str, Any]]:
        """The answers of one operation by status, ``default`` last."""
        found: dict[int, list[_Answer]] = {}
        for fault in operation.faults:
            found.setdefault(fault.status, []).append(self._fault(fault))
        standard = set(_standard(operation, access))
        answers: dict[str, dict[str, Any]] = {}
        for status in sorted(found.keys() | standard):
            if status not in found:
                answers[str(status)] = self._refer(status)
                continue
            if status in standard:
                found[status].append(self._plain(status))
            answers[str(status)] = _written(found[status])
        if "Problem" not in self._shared:
            shown = _sent(Failure(Code.UNAVAILABLE, "Not now; try again in a moment"))
            what = "Anything else that went wrong"
            self._shared["Problem"] = _written([_Answer("Problem", what, self._problem(), shown)])
        return {**answers, "default": {"$ref": "#/components/responses/Problem"}}

    def components(self) -> dict[str, dict[str, Any]]:
        """The shared answers that were referred to so far, by name."""
        return dict(sorted(self._shared.items()))

    def _refer(self, status: int) -> dict[str, Any]:
        name = _STANDARD[status][0]
        if name not in self._shared:
            written = _written([self._plain(status)])
            if status == 401:
                challenge = {"description": "RFC 6750, 3", "schema": {"type": "string"}}
                written["headers"] = {"WWW-Authenticate": challenge}
            self._shared[name] = written
        return {"$ref": f"#/components/responses/{name}"}

    def _plain(self, status: int) -> _Answer:
        name, what = _STANDARD[status]
        wrong = (Violation("Expected `int` >= 1", "#/quantity"),) if status == 400 else ()
        failure = Failure(Code.of_status(status), what, status=status, violations=wrong)
        schema = self._invalid() if status == 400 else self._problem()
        return _Answer(name, what, schema, _sent(failure))

    def _problem(self) -> dict[str, Any]:
        return self._schemas.define("Problem", _details("A problem", type="about:blank"))

    def _invalid(self) -> dict[str, Any]:
        schema = _details("A request that is not valid", type="about:blank")
        schema["properties"]["errors"] = {
            "type": "array",
            "items": self._schemas.of(Violation),
            "description": "Every field that is wrong, twenty at most",
        }
        return self._schemas.define("InvalidRequest", schema)

    def _fault(self, fault: type[Fault]) -> _Answer:
        wire = fault.wire()
        told = paragraph(fault.__doc__) or fault.kind
        record = self._schemas.record(wire)
        if fault.bare:
            schema = {"description": told, **record}
        else:
            schema = _details(
                told, type=problem_type(fault), status=fault.status, code=fault.code.value
            )
            schema["properties"] |= record["properties"]
            schema["required"] = [*_REQUIRED, *record["properties"]]
        values = example(wire)
        shown = NO_EXAMPLE if values is NO_EXAMPLE else _sent(fault.from_wire(values))
        reference = self._schemas.define(self._schemas.name(wire), schema)
        return _Answer(fault.kind, told, reference, shown, JSON.media if fault.bare else MEDIA)


def _standard(operation: Operation, access: Access) -> Iterator[int]:
    """The statuses below 500 that the frame itself may answer."""
    body = {p.source for p in operation.parameters} & {Source.BODY, Source.FORM, Source.MEMBER}
    yield from _where(
        {
            400: bool(operation.parameters) or operation.keyed,
            401: not access.anonymous,
            403: access.refuses,
            406: not operation.result.redirect,
            409: operation.keyed,
            412: operation.if_match is not None,
            413: bool(body),
            415: bool(body),
            422: operation.keyed,
        }
    )


def _where(holding: dict[int, bool]) -> Iterator[int]:
    return (status for status, holds in holding.items() if holds)


def _details(description: str, **fixed: Any) -> dict[str, Any]:
    members: dict[str, Any] = {
        name: {"const": fixed[name]} if name in fixed else member
        for name, member in _MEMBERS.items()
    }
    return {
        "description": description,
        "type": "object",
        "properties": members,
        "required": list(_REQUIRED),
    }


def _written(answers: list[_Answer]) -> dict[str, Any]:
    """One response that stands for several answers of the same status."""
    told = "".join(f"- {a.description}\n" for a in answers)
    return {
        "description": answers[0].description if len(answers) == 1 else told,
        "content": {
            media: _content([a for a in answers if a.media == media])
            for media in dict.fromkeys(answer.media for answer in answers)
        },
    }


def _content(answers: list[_Answer]) -> dict[str, Any]:
    # Nothing in a bare fault says which it is: a body may fit the schemas of two.
    of = "oneOf" if answers[0].media == MEDIA else "anyOf"
    one = len(answers) == 1
    content: dict[str, Any] = {
        "schema": answers[0].schema if one else {of: [answer.schema for answer in answers]}
    }
    examples = {a.name: {"value": a.example} for a in answers if a.example is not NO_EXAMPLE}
    if examples:
        content["examples"] = examples
    return content


def _sent(error: Fault | Failure) -> Any:
    body = problem_reply(error).body
    return json.loads(body) if isinstance(body, bytes) else NO_EXAMPLE
