"""Names of a document as names of Python: readable, unique, never a word of Python's own."""

import builtins
import keyword
import re
import unicodedata
from collections.abc import Collection, Iterable

__all__ = [
    "RESERVED",
    "TYPES",
    "Names",
    "camel",
    "can_be_renamed",
    "class_name",
    "snake",
    "wire_rename",
]

_UNSAID = re.compile(r"[\\\"\x00-\x1f\ud800-\udfff]")

TYPES = frozenset({"bool", "bytes", "dict", "float", "int", "list", "str", "tuple"})
"""Types of Python's own that generated annotations name: nothing else may be called so."""

RESERVED = TYPES | {
    *("AsyncIterator", "Annotated", "Any", "Literal", "TypeAlias", "Decimal", "UUID"),
    *("UNSET", "UnsetType", "Code", "Content", "Contract", "Cookie", "Fault", "Form"),
    *("Header", "Html", "Meta", "Path", "Query", "Redirect", "Struct", "Text", "Upload", "Body"),
    *("authenticated", "datetime", "delete", "field", "get", "patch", "post", "put"),
}
"""All that a generated module imports."""

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_GAP = re.compile(r"[^0-9A-Za-z\u0080-\U0010ffff]+")
_LONGEST = 80


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", text)
    plain = "".join(c if c.isascii() or f"a{c}".isidentifier() else " " for c in plain)
    return [word for word in _GAP.split(plain[:400]) if word]


def snake(text: str) -> str:
    """``createdAt``, ``created-at`` -> ``created_at``; empty where nothing is left."""
    name = "_".join(_HUMP.sub("_", word).lower() for word in _words(text))
    return unicodedata.normalize("NFKC", name)[:_LONGEST].strip("_")


def class_name(text: str) -> str:
    """``order-item`` -> ``OrderItem``; empty where nothing is left."""
    name = "".join(word[0].upper() + word[1:] for word in _words(text.replace("_", " ")))
    return unicodedata.normalize("NFKC", name)[:_LONGEST]


def camel(name: str) -> str:
    """``created_at`` -> ``createdAt``, as msgspec's ``rename="camel"`` has it."""
    first, *rest = name.strip("_").split("_")
    return first + "".join(word.title() for word in rest)


class Names:
    """Names that are taken, in one scope; those of ``reserved`` are from the start."""

    def __init__(
        self, taken: Collection[str] = (), *, reserved: Collection[str] = RESERVED
    ) -> None:
        self._taken = {*reserved, *taken}

    def of_type(self, text: str) -> str:
        """A new name of a class for ``text``."""
        name = class_name(text)
        if not name or not name.isidentifier() or not name[0].isascii() or name[0] == "_":
            name = f"Type{name}"
        if hasattr(builtins, name) or keyword.iskeyword(name):
            name = f"{name}Model"
        return self._take(name, "")

    def of_value(self, text: str, otherwise: str) -> str:
        """A new name of a parameter, field or method for ``text``."""
        name = snake(text) or otherwise
        if not name.isidentifier():
            name = f"{otherwise}_{name}"
        if not name.isidentifier():
            name = otherwise
        if keyword.iskeyword(name) or name in self._taken:
            name = f"{name}_"
        return self._take(name, "_")

    def _take(self, name: str, gap: str) -> str:
        number, found = 2, name
        while found in self._taken:
            found = f"{name.rstrip('_')}{gap}{number}"
            number += 1
        self._taken.add(found)
        return found


def wire_rename(names: Iterable[tuple[str, str]]) -> str | dict[str, str] | None:
    """What ``rename=`` of a struct is told of its (name, name on the wire)."""
    pairs = list(names)
    different = {name: wire for name, wire in pairs if name != wire}
    if not different:
        return None
    if all(camel(name) == wire for name, wire in pairs):
        return "camel"
    return different


def can_be_renamed(wire: str) -> bool:
    """Whether a field of a struct can be called ``wire`` on the wire, as msgspec has it."""
    return _UNSAID.search(wire) is None
