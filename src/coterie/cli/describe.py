"""coterie describe: a service's contract, in the form asked for."""

import enum
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from coterie.binding.rest.openapi import openapi
from coterie.system import Planned, System, load, resolve

from .completion import subjects
from .document import operation_document, service_document
from .naming import operation_of, service_of
from .options import Profile, SystemOption
from .output import show_json
from .wording import show_operation, show_service

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
        named = operation_of(resolve(loaded), subject)
        if form is Form.TEXT:
            show_operation(named.operation, loaded)
            return
        if form is Form.JSON:
            show_json(operation_document(named.operation), indent=True)
            return
        subject = named.service.name  # OpenAPI describes whole services
    elif subject is not None:
        service_of(loaded, subject)
    found = [service for service in resolve(loaded) if subject in (None, service.name)]
    if form is Form.OPENAPI:
        show_json(_openapi(loaded, found, subject), indent=True)
    elif form is Form.JSON:
        show_json([service_document(service) for service in found], indent=True)
    else:
        for service in found:
            show_service(service)


def _openapi(system: System, services: Iterable[Planned], subject: str | None) -> Any:
    alone = subject is not None
    shown = [service for service in services if alone or service.spec.public]
    return openapi(
        [description for service in shown for description in service.descriptions],
        title=subject or system.name,
        version=system.version or "1.0",
        secured=system.identity is not None,
        public=not alone,
    )
