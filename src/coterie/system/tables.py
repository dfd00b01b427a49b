"""One table of ``coterie.toml`` -> one frozen value, noting every problem instead of the first."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, TypeVar, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, Meta, Struct, structs

from .places import Places, TomlPath
from .policy_specs import ServicePolicySpec
from .problem import Report
from .size import Size
from .specs import TABLES

__all__ = ["Tables", "near"]

S = TypeVar("S", bound=Struct)

_WRONG = object()


def near(word: str, known: Iterable[str]) -> str | None:
    """The one of ``known`` that ``word`` may have been meant to be, by likeness of letters."""
    by_lower = {name.lower(): name for name in known}
    found = difflib.get_close_matches(word.lower()[:100], by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


class Tables(Report):
    """Reads tables into structs; what is wrong with them is reported, never raised.

    ``missing`` are values whose variables are missing: known to be wrong already, or, in a
    profile that was not chosen, none of today's business.
    """

    def __init__(self, places: Places, missing: Iterable[TomlPath] = ()) -> None:
        super().__init__(places)
        self.missing = frozenset(missing)

    def read(self, struct: type[S], values: Any, path: TomlPath, **given: Any) -> S | None:
        """The table ``values``, found at ``path``, as a ``struct``; ``None`` if it is not right.

        ``given`` are fields that are read already, or are no keys of the table.
        """
        shown = _shown(path)
        if not isinstance(values, Mapping):
            self.complain(path, f"{shown} is no table", f"Write a line {shown} and keys below it")
            return None
        fields = {f.encode_name: f for f in structs.fields(struct) if f.name not in given}
        unknown = [key for key in values if key not in fields and key not in given]
        for key in unknown:
            self._unknown(key, (*fields, *(key for key in given if key != "name")), path)
        read = dict(given)
        for key, field in fields.items():
            if key in values:
                read[field.name] = self._value(field.type, values[key], (*path, key))
            elif field.default is NODEFAULT and field.default_factory is NODEFAULT:
                self.complain(path, f"{shown} lacks {key}", f"Add {_example(key, field.type)}")
                read[field.name] = _WRONG
        whole = not unknown and _WRONG not in read.values()
        return struct(**read) if whole else None

    def some(
        self, struct: type[Struct], values: Mapping[str, Any], path: TomlPath
    ) -> dict[str, Any]:
        """The keys of the table ``values`` that are right, for a ``struct`` that others fill up."""
        fields = {f.encode_name: f for f in structs.fields(struct)}
        read: dict[str, Any] = {}
        for key, value in values.items():
            if key in fields:
                read[key] = self._value(fields[key].type, value, (*path, key))
            else:
                self._unknown(key, fields, path)
        return {key: value for key, value in read.items() if value is not _WRONG}

    def tables(self, values: Any, path: TomlPath, example: str) -> Mapping[str, Any]:
        """A table that holds nothing but tables: ``values`` itself, or nothing if it is none."""
        if isinstance(values, Mapping):
            return values
        self.complain(path, f"{path[-1]} is no table", f"Write a line {example} and keys below it")
        return {}

    def _value(self, wanted: Any, value: Any, path: TomlPath) -> Any:
        # What a variable gave is text; it may be meant as a number.
        strict = not self.places.varies(*path)
        try:
            return msgspec.convert(value, wanted, strict=strict, dec_hook=_own)
        except msgspec.ValidationError:
            if not any(missing[: len(path)] == path for missing in self.missing):
                what = f"{_shown(path[:-1])} {path[-1]} takes {_meta(wanted, 'title')}"
                if strict and isinstance(value, str | int | float):
                    what += f", not {_found(value)}"
                self.complain(path, what, f"For example {_example(str(path[-1]), wanted)}")
            return _WRONG

    def _unknown(self, key: str, known: Iterable[str], path: TomlPath) -> None:
        meant = near(key, known)
        home = [
            name
            for name, struct in TABLES.items()
            if key in {field.encode_name for field in structs.fields(struct)} - {"name"}
        ]
        shared = {field.encode_name for field in structs.fields(ServicePolicySpec)}
        if path[0] == "service" and path[2:] != ("policy",) and key in shared:
            remedy = f"It belongs in {_shown((*path[:2], 'policy'))}"
        elif meant is not None:
            remedy = f"Did you mean {meant}?"
        elif home:
            remedy = (
                f"It belongs in [{home[0]}{'.NAME' if home[0] in ('service', 'process') else ''}]"
            )
        else:
            remedy = f"It takes {', '.join(known)}"
        self.complain((*path, key), f"{_shown(path)} has no key {_quoted(key)}", remedy)


def _own(kind: type[Any], value: object) -> object:
    if kind is Size:
        return Size.parse(value)
    raise NotImplementedError(f"no way to read a {kind}")


def _shown(path: TomlPath) -> str:
    return f"[{'.'.join(map(str, path))}]"


def _quoted(key: str) -> str:
    return key if len(key) <= 40 and key.isprintable() else f"{key[:40]!r}"


def _found(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    return repr(value) if len(text) <= 40 else f"{text[:40]!r}..."


def _metas(wanted: Any) -> list[Meta]:
    found: list[Meta] = []
    while get_origin(wanted) is Annotated:
        wanted, *extras = get_args(wanted)
        found += [extra for extra in reversed(extras) if isinstance(extra, Meta)]
    for member in get_args(wanted):
        found += _metas(member)
    return found


def _meta(wanted: Any, what: str) -> Any:
    return next((v for meta in _metas(wanted) if (v := getattr(meta, what)) is not None), None)


def _example(key: str, wanted: Any) -> str:
    return f"{key} = {_toml((_meta(wanted, 'examples') or ['...'])[0])}"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {_toml(member)}' for key, member in value.items())} }}"
    return str(value)
