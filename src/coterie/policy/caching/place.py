"""place(): the resource a call is about, and which resources a change may have changed too."""

from urllib.parse import quote

import msgspec

from coterie.call import Call
from coterie.contract import Source

__all__ = ["place", "related"]


def place(call: Call) -> str:
    """The path of what the call is about, without its query; empty where it has none.

    A `coterie.contract.call` has no path: nobody knows what it reads or changes.
    """
    operation = call.operation
    path = operation.path
    if path is None:
        return ""
    for parameter in operation.parameters:
        if parameter.source is Source.PATH:
            value = msgspec.to_builtins(call.arguments[parameter.name])
            path = path.replace(f"{{{parameter.name}}}", quote(str(value), safe=""))
    return path.rstrip("/")


def related(one: str, other: str) -> bool:
    """Whether a change at one place may be seen at the other: the same, one above, one below.

    More than RFC 9111, 4.4 asks for, which names the same alone: whoever has changed
    ``/orders/7`` does not want to find the list of ``/orders`` as it was.
    """
    return (
        one == other
        or one.startswith(f"{other}/")
        or other.startswith(f"{one}/")
        or not one
        or not other
    )
