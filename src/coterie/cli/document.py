"""A service's contract as one JSON document: operations, what they take and give, events."""

from typing import Any

from msgspec.json import schema

from coterie.contract import Description, Event, Operation
from coterie.system import Planned

from .wording import message_of

__all__ = ["operation_document", "service_document"]


def service_document(service: Planned) -> dict[str, Any]:
    """A service and all it promises."""
    return {
        "service": service.name,
        "public": service.spec.public,
        "contracts": [_contract(description) for description in service.descriptions],
    }


def _contract(description: Description) -> dict[str, Any]:
    return {
        "contract": description.name,
        "version": description.version,
        "description": description.description,
        "operations": [operation_document(operation) for operation in description.operations],
        "events": [_event(event) for event in description.events],
    }


def operation_document(operation: Operation) -> dict[str, Any]:
    """One operation; schemas are JSON Schema 2020-12."""
    return {
        "operation": operation.id,
        "version": operation.version,
        "method": operation.method,
        "path": operation.path,
        "summary": operation.summary,
        "description": operation.description,
        "allow": None if operation.rule is None else str(operation.rule),
        "safe": operation.safe,
        "idempotent": operation.idempotent,
        "deprecated": operation.deprecated,
        "sunset": operation.sunset,
        "parameters": [
            {
                "name": parameter.name,
                "in": parameter.source.value,
                "as": parameter.alias,
                "required": parameter.required,
                "schema": None if parameter.stream else _schema(parameter.type),
            }
            for parameter in operation.parameters
        ],
        "result": {
            "status": operation.status,
            "media": None if operation.result.redirect else _media(operation),
            "schema": _result_schema(operation),
        },
        "faults": [
            {
                "fault": fault.kind,
                "code": fault.code.value,
                "status": fault.status,
                "message": message_of(fault),
                "schema": _schema(fault.wire()),
            }
            for fault in operation.faults
        ],
    }


def _media(operation: Operation) -> str:
    return operation.result.media or "application/json"


def _event(event: Event[Any]) -> dict[str, Any]:
    return {"event": event.name, "schema": _schema(event.payload)}


def _result_schema(operation: Operation) -> Any:
    result = operation.result
    if result.stream or result.redirect or result.media is not None:
        return None
    return _schema(result.type)


def _schema(shown: Any) -> Any:
    try:
        return schema(shown)
    except TypeError:  # a type of the user's own that only their code encodes
        return None
