"""NAME=VALUE pairs and JSON from standard input, as an operation's typed arguments."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, BinaryIO

import msgspec
from msgspec import Struct
from msgspec import inspect as types

from coterie.contract import Operation, Parameter, Source, Upload

from .kinds import fields_of, kind, structure_of
from .mistakes import Mistake
from .shaping import Shaper, Words, Wrong, json_of, meant, single

__all__ = ["Slot", "arguments_of", "slots"]

_CHUNK = 64 * 1024


class Slot(Struct, frozen=True):
    """One thing an operation takes: a parameter, or a field of the struct that is its body.

    ``kind`` says in words what its value may be; ``wire`` is its name in JSON; ``parameter`` the
    parameter that it is, or is inside of.
    """

    name: str
    wire: str
    kind: str
    required: bool
    parameter: str


def slots(operation: Operation) -> tuple[Slot, ...]:
    """What ``operation`` takes, in its order, by the names that are typed."""
    return tuple(slot for parameter in operation.parameters for slot in _slots(parameter))


def arguments_of(operation: Operation, words: Sequence[str], stdin: BinaryIO) -> dict[str, Any]:
    """The arguments of ``operation`` by parameter name.

    ``name=value`` sets a parameter, or a field of the struct that is the body; given again, it
    adds to a list. ``a.b=1`` goes into a struct, ``name={...}`` and ``name=[...]`` are JSON where
    the type has parts. ``name=@FILE`` takes bytes and uploads from a file, ``@-`` from ``stdin``;
    the word ``-`` reads a JSON object with any of these from ``stdin``.

    Raises `Mistake`, which lists what the operation does take.
    """
    try:
        return _Reader(operation, stdin).read(words)
    except Wrong as wrong:
        raise Mistake(str(wrong), details=_takes(operation)) from None


class _Reader:
    def __init__(self, operation: Operation, stdin: BinaryIO) -> None:
        self.operation = operation
        self.stdin = stdin
        self.shaper = Shaper(stdin)
        self.parameters = {parameter.name: parameter for parameter in operation.parameters}
        self.body = next((p for p in operation.parameters if _spread(p) is not None), None)

    def read(self, words: Sequence[str]) -> dict[str, Any]:
        typed: dict[str, Any] = {}
        whole: dict[str, Any] = {}
        for word in words:
            name, equals, value = word.partition("=")
            if word == "-":
                self.take(json_of(self.stdin.read(), "standard input"), typed, whole)
            elif equals and name:
                _set(typed, name.split("."), value)
            else:
                raise Wrong(f"{word!r} is not of the form name=value")
        given = {**self.sorted_out(typed), **whole}
        self.check_missing(given)
        return {name: self.value(self.parameters[name], node) for name, node in given.items()}

    def take(self, document: Any, typed: dict[str, Any], whole: dict[str, Any]) -> None:
        """``document`` is an object of names and values, or all that the body is."""
        body = next((p for p in self.operation.parameters if p.source is Source.BODY), None)
        if isinstance(document, dict):
            _merge(typed, document)
        elif body is not None:
            whole[body.name] = document
        else:
            raise Wrong("standard input is no JSON object")

    def sorted_out(self, typed: dict[str, Any]) -> dict[str, Any]:
        """What was typed, by parameter; what is none is a field of the body."""
        given = {name: node for name, node in typed.items() if name in self.parameters}
        inside = {name: node for name, node in typed.items() if name not in self.parameters}
        known = {name for slot in slots(self.operation) for name in (slot.name, slot.wire)}
        for name in inside:
            if self.body is None or name not in known:
                raise Wrong(f"{self.operation.id} takes no {name}{meant(name, known)}")
        if inside and self.body is not None:
            already = given.setdefault(self.body.name, {})
            if not isinstance(already, dict):
                raise Wrong(f"{self.body.name} is given whole, and {', '.join(inside)} beside it")
            _merge(already, inside)
        return given

    def check_missing(self, given: dict[str, Any]) -> None:
        missing = []
        for slot in slots(self.operation):
            node = given.get(slot.parameter)
            if isinstance(node, dict) and _spread(self.parameters[slot.parameter]) is not None:
                there = slot.name in node or slot.wire in node
            else:
                there = slot.parameter in given
            if slot.required and not there:
                missing.append(slot.name)
        if missing:
            *most, last = missing
            listed = f"{', '.join(most)} and {last}" if most else last
            raise Wrong(f"{self.operation.id} lacks {listed}")

    def value(self, parameter: Parameter, node: Any) -> Any:
        name = parameter.name
        if parameter.stream:
            return _streamed(self.shaper.content(single(node, name)))
        shaped = self.shaper.shape(_info(parameter), node, name)
        try:
            return msgspec.convert(shaped, parameter.type, strict=False)
        except msgspec.ValidationError as problem:
            told = str(problem)
            inside = told.replace(" - at `$", f" - at `{name}")
            raise Wrong(inside if inside != told else f"{name}: {told}") from None


def _slots(parameter: Parameter) -> list[Slot]:
    name, required = parameter.name, parameter.required
    structure = _spread(parameter)
    if structure is None:
        told = "bytes, @FILE reads them" if parameter.stream else kind(_info(parameter))
        return [Slot(name, name, told, required, name)]
    return [
        Slot(field.name, field.encode_name, kind(field.type), required and field.required, name)
        for field in fields_of(structure)
    ]


def _info(parameter: Parameter) -> types.Type:
    return types.type_info(parameter.type)


def _spread(parameter: Parameter) -> types.Type | None:
    """The struct whose fields are typed as if they were parameters."""
    if parameter.stream or parameter.source not in (Source.BODY, Source.FORM):
        return None
    structure = structure_of(_info(parameter))
    if isinstance(structure, types.StructType) and structure.cls is Upload:
        return None
    return structure


async def _streamed(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), _CHUNK):
        yield content[start : start + _CHUNK]


def _set(into: dict[str, Any], path: list[str], value: str) -> None:
    for name in path[:-1]:
        into = into.setdefault(name, {})
        if not isinstance(into, dict):
            raise Wrong(f"{'.'.join(path)}: {name} has a value already")
    already = into.setdefault(path[-1], Words())
    if not isinstance(already, Words):
        raise Wrong(f"{'.'.join(path)} has a value already")
    already.append(value)


def _merge(into: dict[str, Any], other: dict[str, Any]) -> None:
    for name, value in other.items():
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        else:
            into[name] = value


def _takes(operation: Operation) -> tuple[str, ...]:
    found = slots(operation)
    if not found:
        return (f"{operation.id} takes nothing",)
    names = [slot.name if slot.required else f"[{slot.name}]" for slot in found]
    width = max(map(len, names))
    lines = [f"  {n.ljust(width)}  {s.kind}" for n, s in zip(names, found, strict=True)]
    return (f"{operation.id} takes", *lines)
