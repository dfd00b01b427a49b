"""/console/contracts: every service, what it promises, and whom it asks."""

import sqlite3
import time
from collections.abc import Mapping
from urllib.parse import quote

from coterie.console.dashboard.html import Html, joined, tag
from coterie.console.dashboard.known import Asked, Content, Known
from coterie.console.dashboard.records import latest_spans
from coterie.console.dashboard.traffic import Edge, edges
from coterie.system import ContractEntry, ServiceEntry

from .state import empty

__all__ = ["contracts_page"]

_DAY = 86_400.0
_MOST = 5000


async def contracts_page(known: Known, _asked: Asked) -> Content:
    """The inventory of the system."""
    catalogue = await known.live.catalogue()
    if catalogue is None:
        body = empty("The inventory comes from the supervisor, which has not answered yet.")
    else:
        seen: dict[str, set[str]] = {}
        inventory = catalogue.inventory

        def look(database: sqlite3.Connection) -> list[Edge]:
            now = time.time()
            return edges(latest_spans(database, now - _DAY, _MOST), now, _DAY, inventory)

        found = await known.history.read(look)
        calls = [(edge.caller, edge.callee) for edge in found if edge.calls]
        for caller, callee in (*catalogue.seen, *calls):
            seen.setdefault(caller, set()).add(callee)
        cards = [_service(service, seen) for service in catalogue.inventory.services]
        body = tag("div", *cards, class_="cards") if cards else empty("There is no service.")
    lead = tag(
        "p", "What each service promises, who answers for it, and whom it asks.", class_="lead"
    )
    return Content(
        title="Contracts",
        section="Contracts",
        head=joined(tag("h1", "Contracts"), lead),
        parts={"contracts": body},
    )


def _service(service: ServiceEntry, seen: Mapping[str, set[str]]) -> Html:
    facts = [
        ("Owner", service.owner or "nobody is named"),
        ("Implemented by", tag("code", service.target, class_="breakable")),
        ("Reach", "public, through the gateway" if service.public else "other services only"),
        ("Asks", _needs(service, seen.get(service.name, set()))),
    ]
    listed = [tag("div", tag("dt", name), tag("dd", value)) for name, value in facts]
    return tag(
        "section",
        tag("h2", service.name),
        tag("ul", *map(_contract, service.contracts), class_="promises"),
        tag("dl", *listed, class_="facts"),
        class_="card",
        id=f"service-{quote(service.name)}",
    )


def _contract(contract: ContractEntry) -> Html:
    number = len(contract.operations)
    counted = f"{number} operation{'' if number == 1 else 's'}"
    if contract.events:
        counted += f", {len(contract.events)} event{'' if len(contract.events) == 1 else 's'}"
    name = tag("a", contract.name, href=f"/console/contracts/{quote(contract.name)}", class_="what")
    return tag(
        "li",
        tag("span", name, " ", tag("span", contract.version, class_="version")),
        tag("span", counted, class_="quiet"),
        tag("p", contract.summary) if contract.summary else None,
    )


def _needs(service: ServiceEntry, seen: set[str]) -> Html | str:
    items = []
    for need in service.calls:
        used = need.service in seen if need.service is not None else False
        told = "seen" if used else "declared" if need.service is not None else "nobody answers"
        kind = "ok" if used else "idle" if need.service is not None else "bad"
        link = tag("a", need.contract, href=f"/console/contracts/{quote(need.contract)}")
        provider = f" of {need.service}" if need.service else ""
        items.append(tag("li", link, provider, " ", tag("span", told, class_=f"code {kind}")))
    declared = {need.service for need in service.calls}
    items += [
        tag("li", name, " ", tag("span", "seen, not declared", class_="code warn"))
        for name in sorted(seen - declared - {service.name})
    ]
    return tag("ul", *items, class_="needs") if items else "nobody"
