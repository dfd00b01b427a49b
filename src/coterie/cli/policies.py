"""coterie policies: what protects the calls of an operation, and who said so."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from coterie.system import Explanation, Told, explained, load, resolve

from .completion import subjects
from .naming import operation_of, operations_of
from .options import Json, Profile, SystemOption
from .output import say, show_json, table

__all__ = ["verb"]

_CHAIN = ("POLICY", "VALUE", "SOURCE", "")
_LIST = ("OPERATION", "POLICY", "VALUE", "SOURCE")


def verb(
    operation: Annotated[
        str | None,
        typer.Argument(
            metavar="OPERATION",
            help="An operation such as orders.place; a table of all without it.",
            show_default=False,
            autocompletion=subjects,
        ),
    ] = None,
    system: SystemOption = Path(),
    everything: Annotated[bool, typer.Option("--all", help="List default values, too.")] = False,
    profile: Profile = None,
    json: Json = False,
) -> None:
    """Show what protects the calls of an operation.

    Both sides, outermost first, each value with the line that says it. Without an operation it lists what somebody has said of any; --all adds the defaults.

    \b
    Examples:
      coterie policies --system examples/shop
      coterie policies orders.place --system examples/shop
      coterie policies orders.place --json
    """
    loaded = load(system, profile=profile)
    services = resolve(loaded)
    if operation is not None:
        named = operation_of(services, operation)
        found = explained(loaded, named.service, named.operation)
        if json:
            show_json(found, indent=True)
        else:
            _show(found)
        return
    all_of_them = [
        explained(loaded, named.service, named.operation)
        for _, named in sorted(operations_of(services).items())
    ]
    shown = [one for one in all_of_them if everything or one.changed]
    if json:
        show_json(shown, indent=True)
    elif shown:
        table(_LIST, _listed(shown, everything=everything))
    else:
        say("Every operation has the default values; --all lists them")


def _show(found: Explanation) -> None:
    say(f"{found.operation}  (service {found.service})", "bold")
    for side, chain in (("caller", found.client), ("service", found.server)):
        say("")
        say(f"{side}, outermost first", "bold")
        rows = list(_rows(chain, side))
        table(_CHAIN, rows)
    if found.absent:
        say("")
        say("not there", "bold")
        table(("POLICY", "WHY"), found.absent.items())


def _rows(chain: Sequence[Told], side: str) -> Iterator[Sequence[str]]:
    for told in chain:
        here = "between processes only" if side == "caller" and not told.local else ""
        if not told.values:
            yield told.policy, "", "", here
        for number, value in enumerate(told.values):
            first = not number
            shown = f"{value.name} = {_written(value.value)}"
            yield told.policy if first else "", shown, value.source, here if first else ""


def _listed(shown: Iterable[Explanation], *, everything: bool) -> Iterator[Sequence[str]]:
    for found in shown:
        pairs = found.changed
        if everything:
            pairs = tuple((told.policy, value) for told in found.told for value in told.values)
        for policy, value in pairs:
            named = value.name if value.name == policy else f"{policy}.{value.name}"
            yield found.operation, named, _written(value.value), value.source


def _written(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode()
