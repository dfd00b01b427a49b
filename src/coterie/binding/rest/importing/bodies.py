"""The body of a request as arguments of a method."""

from collections.abc import Iterator
from typing import Any

from .document import Values
from .kinds import ANY, Choice, Kind, Listed, Named, Noted, Plain, Row, Table
from .literal import literal
from .media import FORMS, chosen, is_json, is_text, note_shape
from .merging import annotated_reference
from .model import Argument
from .names import Names, snake
from .parameters import defaulted, optional, plain_kind, without_none
from .parts import properties
from .parts import required as needed_of
from .schemas import Schemas

__all__ = ["body"]

_JSON = ("application/json", "*/*", "application/*", "text/json")


def body(told: Any, where: str, schemas: Schemas, names: Names, hint: str) -> Iterator[Argument]:
    """What the operation takes as body; nothing where it takes none."""
    request, at = schemas.document.follow(told, where)
    found = chosen(request.get("content"), f"{where} body", schemas.notes)
    if found is None:
        return
    media, inside = found
    schema = inside.get("schema", {})
    required = request.get("required") is True
    if media in FORMS:
        if "encoding" in inside:
            schemas.notes.add(f"{where} body", "`encoding` of a form", "fields travel as usual")
        yield from _form(schema, media, at, schemas, names, hint, required=required)
    elif is_json(media):
        yield _json(schema, media, f"{at}/content/schema", schemas, names, hint, required=required)
    else:
        whole = schemas.whole(schema, at)[0] if isinstance(schema, dict) else {}
        note_shape(whole, media, f"{where} body", schemas.notes)
        kind = Plain("str" if is_text(media) else "bytes")
        yield optional(
            Argument(names.of_value("body", "body"), kind, f"Content({literal(media)})", required)
        )


def _json(
    schema: Any,
    media: str,
    at: str,
    schemas: Schemas,
    names: Names,
    hint: str,
    *,
    required: bool,
) -> Argument:
    reference = annotated_reference(schema) if isinstance(schema, dict) else None
    kind = schemas.of(schema, at, f"{hint} body")
    called = "body" if reference is None else snake(reference.rpartition("/")[2])
    bare = schemas.real(kind)
    bare = bare.kind if isinstance(bare, Noted) else bare
    if bare == Plain("bytes") or (bare == Plain("str") and media not in _JSON):
        schemas.notes.add(at, "a body that is one text of JSON", "any JSON is taken")
        kind, bare = ANY, ANY
    marker = ""
    if media not in _JSON:
        marker = f"Content({literal(media)})"
    elif not required or not isinstance(bare, Named | Listed | Row | Table):
        marker = "Body()"
    if isinstance(bare, Choice):
        marker = marker or "Body()"
    made = Argument(names.of_value(called, "body"), kind, marker, required=required)
    return optional(made)


def _form(
    schema: Any,
    media: str,
    where: str,
    schemas: Schemas,
    names: Names,
    hint: str,
    *,
    required: bool,
) -> Iterator[Argument]:
    whole, at = schemas.whole(schema if isinstance(schema, dict) else {}, where)
    inside = properties(whole)
    if not inside:
        schemas.notes.add(where, "a form without named fields", "it is sent as bytes")
        made = Argument(
            names.of_value("body", "body"), Plain("bytes"), f"Content({literal(media)})", required
        )
        yield optional(made)
        return
    needed = needed_of(whole)
    files = False
    for wire, told in inside.items():
        place = f"{at}/properties/{wire}"
        kind = _field(told, place, f"{hint} {wire}", schemas)
        files = files or _holds_file(kind)
        name = names.of_value(str(wire), "field")
        said: Values = told if isinstance(told, dict) else {}
        member = schemas.member(
            str(wire), name, kind, said, place, required=wire in needed and required
        )
        made = Argument(name, member.kind, required=member.required)
        made.marker = f"Form({'' if name == wire else literal(str(wire))})"
        yield defaulted(made, member, place, schemas)
    if media == FORMS[0] and not files:
        schemas.notes.add(where, "multipart/form-data without a file", f"{FORMS[1]} is sent")


def _field(told: Any, where: str, hint: str, schemas: Schemas) -> Kind:
    whole, _ = schemas.whole(told if isinstance(told, dict) else {}, where)
    if _is_file(whole):
        return Plain("Upload")
    items = whole.get("items")
    if whole.get("type") == "array" and isinstance(items, dict):
        inner, _ = schemas.whole(items, f"{where}/items")
        if _is_file(inner):
            return Listed(Plain("Upload"))
    return without_none(plain_kind(told, where, hint, schemas))


def _is_file(schema: Values) -> bool:
    kind, media = schema.get("type"), schema.get("contentMediaType")
    binary = schema.get("format") == "binary" or media == "application/octet-stream"
    return kind == "string" and binary


def _holds_file(kind: Kind) -> bool:
    file = Plain("Upload")
    return kind in (file, Listed(file)) or (isinstance(kind, Noted) and _holds_file(kind.kind))
