"""Contracts in words, for people."""

from collections.abc import Iterator

from msgspec import inspect as types

from coterie.contract import Fault, Operation, paragraph
from coterie.system import Planned, System

from .arguments import slots
from .kinds import kind
from .output import say, table

__all__ = ["message_of", "show_operation", "show_service", "who_may"]


def show_service(service: Planned) -> None:
    """Print what a service promises: a table for each contract, a line for each event."""
    for description in service.descriptions:
        named = description.name
        if service.name != named:
            named = f"{named} (service {service.name})"
        say(f"{named} {description.version}  {_plain(description.summary)}", "bold")
        rows = [
            (one.method, one.path or "(other services)", one.id, _plain(one.summary))
            for one in description.operations
        ]
        table(("METHOD", "PATH", "OPERATION", "SUMMARY"), rows)
        for event in description.events:
            say(f"event {event.name}: {kind(types.type_info(event.payload))}")
        say("")


def show_operation(operation: Operation, system: System) -> None:
    """Print one operation: who may call, what it takes, gives and refuses."""
    say(f"{operation.id}  {operation.method} {operation.route}", "bold")
    if operation.description:
        say(_plain(operation.description))
    say("")
    rows = list(_rows(operation, system))
    width = max(len(title) for title, _ in rows)
    shown = ""
    for title, told in rows:
        say(f"{(title if title != shown else '').ljust(width)}  {told}".rstrip())
        shown = title


def who_may(operation: Operation, system: System) -> str:
    """Who may call: the operation's own rule, or the system's."""
    if operation.rule is not None:
        return str(operation.rule)
    return "anyone" if system.identity is None else "anyone logged in"


def message_of(fault: type[Fault]) -> str:
    """What a fault says, its fields in braces."""
    return paragraph(fault.__doc__)


def _rows(operation: Operation, system: System) -> Iterator[tuple[str, str]]:
    yield "may call", who_may(operation, system)
    for slot in slots(operation):
        yield "takes", f"{slot.name}{'' if slot.required else '?'}: {slot.kind}"
    yield "gives", f"{operation.status}, {_result(operation)}"
    for fault in operation.faults:
        yield "refuses", f"{fault.status}, {fault.kind}: {message_of(fault)}"
    if operation.deprecated:
        yield "deprecated", "" if operation.deprecated is True else operation.deprecated
    if operation.sunset is not None:
        yield "gone", operation.sunset.isoformat()


def _result(operation: Operation) -> str:
    result = operation.result
    if result.redirect:
        return "a redirect"
    if result.media is not None:
        return result.media
    return "nothing" if result.type is type(None) else kind(types.type_info(result.type))


def _plain(text: str) -> str:
    return text.replace("``", "`")
