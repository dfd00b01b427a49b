"""NAME=VALUE pairs and JSON from standard input, as an operation's typed arguments."""

from collections.abc import Sequence
from typing import Any, TextIO

import msgspec

from coterie.contract import Operation, Parameter, Source

__all__ = ["NotUnderstood", "arguments_of"]


class NotUnderstood(ValueError):
    """What was typed is not what the operation takes; says what it does take."""


def arguments_of(operation: Operation, words: Sequence[str], stdin: TextIO) -> dict[str, Any]:
    """The arguments of ``operation`` by parameter name.

    ``name=value`` sets a parameter, or a field of the body's struct; ``a.b=1`` goes into a
    struct; ``-`` reads a JSON object with any of these from ``stdin``. Raises `NotUnderstood`.
    """
    given: dict[str, Any] = {}
    for word in words:
        if word == "-":
            _merge(given, _read(stdin))
            continue
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise NotUnderstood(f"{word!r} is not of the form name=value. {_takes(operation)}")
        _set(given, name.split("."), value)
    names = {p.name: p for p in operation.parameters}
    body = next((p for p in operation.parameters if p.source is Source.BODY), None)
    inside = {name: given.pop(name) for name in list(given) if name not in names}
    if inside and body is None:
        raise NotUnderstood(f"{', '.join(inside)}: no such parameter. {_takes(operation)}")
    if inside and body is not None:
        given.setdefault(body.name, {}).update(inside)
    return {name: _convert(names[name], value, operation) for name, value in given.items()}


def _convert(parameter: Parameter, value: Any, operation: Operation) -> Any:
    try:
        return msgspec.convert(value, parameter.type, strict=False)
    except msgspec.ValidationError as problem:
        raise NotUnderstood(f"{parameter.name}: {problem}. {_takes(operation)}") from None


def _read(stdin: TextIO) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(stdin.read())
    except msgspec.DecodeError as problem:
        raise NotUnderstood(f"standard input is no JSON: {problem}") from None
    if not isinstance(value, dict):
        raise NotUnderstood("standard input is no JSON object")
    return value


def _set(into: dict[str, Any], path: list[str], value: str) -> None:
    for name in path[:-1]:
        into = into.setdefault(name, {})
        if not isinstance(into, dict):
            raise NotUnderstood(f"{'.'.join(path)}: {name} has a value already")
    into[path[-1]] = value


def _merge(into: dict[str, Any], other: dict[str, Any]) -> None:
    for name, value in other.items():
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        else:
            into[name] = value


def _takes(operation: Operation) -> str:
    shown = []
    for parameter in operation.parameters:
        fields = getattr(parameter.type, "__struct_fields__", None)
        if parameter.source is Source.BODY and fields:
            shown += [f"{field}=" for field in fields]
        else:
            shown.append(f"{parameter.name}=" if parameter.required else f"[{parameter.name}=]")
    return f"{operation.id} takes {' '.join(shown) or 'nothing'}"
