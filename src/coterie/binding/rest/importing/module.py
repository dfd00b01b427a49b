"""module(): the files of what was imported: one module, or a package with one for each contract."""

from collections.abc import Iterable

from .kinds import Alias
from .layout import Bracket, laid
from .literal import docstring
from .model import Class, Model
from .names import TYPES, Names, snake
from .order import ordered
from .writing import Writer

__all__ = ["module", "package"]

_MODELS = "models"
_STANDARD = {
    "datetime": "import datetime",
    "AsyncIterator": "collections.abc",
    "Decimal": "decimal",
    **dict.fromkeys(("Annotated", "Any", "Literal", "TypeAlias"), "typing"),
    "UUID": "uuid",
}
_COTERIE = frozenset(
    [
        "authenticated",
        "Body",
        "Code",
        "Content",
        "Contract",
        "Cookie",
        "delete",
        "Fault",
        "field",
        "Form",
        "get",
        "Header",
        "Html",
        "Meta",
        "patch",
        "Path",
        "post",
        "put",
        "Query",
        "Redirect",
        "Struct",
        "Text",
        "Upload",
    ]
)
_MSGSPEC = ("UNSET", "UnsetType")


def module(model: Model) -> str:
    """All in one module."""
    writer = Writer()
    blocks = [*_types(model, writer), *_contracts(model.contracts, model, writer)]
    return _file(_told(model, model.contracts), _imports(writer.used), blocks)


def package(model: Model, name: str) -> dict[str, str]:
    """The files of a package called ``name``: ``models.py``, and one module a contract."""
    writer = Writer()
    types = _types(model, writer)
    own = {*model.types, *(fault.name for fault in model.faults), *_defined(types)}
    said = docstring(f"What the contracts of {name} speak of: types and faults.", "")
    files = {f"{_MODELS}.py": _file(said, _imports(writer.used - own), types)}
    doors: list[tuple[str, str]] = []
    names = Names((_MODELS,), reserved=())
    for contract in model.contracts:
        file = names.of_value(contract.name, "contract")
        writer = Writer()
        blocks = _contracts([contract], model, writer)
        used = writer.used | {fault for method in contract.methods for fault in method.faults}
        imports = _imports(used - own)
        mine = sorted(used & own)
        if mine:
            imports += ["", *_from(f".{_MODELS}", mine)]
        files[f"{file}.py"] = _file(
            docstring(f"The contract {contract.name}.", ""), imports, blocks
        )
        doors.append((file, contract.name))
    imports = [line for file, door in sorted(doors) for line in _from(f".{file}", [door])]
    every = tuple(f'"{door}"' for door in sorted(door for _, door in doors))
    lines = laid(Bracket("[", every, "]"), "", "__all__ = ")
    told = _told(model, model.contracts)
    files["__init__.py"] = "\n".join([*told, "", *imports, "", *lines, ""])
    return files


def _types(model: Model, writer: Writer) -> list[list[str]]:
    types = ordered(model.types)
    pending = {one.name for one in types}
    blocks: list[list[str]] = []
    for one in types:
        if isinstance(one, Alias):
            blocks.append(writer.alias(one))
        else:
            blocks.append(writer.record(one, pending))
        pending.discard(one.name)
    return [*blocks, *(writer.fault(fault) for fault in model.faults)]


def _contracts(contracts: Iterable[Class], model: Model, writer: Writer) -> list[list[str]]:
    faults = {fault.name: fault for fault in model.faults}
    return [writer.contract(contract, faults) for contract in contracts]


def _defined(blocks: list[list[str]]) -> set[str]:
    return {block[0].partition(":")[0] for block in blocks if ": TypeAlias = " in block[0]}


def _told(model: Model, contracts: list[Class]) -> list[str]:
    title = " ".join(model.title.split())[:200] or "a program"
    lines = [f"Contract and typed client of {title}, made from its OpenAPI document."]
    if contracts:
        first = contracts[0]
        one = snake(first.name) or "client"
        call = first.methods[0].name if first.methods else "operation"
        lines += [
            "",
            f"    async with connect({first.name}, {_address(model.server)}) as {one}:",
            f"        result = await {one}.{call}(...)",
            "",
            "`connect` is in `coterie.client`. `coterie import openapi` made this file, and makes it anew.",
        ]
    return docstring("\n".join(lines), "")


def _address(server: str) -> str:
    plain = "".join(c for c in server if c.isascii() and c.isprintable() and c not in "\"'\\ ")
    if plain.startswith("/") and not plain.startswith("//"):
        plain = f"http://HOST{plain.rstrip('/')}"
    return f'"{plain[:200]}"' if plain.startswith(("http://", "https://")) else '"http://HOST"'


def _imports(used: set[str]) -> list[str]:
    names = used - TYPES
    first = ["import datetime"] if "datetime" in names else []
    modules: dict[str, list[str]] = {}
    for name in sorted(names):
        where = _STANDARD.get(name)
        if where is not None and name != "datetime":
            modules.setdefault(where, []).append(name)
    for where, found in sorted(modules.items()):
        first += _from(where, found)
    ours = [name for name in names if name in _COTERIE]
    theirs = [name for name in names if name in _MSGSPEC]
    second = (_from("coterie", ours) if ours else []) + (_from("msgspec", theirs) if theirs else [])
    return [*first, *([""] if first and second else []), *second]


def _from(where: str, names: Iterable[str]) -> list[str]:
    found = tuple(sorted(names, key=_place))
    lines = laid(Bracket("(", found, ")"), "", f"from {where} import ")
    if len(lines) == 1:
        return [f"from {where} import {', '.join(found)}"]
    return lines


def _place(name: str) -> tuple[int, str, str]:
    """Constants, classes, the rest: each by name, as isort has it."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2
    return kind, name.lower() if kind == 2 else name, name


def _file(told: list[str], imports: list[str], blocks: list[list[str]]) -> str:
    lines = [*told, "", *imports] if imports else [*told]
    before = ""
    for block in blocks:
        here = "alias" if ": TypeAlias = " in block[0] else "class"
        # Names of types stand together; classes are set apart.
        lines += [""] if here == "alias" and before in ("alias", "") else ["", ""]
        lines += block
        before = here
    return "\n".join([*lines, ""])
