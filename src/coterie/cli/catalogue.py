"""The inventory of a system in words: a table for a terminal, Markdown for a wiki."""

from collections.abc import Iterator, Sequence

from coterie.console.control import Catalogue
from coterie.system import ContractEntry, ServiceEntry

from .output import say, table

__all__ = ["markdown", "show"]

_KINDS = {
    "implements": "Class",
    "asgi": "ASGI application",
    "wsgi": "WSGI application",
    "command": "Command",
}

_TITLES = ("SERVICE", "OWNER", "CONTRACT", "OPERATIONS", "EVENTS", "CALLS")


def show(catalogue: Catalogue, *, runs: bool) -> None:
    """Print a line for each contract of each service; whom it calls on its first."""
    titles = (*_TITLES, "SEEN") if runs else _TITLES
    say(f"{_title(catalogue)}{'' if runs else '  (not running: as it is written)'}", "bold")
    table(titles, _rows(catalogue, runs=runs), right=("OPERATIONS",))


def markdown(catalogue: Catalogue, *, runs: bool) -> Iterator[str]:
    """The lines of a document: an overview, then each service with its operations."""
    yield f"# {_title(catalogue)}"
    yield ""
    titles = ["Service", "Owner", "Contracts", "Calls", *(["Seen"] if runs else [])]
    yield from _table(titles, (_overview(s, catalogue, runs=runs) for s in _services(catalogue)))
    for service in _services(catalogue):
        yield ""
        yield f"## {service.name}"
        yield ""
        yield f"- Owner: {_plain(service.owner) or 'nobody is named'}"
        yield f"- {_KINDS[service.kind]}: `{service.target}`"
        yield f"- Reached through the gateway: {'yes' if service.public else 'no'}"
        for contract in service.contracts:
            yield ""
            yield from _contract(contract)


def _rows(catalogue: Catalogue, *, runs: bool) -> Iterator[Sequence[str]]:
    for service in _services(catalogue):
        for number, contract in enumerate(service.contracts):
            head, calls = (service.name, service.owner or "-"), [_calls(service) or "-"]
            calls += [_seen(service, catalogue) or "-"] if runs else []
            if number:
                head, calls = ("", ""), [""] * len(calls)
            yield (
                *head,
                _named(contract),
                str(len(contract.operations)),
                ", ".join(contract.events) or "-",
                *calls,
            )


def _overview(service: ServiceEntry, catalogue: Catalogue, *, runs: bool) -> list[str]:
    cells = [service.name, service.owner, ", ".join(map(_named, service.contracts))]
    return [*cells, _calls(service), *([_seen(service, catalogue)] if runs else [])]


def _contract(contract: ContractEntry) -> Iterator[str]:
    yield f"### {_named(contract)}"
    yield ""
    yield f"{_plain(contract.summary)} (digest `{contract.digest}`)".strip()
    yield ""
    rows = (
        [
            f"`{operation.id}`",
            operation.method,
            f"`{operation.path}`" if operation.path else "other services only",
            operation.summary.replace("``", "`"),
        ]
        for operation in contract.operations
    )
    yield from _table(["Operation", "Method", "Path", "Summary"], rows)
    if contract.events:
        yield ""
        yield f"Events: {', '.join(f'`{event}`' for event in contract.events)}"


def _calls(service: ServiceEntry) -> str:
    """Contracts that it asks for; who answers, where that has another name."""
    told: list[str] = []
    for call in service.calls:
        named = f"{call.contract} {call.version}"
        if call.service is None:
            named += " (nobody)"
        elif call.service != call.contract:
            named += f" ({call.service})"
        told.append(named)
    return ", ".join(told)


def _seen(service: ServiceEntry, catalogue: Catalogue) -> str:
    """Services that it called; one that it does not ask for is remarkable."""
    asked = {call.service for call in service.calls}
    callees = sorted({callee for caller, callee in catalogue.seen if caller == service.name})
    return ", ".join(one if one in asked else f"{one} (undeclared)" for one in callees)


def _services(catalogue: Catalogue) -> Sequence[ServiceEntry]:
    return catalogue.inventory.services


def _title(catalogue: Catalogue) -> str:
    return f"{catalogue.inventory.system} {catalogue.inventory.version}".strip()


def _named(contract: ContractEntry) -> str:
    return f"{contract.name} {contract.version}"


def _table(titles: Sequence[str], rows: Iterator[list[str]]) -> Iterator[str]:
    yield _row(titles)
    yield _row(["---"] * len(titles))
    for row in rows:
        yield _row(row)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(_plain, cells))} |"


def _plain(text: str) -> str:
    """``text`` on one line, without what would end a cell (GitHub Flavored Markdown, 4.10)."""
    return " ".join(text.split()).replace("|", "\\|")
