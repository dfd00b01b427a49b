"""Shaper: values as they were typed, in the shape that a type gives them."""

import mimetypes
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from msgspec import inspect as types

from coterie.contract import Upload

from .kinds import bare, fields_of, kind, structure_of
from .likeness import close_to

__all__ = ["Shaper", "Words", "Wrong", "json_of", "meant", "single"]

_LISTS = (types.ListType, types.SetType, types.FrozenSetType, types.VarTupleType, types.TupleType)
_BYTES = (types.BytesType, types.ByteArrayType, types.MemoryViewType)


class Wrong(ValueError):
    """What was typed does not fit; the message says where and why."""


class Words(list[str]):
    """The values typed for one name, in their order."""


class Shaper:
    """Puts `Words`, and dicts and lists from JSON that may hold them, into the shape of a type.

    Conversion to the type itself is left to msgspec, which turns ``"1"`` into 1 where it must.
    ``stdin`` is what ``@-`` reads.
    """

    def __init__(self, stdin: BinaryIO) -> None:
        self._stdin = stdin

    def shape(self, info: types.Type, node: Any, where: str) -> Any:
        """``node`` as ``info`` has it; ``where`` names it in messages. Raises `Wrong`."""
        found = bare(info)
        if isinstance(found, types.UnionType):
            found = _alternative(found, node)
        if isinstance(node, Words):
            return self._words(found, node, where)
        if isinstance(node, dict):
            return self._members(found, node, where)
        if isinstance(node, list) and isinstance(found, _LISTS):
            return [
                self.shape(_item(found, at), item, f"{where}[{at}]") for at, item in enumerate(node)
            ]
        return node

    def content(self, word: str) -> bytes:
        """The bytes that ``word`` stands for: those of a file after ``@``, or its own."""
        if not word.startswith("@"):
            return word.encode()
        if word == "@-":
            return self._stdin.read()
        try:
            return Path(word[1:]).read_bytes()
        except (OSError, ValueError) as problem:
            reason = getattr(problem, "strerror", None) or problem
            raise Wrong(f"{word[1:]} cannot be read: {reason}") from None

    def _words(self, info: types.Type, words: Words, where: str) -> Any:
        if isinstance(info, _LISTS):
            if len(words) == 1 and words[0].startswith("["):
                return self.shape(info, json_of(words[0].encode(), where), where)
            return [
                self.shape(_item(info, at), Words([word]), where) for at, word in enumerate(words)
            ]
        word = single(words, where)
        if isinstance(info, types.StructType) and info.cls is Upload:
            return self._upload(word, where)
        if isinstance(info, _BYTES):
            return self.content(word)
        if structure_of(info) is not None or isinstance(info, types.DictType):
            if not word.startswith("{"):
                raise Wrong(f"{where} has parts: {where}.NAME=VALUE, or {where}={{...}} as JSON")
            return self.shape(info, json_of(word.encode(), where), where)
        return word

    def _members(self, info: types.Type, node: dict[str, Any], where: str) -> Any:
        if isinstance(info, types.DictType):
            return {k: self.shape(info.value_type, v, f"{where}.{k}") for k, v in node.items()}
        structure = structure_of(info)
        if structure is None:
            if isinstance(info, types.AnyType | types.UnionType):
                return _plain(node)
            raise Wrong(f"{where} is {kind(info)}, and has no {', '.join(node)}")
        fields = {name: f for f in fields_of(structure) for name in (f.name, f.encode_name)}
        shaped: dict[str, Any] = {}
        for name, member in node.items():
            if name in fields:
                field = fields[name]
                shaped[field.encode_name] = self.shape(field.type, member, f"{where}.{name}")
            elif name == getattr(structure, "tag_field", None):
                shaped[name] = _plain(member)
            else:
                raise Wrong(f"{where} has no {name}{meant(name, fields)}")
        return shaped

    def _upload(self, word: str, where: str) -> Upload:
        if not word.startswith("@"):
            raise Wrong(f"{where} is a file: {where}=@PATH")
        name = Path(word[1:]).name
        media = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return Upload(name, media, self.content(word))


def single(node: Any, where: str) -> str:
    """The one word that was typed. Raises `Wrong` for more, or for parts."""
    if not isinstance(node, Words) or len(node) != 1:
        raise Wrong(f"{where} takes one value")
    return node[0]


def json_of(content: bytes, where: str) -> Any:
    """A JSON document. Raises `Wrong`."""
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError) as problem:
        raise Wrong(f"{where} is no JSON: {problem}") from None


def meant(name: str, known: Iterable[str]) -> str:
    """`. Did you mean user_id?`, or nothing."""
    close = close_to(name, sorted(known))
    return f". Did you mean {' or '.join(close)}?" if close else ""


def _alternative(union: types.UnionType, node: Any) -> types.Type:
    """The member of a union that ``node`` looks like."""
    members = [bare(m) for m in union.types if not isinstance(bare(m), types.NoneType)]
    if len(members) == 1:
        return members[0]
    several = isinstance(node, Words) and len(node) > 1
    return next((m for m in members if several and isinstance(m, _LISTS)), union)


def _item(info: types.Type, at: int) -> types.Type:
    if isinstance(info, types.TupleType):
        return info.item_types[min(at, len(info.item_types) - 1)]
    found: types.Type = getattr(info, "item_type", types.AnyType())
    return found


def _plain(node: Any) -> Any:
    """``node`` as JSON would have it, where no type says more."""
    if isinstance(node, Words):
        return node[0] if len(node) == 1 else list(node)
    if isinstance(node, dict):
        return {name: _plain(member) for name, member in node.items()}
    return node
