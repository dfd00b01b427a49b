"""coterie describe: a service's contract, in the form asked for."""

import enum
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec import inspect as types
from msgspec.json import schema

from coterie.binding.rest.openapi import openapi
from coterie.contract import Description, Event, Fault, Operation
from coterie.system import ServicePlan, System, load, resolve

from .arguments import slots
from .completion import subjects
from .kinds import kind
from .naming import operation_of, service_of
from .options import Profile, SystemOption
from .output import say, show_json, table

__all__ = ["verb"]


class Form(enum.StrEnum):
    """What a contract can be shown as."""

    TEXT = "text"
    JSON = "json"
    OPENAPI = "openapi"


def verb(
    subject: Annotated[
        str | None,
        typer.Argument(
            metavar="SERVICE",
            help="A service, or one operation such as orders.place; all services without it.",
            show_default=False,
            autocompletion=subjects,
        ),
    ] = None,
    system: SystemOption = Path(),
    form: Annotated[
        Form,
        typer.Option("--as", metavar="FORM", help="text, json, or openapi (OpenAPI 3.1)."),
    ] = Form.TEXT,
    profile: Profile = None,
) -> None:
    """Show what a service promises.

    Without a service, --as openapi prints the document that the gateway serves.

    \b
    Examples:
      coterie describe --system examples/shop
      coterie describe orders.place --system examples/shop
      coterie describe orders --as openapi > orders.json
    """
    loaded = load(system, profile=profile)
    if subject is not None and "." in subject:
        services = resolve(loaded)
        named = operation_of(services, subject)
        if form is Form.TEXT:
            _show_operation(named.operation)
            return
        if form is Form.JSON:
            show_json(_operation(named.operation), indent=True)
            return
        subject = named.service.name
    if subject is not None:
        service_of(loaded, subject)
    found = [service for service in resolve(loaded) if subject in (None, service.name)]
    match form:
        case Form.OPENAPI:
            show_json(_openapi(loaded, found, subject), indent=True)
        case Form.JSON:
            show_json([_service(service) for service in found], indent=True)
        case Form.TEXT:
            for service in found:
                _show_service(service)


def _openapi(system: System, services: Iterable[ServicePlan], subject: str | None) -> Any:
    alone = subject is not None
    shown = [service for service in services if alone or service.spec.public]
    return openapi(
        [description for service in shown for description in service.descriptions],
        title=subject or system.name,
        version=system.version or "1.0",
        secured=system.identity is not None,
        public=not alone,
    )


def _show_service(service: ServicePlan) -> None:
    for description in service.descriptions:
        named = description.name
        if service.name != named:
            named = f"{named} (service {service.name})"
        say(f"{named} {description.version}  {description.summary}", "bold")
        rows = [
            (
                operation.method,
                operation.path or "(other services)",
                operation.id,
                operation.summary,
            )
            for operation in description.operations
        ]
        table(("METHOD", "PATH", "OPERATION", "SUMMARY"), rows)
        for event in description.events:
            say(f"event {event.name}: {_fields(event.payload)}")
        say("")


def _show_operation(operation: Operation) -> None:
    say(f"{operation.id}  {operation.method} {operation.route}", "bold")
    say(operation.description)
    say("")
    rows = [("may call", _who(operation))]
    rows += [
        ("takes" if number == 0 else "", f"{slot.name}{'' if slot.required else '?'}: {slot.kind}")
        for number, slot in enumerate(slots(operation))
    ]
    rows.append(("gives", f"{operation.status}, {_result(operation)}"))
    rows += [
        ("refuses" if number == 0 else "", f"{fault.status}, {fault.kind}: {_message(fault)}")
        for number, fault in enumerate(operation.faults)
    ]
    if operation.deprecated:
        rows.append(("deprecated", "" if operation.deprecated is True else operation.deprecated))
    width = max(len(title) for title, _ in rows)
    for title, told in rows:
        say(f"{title.ljust(width)}  {told}".rstrip())


def _who(operation: Operation) -> str:
    return "as the system says" if operation.rule is None else str(operation.rule)


def _result(operation: Operation) -> str:
    result = operation.result
    if result.redirect:
        return "a redirect"
    if result.media is not None:
        return result.media
    if result.type is type(None):
        return "nothing"
    return kind(types.type_info(result.type))


def _message(fault: type[Fault]) -> str:
    return " ".join((fault.__doc__ or "").split("\n\n")[0].split())


def _fields(payload: Any) -> str:
    return kind(types.type_info(payload))


def _service(service: ServicePlan) -> dict[str, Any]:
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
        "operations": [_operation(operation) for operation in description.operations],
        "events": [_event(event) for event in description.events],
    }


def _operation(operation: Operation) -> dict[str, Any]:
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
            "media": operation.result.media or "application/json",
            "schema": _result_schema(operation),
        },
        "faults": [
            {
                "fault": fault.kind,
                "code": fault.code.value,
                "status": fault.status,
                "message": _message(fault),
                "schema": _schema(fault.wire()),
            }
            for fault in operation.faults
        ],
    }


def _event(event: Event[Any]) -> dict[str, Any]:
    return {"event": event.name, "schema": _schema(event.payload)}


def _result_schema(operation: Operation) -> Any:
    result = operation.result
    if result.stream or result.redirect or result.media is not None:
        return None
    return _schema(result.type)


def _schema(kind_: Any) -> Any:
    try:
        return schema(kind_)
    except TypeError:  # a type of the user's own that only their code encodes
        return None
