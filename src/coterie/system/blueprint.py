"""Blueprint: what one look at a whole system finds, as data that other processes work from."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
from msgspec import Raw, Struct

from coterie.binding.rest.openapi import openapi
from coterie.contract import Description
from coterie.server import Page
from coterie.server.pages import Document, Pages

from .check import plan
from .engines import identity
from .inventory import Inventory, inventory_of
from .model import System
from .pages import jwks_page
from .plan import Planned, ServicePlan
from .program_specs import Mount

__all__ = ["Blueprint", "blueprint", "gateway_pages"]


class Blueprint(Struct, frozen=True):
    """The inventory of a system, and its OpenAPI documents: of the whole, and by service."""

    inventory: Inventory
    whole: Raw = Raw(b"{}")
    documents: dict[str, Raw] = {}


def blueprint(system: System) -> Blueprint:
    """Look at all of ``system``, importing every service; make its keys if it has identity.

    Raises `SystemProblems` with every problem.
    """
    services = plan(system).everyone
    if system.identity is not None:
        system.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        identity(system.identity, system.state / "identity")
    inventory = inventory_of(system, services)
    if not system.gateway.docs:
        return Blueprint(inventory)
    public = [service for service in services if service.spec.public and service.descriptions]
    shown = {service.name: service.descriptions for service in public}
    moved = {service.name: mounts for service in public if (mounts := _mounts(service))}
    every = [d for name, promised in shown.items() if name not in moved for d in promised]
    return Blueprint(
        inventory,
        _document(system, system.name, every),
        {
            name: _document(system, f"{system.name}: {name}", shown[name], moved.get(name, ()))
            for name in shown
        },
    )


def gateway_pages(
    system: System, made: Blueprint, elsewhere: Sequence[str] = ()
) -> tuple[Page, ...]:
    """What the gateway answers beside operations, without importing a service.

    ``elsewhere`` are services of which another page has the document.
    """
    pages: list[Page] = []
    if system.gateway.docs:
        documents: dict[str, Document] = {
            name: partial(_decoded, raw) for name, raw in made.documents.items()
        }
        documents |= dict.fromkeys(elsewhere, dict)
        pages.append(Pages(partial(_decoded, made.whole), documents, title=system.name))
    if system.identity is not None:
        pages.append(jwks_page(identity(system.identity, system.state / "identity").jwks()))
    return tuple(pages)


def _mounts(service: Planned) -> tuple[Mount, ...]:
    return () if isinstance(service, ServicePlan) else service.spec.mounts(service.name)


def _document(
    system: System, title: str, descriptions: Sequence[Description], mounts: Sequence[Mount] = ()
) -> Raw:
    """The document of ``descriptions``; of a program that is mounted, as the outside sees it."""
    document = openapi(
        descriptions,
        title=title,
        version=system.version or "1.0",
        secured=system.identity is not None,
        public=True,
    )
    if mounts:
        document = {**document, "paths": _outside(document["paths"], mounts)}
    return Raw(msgspec.json.encode(document))


def _outside(paths: Mapping[str, Any], mounts: Sequence[Mount]) -> dict[str, Any]:
    """Where the gateway has each of ``paths``; those that no mount leads to are left out."""
    return {
        outside: told
        for path, told in paths.items()
        for outside in (mount.public(path) for mount in mounts)
        if outside is not None
    }


def _decoded(raw: Raw) -> Mapping[str, Any]:
    found: Mapping[str, Any] = msgspec.json.decode(raw)
    return found
