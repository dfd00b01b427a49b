"""NAME=VALUE pairs and JSON from standard input, as an operation's typed arguments."""

import difflib
import mimetypes
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from msgspec import Struct
from msgspec import inspect as types

from coterie.contract import Operation, Parameter, Source, Upload

from .kinds import bare, fields_of, kind, structure_of
from .mistakes import Mistake

__all__ = ["Slot", "arguments_of", "slots"]

_CHUNK = 64 * 1024
_LISTS = (types.ListType, types.SetType, types.FrozenSetType, types.VarTupleType, types.TupleType)
_BYTES = (types.BytesType, types.ByteArrayType, types.MemoryViewType)


class Slot(Struct, frozen=True):
    """One thing an operation takes: a parameter, or a field of the struct that is its body.

    ``kind`` says in words what its value may be.
    """

    name: str
    kind: str
    required: bool
    parameter: str
    default: Any = None


class _Words(list[str]):
    """The values typed for one name."""


def slots(operation: Operation) -> tuple[Slot, ...]:
    """What ``operation`` takes, in its order, by the names that are typed."""
    found: list[Slot] = []
    for parameter in operation.parameters:
        structure = _spread(parameter)
        if structure is None:
            told = "bytes, @FILE reads them" if parameter.stream else kind(_info(parameter))
            required, default = parameter.required, parameter.default
            found.append(Slot(parameter.name, told, required, parameter.name, default))
            continue
        for field in fields_of(structure):
            required = parameter.required and field.required
            default = getattr(field, "default", None)
            default = None if default is msgspec.NODEFAULT else default
            found.append(Slot(field.name, kind(field.type), required, parameter.name, default))
    return tuple(found)


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
    except _Wrong as wrong:
        raise Mistake(str(wrong), details=_takes(operation)) from None


class _Wrong(ValueError):
    """What was typed is not what the operation takes."""


class _Reader:
    def __init__(self, operation: Operation, stdin: BinaryIO) -> None:
        self.operation = operation
        self.stdin = stdin
        self.parameters = {parameter.name: parameter for parameter in operation.parameters}
        self.body = next((p for p in operation.parameters if _spread(p) is not None), None)

    def read(self, words: Sequence[str]) -> dict[str, Any]:
        typed: dict[str, Any] = {}
        whole: dict[str, Any] = {}
        for word in words:
            name, equals, value = word.partition("=")
            if word == "-":
                self.take(_json(self.stdin.read(), "standard input"), typed, whole)
            elif equals and name:
                _set(typed, name.split("."), value)
            else:
                raise _Wrong(f"{word!r} is not of the form name=value")
        given = {**self.sorted_out(typed), **whole}
        self.check_missing(given)
        return {name: self.value(self.parameters[name], node) for name, node in given.items()}

    def take(self, document: Any, typed: dict[str, Any], whole: dict[str, Any]) -> None:
        body = next((p for p in self.operation.parameters if p.source is Source.BODY), None)
        if isinstance(document, dict):
            _merge(typed, document)
        elif body is not None:
            whole[body.name] = document
        else:
            raise _Wrong("standard input is no JSON object")

    def sorted_out(self, typed: dict[str, Any]) -> dict[str, Any]:
        """What was typed, by parameter; what is none goes into the body."""
        given: dict[str, Any] = {}
        inside: dict[str, Any] = {}
        known = {slot.name for slot in slots(self.operation)} | set(self.parameters)
        for name, node in typed.items():
            if name in self.parameters:
                given[name] = node
            elif name in known or (self.body is not None and self.is_field(name)):
                inside[name] = node
            else:
                raise _Wrong(f"{self.operation.id} takes no {name}{_meant(name, known)}")
        if inside and self.body is not None:
            already = given.setdefault(self.body.name, {})
            if not isinstance(already, dict):
                raise _Wrong(f"{self.body.name} is given whole, and {', '.join(inside)} beside it")
            _merge(already, inside)
        return given

    def is_field(self, name: str) -> bool:
        structure = None if self.body is None else _spread(self.body)
        return structure is not None and any(f.encode_name == name for f in fields_of(structure))

    def check_missing(self, given: dict[str, Any]) -> None:
        missing = []
        for slot in slots(self.operation):
            parameter = self.parameters[slot.parameter]
            node = given.get(slot.parameter)
            if _spread(parameter) is None or not isinstance(node, dict):
                present = slot.parameter in given
            else:
                present = slot.name in node or self.wire_name(parameter, slot.name) in node
            if slot.required and not present:
                missing.append(slot.name)
        if missing:
            raise _Wrong(f"{self.operation.id} lacks {_listed(missing)}")

    def wire_name(self, parameter: Parameter, name: str) -> str:
        structure = _spread(parameter)
        fields = () if structure is None else fields_of(structure)
        return next((str(f.encode_name) for f in fields if f.name == name), name)

    def value(self, parameter: Parameter, node: Any) -> Any:
        if parameter.stream:
            return _streamed(self.content(_single(node, parameter.name)))
        shaped = self.shape(_info(parameter), node, parameter.name)
        try:
            return msgspec.convert(shaped, parameter.type, strict=False)
        except msgspec.ValidationError as problem:
            told = str(problem).replace(" - at `$", f" - at `{parameter.name}")
            raise _Wrong(told if told != str(problem) else f"{parameter.name}: {problem}") from None

    def shape(self, info: types.Type, node: Any, where: str) -> Any:
        """``node`` with its words in the places where ``info`` has them."""
        found = bare(info)
        if isinstance(found, types.UnionType):
            found = _alternative(found, node)
        if isinstance(node, _Words):
            return self.words(found, node, where)
        if isinstance(node, dict):
            return self.members(found, node, where)
        if isinstance(node, list) and isinstance(found, _LISTS):
            return [
                self.shape(_item(found, at), item, f"{where}[{at}]") for at, item in enumerate(node)
            ]
        return node

    def words(self, info: types.Type, words: _Words, where: str) -> Any:
        if isinstance(info, _LISTS):
            if len(words) == 1 and words[0].startswith("["):
                return self.shape(info, _json(words[0].encode(), where), where)
            return [
                self.shape(_item(info, at), _Words([word]), where) for at, word in enumerate(words)
            ]
        word = _single(words, where)
        if isinstance(info, types.StructType) and info.cls is Upload:
            return self.upload(word, where)
        if isinstance(info, _BYTES):
            return self.content(word)
        if structure_of(info) is not None or isinstance(info, types.DictType):
            if not word.startswith("{"):
                raise _Wrong(f"{where} has parts: {where}.NAME=VALUE, or {where}={{...}} as JSON")
            return self.shape(info, _json(word.encode(), where), where)
        return word

    def members(self, info: types.Type, node: dict[str, Any], where: str) -> Any:
        if isinstance(info, types.DictType):
            return {k: self.shape(info.value_type, v, f"{where}.{k}") for k, v in node.items()}
        structure = structure_of(info)
        if structure is None:
            if isinstance(info, types.AnyType | types.UnionType):
                return _plain(node)
            raise _Wrong(f"{where} is {kind(info)}, and has no {', '.join(node)}")
        fields = {name: f for f in fields_of(structure) for name in (f.name, f.encode_name)}
        shaped: dict[str, Any] = {}
        for name, member in node.items():
            if name not in fields and not _tag(structure, name):
                raise _Wrong(f"{where} has no {name}{_meant(name, fields)}")
            if name in fields:
                field = fields[name]
                shaped[field.encode_name] = self.shape(field.type, member, f"{where}.{name}")
            else:
                shaped[name] = _plain(member)
        return shaped

    def upload(self, word: str, where: str) -> Upload:
        if not word.startswith("@"):
            raise _Wrong(f"{where} is a file: {where}=@PATH")
        name = Path(word[1:]).name
        media = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return Upload(name, media, self.content(word))

    def content(self, word: str) -> bytes:
        if not word.startswith("@"):
            return word.encode()
        if word == "@-":
            return self.stdin.read()
        try:
            return Path(word[1:]).read_bytes()
        except (OSError, ValueError) as problem:
            reason = getattr(problem, "strerror", None) or problem
            raise _Wrong(f"{word[1:]} cannot be read: {reason}") from None


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


