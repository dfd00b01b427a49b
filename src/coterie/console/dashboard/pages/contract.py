"""/console/contracts/<contract>: one contract as its operations promise it."""

from urllib.parse import quote

from coterie.console.dashboard.html import Html, joined, tag
from coterie.console.dashboard.known import Asked, Content, Known
from coterie.console.dashboard.words import NOTHING, duration
from coterie.system import ContractEntry, OperationEntry, ServiceEntry

from .missing import missing_page

__all__ = ["contract_page"]


async def contract_page(known: Known, asked: Asked) -> Content:
    """Every version of the contract that this system implements."""
    catalogue = await known.live.catalogue()
    name = asked.rest
    found = [
        (service, contract)
        for service in (catalogue.inventory.services if catalogue is not None else ())
        for contract in service.contracts
        if contract.name == name
    ]
    if not found or catalogue is None:
        way = tag("a", "See those there are", href="/console/contracts")
        return missing_page(f"No service implements a contract {name!r}", "Contracts", way)
    users = [
        service.name
        for service in catalogue.inventory.services
        if any(need.contract == name for need in service.calls)
    ]
    back = tag("p", tag("a", "Contracts", href="/console/contracts"), class_="crumbs")
    parts = {
        f"contract-{number}": _contract(known, service, contract, users)
        for number, (service, contract) in enumerate(found)
    }
    return Content(title=name, section="Contracts", head=joined(back, tag("h1", name)), parts=parts)


def _contract(
    known: Known, service: ServiceEntry, contract: ContractEntry, users: list[str]
) -> Html:
    facts: list[tuple[str, Html | str]] = [
        ("Version", contract.version),
        ("Service", service.name),
        ("Owner", service.owner or "nobody is named"),
        ("Used by", ", ".join(users) or "no service of this system"),
        ("Shape", tag("span", contract.digest, class_="mono")),
    ]
    if known.gateway_url and service.public:
        address = f"{known.gateway_url}/docs/{quote(service.name)}"
        facts.append(("Try it", tag("a", "API documentation", href=address, class_="out")))
    listed = [tag("div", tag("dt", name), tag("dd", value)) for name, value in facts]
    columns = (
        ("Operation", ""),
        ("Request", ""),
        ("Time limit", "number"),
        ("Repeating it", "less"),
    )
    head = tag("tr", *(tag("th", name, scope="col", class_=kind or None) for name, kind in columns))
    table = tag(
        "table",
        tag("thead", head),
        tag("tbody", *map(_operation, contract.operations)),
        class_="operations",
    )
    events = None
    if contract.events:
        listed_events = [tag("li", event) for event in contract.events]
        events = joined(tag("h2", "Events"), tag("ul", *listed_events, class_="plain"))
    return joined(
        tag("p", contract.summary, class_="lead") if contract.summary else None,
        tag("dl", *listed, class_="facts"),
        tag("div", table, class_="scroll", tabindex=0, role="region", aria_label="Operations"),
        events,
    )


def _operation(operation: OperationEntry) -> Html:
    place = operation.path or operation.route
    inside = None if operation.path else tag("span", "within the system", class_="code idle")
    if operation.safe:
        again = "safe: changes nothing"
    elif operation.idempotent:
        again = "idempotent: once is as good as twice"
    else:
        again = "takes effect again"
    return tag(
        "tr",
        tag(
            "td",
            tag("span", operation.id, class_="what"),
            tag("p", operation.summary, class_="quiet") if operation.summary else None,
        ),
        tag(
            "td",
            tag("span", operation.method, class_=f"method {operation.method.lower()}"),
            " ",
            tag("span", place, class_="mono"),
            " ",
            inside,
            tag("span", "stream", class_="code idle") if operation.stream else None,
        ),
        tag("td", duration(operation.timeout) if operation.timeout else NOTHING, class_="number"),
        tag("td", again, class_="less quiet"),
        data_key=operation.id,
    )
