"""What stands beside the promises of a document: examples, extensions, headers of answers, links."""

from typing import Any

from .document import Values
from .note import Notes

__all__ = ["note_asides", "note_beside"]

_NAMES = ("properties", "schemas", "parameters", "responses", "headers", "patternProperties")
# Headers that any answer may have, and that are the wire's own business.
_WIRE = frozenset(
    {"content-type", "content-length", "date", "location", "etag", "cache-control", "link"}
    | {"www-authenticate", "retry-after", "vary", "server"}
)
_VALUES = ("default", "enum", "const", "mapping")


def note_asides(root: Any, notes: Notes) -> None:
    """Note every extension, and examples, once a name, with the first place and how many."""
    found: dict[str, list[Any]] = {}
    waiting: list[tuple[Any, str, bool]] = [(root, "#", False)]
    while waiting:
        value, where, named = waiting.pop()
        if isinstance(value, list):
            waiting += [(item, f"{where}/{n}", False) for n, item in enumerate(value)]
        elif isinstance(value, dict):
            for key, inside in value.items():
                name = str(key)
                if not named and (name in ("example", "examples") or name.startswith("x-")):
                    seen = found.setdefault(name, [0, f"{where}/{name}"])
                    seen[0] += 1
                elif named or name not in _VALUES:
                    inner = not named and name in _NAMES
                    waiting.append((inside, f"{where}/{name.replace('/', '~1')}", inner))
    for name, (count, first) in sorted(found.items()):
        where = first if count == 1 else f"{first} and {count - 1} more"
        what = f"`{name[:60]}`" if not name.startswith("x-") else f"extension `{name[:60]}`"
        notes.add(where, what, "not told")


def note_beside(response: Values, where: str, notes: Notes) -> None:
    """Note the headers of an answer and its links."""
    headers = response.get("headers")
    for name in headers if isinstance(headers, dict) else ():
        if str(name).lower() not in _WIRE:
            notes.add(where, f"response header {str(name)[:60]}", "not read")
    if response.get("links"):
        notes.add(where, "`links`", "not told")
