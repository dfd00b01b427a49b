"""Every key of ``coterie.toml``, in Markdown, from the model that reads it. The docs include it."""

import inspect
from collections.abc import Iterator
from typing import Any

from msgspec import NODEFAULT, Struct, structs

from coterie.system import SETTINGS, TABLES, OperationSpec, ServicePolicySpec, Size
from coterie.system.tables import _meta, _toml

__all__ = ["keys", "reference"]

_TABLES: dict[str, type[Struct]] = {
    **TABLES,
    "service.NAME.policy": ServicePolicySpec,
    "service.NAME.operation.OPERATION": OperationSpec,
}


def keys() -> dict[str, tuple[str, ...]]:
    """The keys of each table."""
    return {table: tuple(f.encode_name for f in _fields(table)) for table in _TABLES}


def reference() -> str:
    """A section a table, a definition a key: what it takes, its default, what it does."""
    return "\n".join(line for table in _TABLES for line in _section(table))


def _fields(table: str) -> Iterator[structs.FieldInfo]:
    for field in structs.fields(_TABLES[table]):
        # A service's name is no key: it stands in the table's own name.
        if (table, field.name) not in (("service", "name"), ("process", "name")):
            yield field


def _section(table: str) -> Iterator[str]:
    struct = _TABLES[table]
    yield f"### `{_heading(table)}`\n"
    yield _told(struct) + "\n"
    for field in _fields(table):
        key = field.encode_name
        default = _default(field)
        yield f"`{key}`{' (needed)' if default is NODEFAULT else ''}"
        words = f"{_meta(field.type, 'description') or ''} Takes {_meta(field.type, 'title')}."
        yield f": {words}{_otherwise(default)}\n"
        if key in SETTINGS and table == "policy":
            yield from _values(SETTINGS[key])
        examples = _meta(field.type, "examples")
        if examples:
            yield f"  ~~~toml\n  {key} = {_toml(examples[0])}\n  ~~~\n"


def _values(struct: type[Struct]) -> Iterator[str]:
    """What may stand in the table of one policy."""
    for field in structs.fields(struct):
        told = _meta(field.type, "description")
        yield f"  - `{field.encode_name}`: {told}{_otherwise(_default(field))}"
    yield ""


def _heading(table: str) -> str:
    return f"[{table}.NAME]" if table in ("service", "process") else f"[{table}]"


def _told(struct: type[Struct]) -> str:
    """The struct's own words, without the table's name, which the heading has."""
    words = inspect.cleandoc(struct.__doc__ or "").partition("``: ")[2]
    return words[:1].upper() + words[1:]


def _default(field: structs.FieldInfo) -> Any:
    if field.default_factory is not NODEFAULT:
        return field.default_factory()
    return field.default


def _otherwise(default: Any) -> str:
    if default is NODEFAULT or default in (None, "", (), {}):
        return ""
    return f" Default: `{_toml(int(default) if isinstance(default, Size) else default)}`."
