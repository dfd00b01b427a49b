"""imported(): an OpenAPI document as contract classes, and what they do not say."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from .asides import note_asides
from .document import Document, Fetch
from .faults import Faults
from .kinds import Kind
from .model import Class, Error, Model
from .module import module, package
from .names import Names, class_name
from .note import Note, Notes, Unreadable
from .operations import Found, Operations, named
from .schemas import Schemas

__all__ = ["Imported", "imported", "is_version"]

_VERSION = re.compile(r"\d{1,9}(\.\d{1,9}){0,2}", re.ASCII)
_TAIL = frozenset({"api", "rest", "openapi", "swagger", "documentation", "specification", "the"})


class Imported(Struct, frozen=True):
    """What came of a document.

    ``files`` is name -> source; one named ``""`` is a module alone. ``operations`` and ``types``
    are counts.
    """

    files: dict[str, str]
    contracts: tuple[str, ...]
    operations: int
    types: int
    notes: tuple[Note, ...]


def _nowhere(place: str) -> Any:
    raise Unreadable(place, "the document refers to another one", "Put what it names into this one")


def imported(
    values: object,
    *,
    name: str | None = None,
    version: str | None = None,
    split: bool = False,
    fetch: Fetch = _nowhere,
) -> Imported:
    """Contracts that promise what an OpenAPI document does, as source of Python.

    ``values`` is the decoded document: OpenAPI 3.0, 3.1, or Swagger 2.0. ``name`` is the contract's
    class (default: from the title), ``version`` its version (default: the document's). ``split``
    makes a package: one contract a tag, and the types in ``models.py``. ``fetch`` reads documents
    that this one refers to.

    Raises `Unreadable`, with the place, for what is no such document or refers to nothing.
    """
    try:
        return _imported(values, name, version, fetch, split=split)
    except RecursionError:
        what, remedy = (
            "the document is nested too deep",
            "A reference or a YAML anchor holds itself",
        )
        raise Unreadable("", what, remedy) from None


def _imported(
    values: object, name: str | None, version: str | None, fetch: Fetch, *, split: bool
) -> Imported:
    notes = Notes()
    document = Document(values, fetch)
    info = document.root.get("info")
    told: dict[str, Any] = info if isinstance(info, dict) else {}
    title = str(told.get("title") or "")
    names = Names()
    whole = names.of_type(_class(name or title))
    said = version or _version(str(told.get("version") or ""), notes)
    schemas = Schemas(document, notes, names)
    faults = Faults(schemas)
    operations = Operations(document, schemas, faults)
    found = operations.found()
    groups = _by_tag(found, whole, names) if split else [(whole, found)]
    made: list[tuple[Class, list[list[bytes]]]] = []
    doc = str(told.get("description") or "").strip() or title
    for called, part in groups:
        contract = Class(called, said, doc if not split else "", [])
        keys: list[list[bytes]] = []
        for operation, method in zip(part, named(part, set()), strict=True):
            one, raised = operations.method(operation, method)
            contract.methods.append(one)
            keys.append(raised)
        made.append((contract, keys))
    schemas.finish()
    known = faults.finish()
    schemas.finish()
    for contract, keys in made:
        for one, raised in zip(contract.methods, keys, strict=True):
            one.faults = tuple(dict.fromkeys(known[key].name for key in raised))
    note_asides(document.root, notes)
    for schema in document.unasked():
        where = f"#/components/schemas/{schema}"
        notes.add(where, "a schema that no operation speaks of", "left out")
    schemas.keep(_spoken(made, known.values()))
    model = Model(
        title,
        _server(document, notes),
        schemas.defined,
        sorted(known.values(), key=lambda error: error.name),
        [contract for contract, _ in made],
    )
    files = package(model, "") if split else {"": module(model)}
    count = sum(len(contract.methods) for contract in model.contracts)
    return Imported(
        files, tuple(c.name for c in model.contracts), count, len(schemas.defined), tuple(notes)
    )


def _spoken(made: list[tuple[Class, list[list[bytes]]]], errors: Iterable[Error]) -> Iterator[Kind]:
    """All types that operations and faults speak of."""
    for contract, _ in made:
        for method in contract.methods:
            yield method.result
            yield from (argument.kind for argument in method.arguments)
    for error in errors:
        yield from (member.kind for member in error.members)


def _class(title: str) -> str:
    words = re.split(r"[\s_/-]+", title)
    while len(words) > 1 and words[-1].lower() in _TAIL:
        words.pop()
    name = "".join(c if c.isascii() else " " for c in class_name(" ".join(words)[:60]))
    return name if name.strip() else "Program"


def is_version(text: str) -> bool:
    """Whether a contract may have it as its version: ``1``, ``1.0`` or ``1.0.0``."""
    return _VERSION.fullmatch(text) is not None


def _version(told: str, notes: Notes) -> str:
    found = _VERSION.search(told)
    version = found[0] if found else "1.0"
    if version != told:
        notes.add("#/info/version", f"version {told[:40]!r}", f"{version!r}")
    return version


def _server(document: Document, notes: Notes) -> str:
    servers = document.root.get("servers")
    found = [
        server
        for server in (servers if isinstance(servers, list) else ())
        if isinstance(server, dict) and isinstance(server.get("url"), str)
    ]
    for server in found[1:]:
        notes.add("#/servers", f"server {server['url'][:80]}", "give connect() the one to ask")
    if not found:
        return ""
    url, variables = str(found[0]["url"]), found[0].get("variables")
    for name, told in variables.items() if isinstance(variables, dict) else ():
        default = told.get("default") if isinstance(told, dict) else None
        what = f"variable {str(name)[:60]!r} of the server's address"
        notes.add("#/servers", what, "give connect() the address with its value")
        url = url.replace(f"{{{name}}}", default if isinstance(default, str) else f"{{{name}}}")
    return url


def _by_tag(found: list[Found], whole: str, names: Names) -> list[tuple[str, list[Found]]]:
    groups: dict[str, list[Found]] = {}
    for operation in found:
        groups.setdefault(operation.tags[0] if operation.tags else "", []).append(operation)
    return [(names.of_type(_class(tag)) if tag else whole, part) for tag, part in groups.items()]