def _alternative(union: types.UnionType, node: Any) -> types.Type:
    """The member of a union that ``node`` looks like."""
    members = [bare(m) for m in union.types if not isinstance(bare(m), types.NoneType)]
    if len(members) == 1:
        return members[0]
    wanted: tuple[type[types.Type], ...] = ()
    if isinstance(node, _Words) and len(node) > 1:
        wanted = _LISTS
    return next((m for m in members if isinstance(m, wanted)), union)


def _item(info: types.Type, at: int) -> types.Type:
    if isinstance(info, types.TupleType):
        return info.item_types[min(at, len(info.item_types) - 1)]
    found: types.Type = getattr(info, "item_type", types.AnyType())
    return found


def _tag(structure: types.Type, name: str) -> bool:
    return getattr(structure, "tag_field", None) == name


def _single(node: Any, where: str) -> str:
    if not isinstance(node, list) or len(node) != 1 or not isinstance(node[0], str):
        raise _Wrong(f"{where} takes one value")
    return node[0]


def _plain(node: Any) -> Any:
    """``node`` as JSON would have it, where no type says more."""
    if isinstance(node, _Words):
        return node[0] if len(node) == 1 else list(node)
    if isinstance(node, dict):
        return {name: _plain(member) for name, member in node.items()}
    return node


async def _streamed(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), _CHUNK):
        yield content[start : start + _CHUNK]


def _json(content: bytes, where: str) -> Any:
    try:
        return msgspec.json.decode(content)
    except msgspec.DecodeError as problem:
        raise _Wrong(f"{where} is no JSON: {problem}") from None


def _set(into: dict[str, Any], path: list[str], value: str) -> None:
    for name in path[:-1]:
        into = into.setdefault(name, {})
        if not isinstance(into, dict):
            raise _Wrong(f"{'.'.join(path)}: {name} has a value already")
    already = into.setdefault(path[-1], _Words())
    if not isinstance(already, _Words):
        raise _Wrong(f"{'.'.join(path)} has a value already")
    already.append(value)


def _merge(into: dict[str, Any], other: dict[str, Any]) -> None:
    for name, value in other.items():
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        else:
            into[name] = value


def _meant(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name.lower(), sorted(known), 1)
    return f". Did you mean {close[0]}?" if close else ""


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _takes(operation: Operation) -> tuple[str, ...]:
    found = slots(operation)
    if not found:
        return (f"{operation.id} takes nothing",)
    names = [slot.name if slot.required else f"[{slot.name}]" for slot in found]
    width = max(map(len, names))
    lines = [f"  {n.ljust(width)}  {s.kind}" for n, s in zip(names, found, strict=True)]
    return (f"{operation.id} takes", *lines)
