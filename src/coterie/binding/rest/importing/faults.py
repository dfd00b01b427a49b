"""Answers that tell errors, as faults."""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from coterie.binding.rest.problem import phrase
from coterie.contract import Code, Fault, kebab

from .asides import note_beside
from .document import Values
from .kinds import Kind, Noted, Plain
from .media import chosen, is_json
from .model import Error
from .names import Names, can_be_renamed, class_name
from .parts import properties, required
from .schemas import Schemas

__all__ = ["Faults", "code_of"]

_OURS = "urn:coterie:"
_TELLING = ("message", "error", "detail", "title", "description", "error_description", "reason")
_STANDARD = frozenset({"type", "title", "status", "detail", "code", "trace_id"})
_ATTRIBUTES = frozenset(("self", *dir(Fault)))


class _Use(Struct):
    """A fault before it has a name."""

    error: Error
    called: str
    schema: Values
    where: str


class Faults:
    """The faults of one module: the same answer under the same status is one of them."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._uses: dict[bytes, _Use] = {}

    def of(self, status: int, response: Any, where: str) -> Iterator[bytes]:
        """The keys of the faults that an answer of ``status`` tells."""
        told, at = self._schemas.document.follow(response, where)
        reference = response.get("$ref") if isinstance(response, dict) else None
        called = str(reference).rpartition("/")[2] if isinstance(reference, str) else ""
        note_beside(told, at, self._schemas.notes)
        description = str(told.get("description") or "")
        content = told.get("content")
        if not isinstance(content, dict) or not content:
            yield self._use(status, {}, at, called, description)
            return
        # Ours tell problems beside faults that are bare: both are looked at.
        for media, inside in content.items():
            if not is_json(str(media)) or not isinstance(inside, dict):
                continue
            for schema, place in self._options(inside.get("schema", {}), f"{at} {media}"):
                yield from self._one(status, schema, place, called, description)
            if media != "application/problem+json" or len(content) == 1:
                break
        else:
            if not any(is_json(str(media)) for media in content):
                found = chosen(content, where, self._schemas.notes)
                named = found[0] if found else "nothing"
                what = f"an error told as {named[:80]}"
                self._schemas.notes.add(where, what, "its status alone tells it")
                yield self._use(status, {}, at, called, description)

    def _options(self, schema: Any, where: str) -> Iterator[tuple[Values, str]]:
        if not isinstance(schema, dict):
            return
        whole, _ = self._schemas.document.follow(schema, where)
        for word in ("oneOf", "anyOf"):
            options = whole.get(word)
            if isinstance(options, list) and "properties" not in whole and options:
                for option in options:
                    if isinstance(option, dict) and option.get("type") != "null":
                        yield option, where
                return
        yield schema, where

    def _one(
        self, status: int, schema: Values, where: str, called: str, description: str
    ) -> Iterator[bytes]:
        whole, at = self._schemas.whole(schema, where)
        reference = schema.get("$ref")
        if isinstance(reference, str) and not called:
            called = reference.rpartition("/")[2]
        inside = properties(whole)
        kind = inside.get("type", {}).get("const") if isinstance(inside.get("type"), dict) else None
        if kind == "about:blank" and "trace_id" in inside:
            return  # any operation of ours answers this
        if whole and not inside:
            what = "an error that is told by no object with named members"
            self._schemas.notes.add(where, what, "its status alone tells it")
        if isinstance(kind, str) and kind.startswith(_OURS):
            told = str(whole.get("description") or "")
            called = str(reference).rpartition("/")[2] if reference else kind
            yield self._use(status, whole, at, called, told, ours=inside)
            return
        yield self._use(status, whole if inside else {}, at, called, description)

    def _use(
        self,
        status: int,
        schema: Values,
        where: str,
        called: str,
        description: str,
        ours: Values | None = None,
    ) -> bytes:
        shape: Values = {"properties": properties(schema), "required": sorted(required(schema))}
        # What has no members is told by its status, whatever the words.
        name = called if shape["properties"] else ""
        key = msgspec.json.encode([status, shape, name, ours is not None], enc_hook=str)
        if key not in self._uses:
            error = Error("", status, description, [])
            if ours is not None:
                error.kind = str(ours["type"]["const"]).removeprefix(_OURS)
                code = ours.get("code")
                error.code = str(code.get("const")) if isinstance(code, dict) else None
            self._uses[key] = _Use(error, name, schema, where)
        elif description != self._uses[key].error.message and not shape["properties"]:
            self._uses[key].error.message = ""
        return key

    def finish(self) -> dict[bytes, Error]:
        """Every fault with its name and its members, by its key."""
        statuses: dict[str, set[int]] = {}
        for use in self._uses.values():
            statuses.setdefault(use.called, set()).add(use.error.status)
        kinds: set[str] = set()
        for use in self._uses.values():
            told = class_name(phrase(use.error.status).replace("'", "")) or "Error"
            alone = len(statuses[use.called]) == 1 or told in class_name(use.called)
            name = use.called if alone else f"{told} {use.called}"
            name = name if use.called else told
            use.error.name = self._name(name, kinds)
            kinds.add(kebab(use.error.name))
            self._members(use)
        return {key: use.error for key, use in self._uses.items()}

    def _name(self, called: str, kinds: set[str]) -> str:
        plain = "".join(c if c.isascii() else " " for c in class_name(called)) or "Error"
        name = self._schemas.names.of_type(plain)
        while kebab(name) in kinds:
            name = self._schemas.names.of_type(f"{plain}{len(kinds)}")
        return name

    def _members(self, use: _Use) -> None:
        error, schemas = use.error, self._schemas
        needed = required(use.schema)
        names = Names(_ATTRIBUTES)
        for wire, told in properties(use.schema).items():
            if error.kind is not None and wire in _STANDARD:
                continue
            if not can_be_renamed(str(wire)):
                schemas.notes.add(
                    use.where, f"a member called {wire!r}", "left out: no field can be"
                )
                continue
            place = f"{use.where}/properties/{wire}"
            kind = schemas.of(told, place, f"{error.name} {wire}")
            name = names.of_value(str(wire), "field")
            schema = told if isinstance(told, dict) else {}
            member = schemas.member(str(wire), name, kind, schema, place, required=wire in needed)
            if name != wire:
                member.kind = self._short(member.kind, f"{error.name} {wire}", place)
            error.members.append(member)
        error.members.sort(key=lambda member: not member.required)
        if error.kind is None:
            error.message = self._message(error)

    def _short(self, kind: Kind, hint: str, where: str) -> Kind:
        """``kind`` for a member with another name on the wire: both stand on one line."""
        if isinstance(kind, Noted) and any(name == "description" for name, _ in kind.meta):
            what = "the description of a fault's member that Python calls otherwise"
            self._schemas.notes.add(where, what, "not told")
            meta = tuple(pair for pair in kind.meta if pair[0] != "description")
            kind = Noted(kind.kind, meta) if meta else kind.kind
        return self._schemas.aliased(kind, hint)

    def _message(self, error: Error) -> str:
        """What a fault says of itself: the member that says it, else the answer's description."""
        texts = {m.wire: m.name for m in error.members if m.required and _is_text(m.kind)}
        for wire in _TELLING:
            if wire in texts:
                return f"{{{texts[wire]}}}"
        told = error.message or phrase(error.status)
        return told.replace("{", "{{").replace("}", "}}")


def _is_text(kind: Kind) -> bool:
    return (kind.kind if isinstance(kind, Noted) else kind) == Plain("str")


def code_of(error: Error) -> Code:
    """The code of a fault: the one it says, or that of its status."""
    try:
        return Code(error.code)
    except ValueError:
        return Code.of_status(error.status)
