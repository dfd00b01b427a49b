"""Blueprint: what one look at a whole system finds, as data that other processes work from."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
from msgspec import Raw, Struct

from coterie.binding.rest.openapi import openapi
from coterie.contract import Description
from coterie.server import Page
from coterie.server.pages import Pages

from .check import plan
from .engines import identity
from .inventory import Inventory, inventory_of
from .model import System
from .pages import jwks_page

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
    services = plan(system).services
    if system.identity is not None:
        system.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        identity(system.identity, system.state / "identity")
    inventory = inventory_of(system, services)
    if not system.gateway.docs:
        return Blueprint(inventory)
    shown = {s.name: s.descriptions for s in services if s.spec.public}
    every = [description for descriptions in shown.values() for description in descriptions]
    return Blueprint(
        inventory,
        _document(system, system.name, every),
        {name: _document(system, f"{system.name}: {name}", shown[name]) for name in shown},
    )


def gateway_pages(system: System, made: Blueprint) -> tuple[Page, ...]:
    """What the gateway answers beside operations, without importing a service."""
    pages: list[Page] = []
    if system.gateway.docs:
        documents = {name: partial(_decoded, raw) for name, raw in made.documents.items()}
        pages.append(Pages(partial(_decoded, made.whole), documents, title=system.name))
    if system.identity is not None:
        pages.append(jwks_page(identity(system.identity, system.state / "identity").jwks()))
    return tuple(pages)


def _document(system: System, title: str, descriptions: Sequence[Description]) -> Raw:
    document = openapi(
        descriptions,
        title=title,
        version=system.version or "1.0",
        secured=system.identity is not None,
        public=True,
    )
    return Raw(msgspec.json.encode(document))


def _decoded(raw: Raw) -> Mapping[str, Any]:
    found: Mapping[str, Any] = msgspec.json.decode(raw)
    return found
