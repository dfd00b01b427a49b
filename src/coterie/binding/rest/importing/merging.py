"""merged(): a schema with its ``allOf`` folded into it."""

from typing import Any, TypeAlias

from .document import Document, Values
from .note import Notes
from .parts import properties, required

__all__ = ["annotated_reference", "merged"]

# Beside these a reference is still what it leads to.
_ANNOTATIONS = frozenset(
    {"title", "description", "deprecated", "example", "examples", "readOnly", "writeOnly"}
    | {"externalDocs", "xml", "default", "nullable"}
)
_SOFT = _ANNOTATIONS | {"allOf", "properties", "required", "discriminator", "$ref"}


_Folded: TypeAlias = dict[int, tuple[list[Any], Values | None]]
"""Lists of parts, by identity, and what they are together: nothing yet, while that is asked."""


def annotated_reference(schema: Values) -> str | None:
    """The reference that ``schema`` is, if all beside it are words about it."""
    reference = schema.get("$ref")
    if isinstance(reference, str):
        return reference
    parts = schema.get("allOf")
    if isinstance(parts, list) and len(parts) == 1 and isinstance(parts[0], dict):
        others = {n for n in schema if n != "allOf" and not n.startswith("x-")}
        inner = parts[0].get("$ref")
        if isinstance(inner, str) and set(parts[0]) == {"$ref"} and others <= _ANNOTATIONS:
            return inner
    return None


def merged(schema: Values, where: str, document: Document, notes: Notes) -> Values:
    """``schema`` as one object schema: what all its parts ask for together.

    Two parts that speak of one property make it an ``allOf`` of both. Where they contradict each
    other otherwise, the later part counts, and it is noted.
    """
    return _merged(schema, where, document, notes, {})


def _merged(schema: Values, where: str, document: Document, notes: Notes, known: _Folded) -> Values:
    schema, where = document.follow(schema, where)
    parts = schema.get("allOf")
    if not isinstance(parts, list):
        return schema
    own = {name: value for name, value in schema.items() if name != "allOf"}
    if id(parts) in known:
        made = known[id(parts)][1]
        if made is None:
            notes.add(where, "allOf that holds itself", "left out")
            return own
        return made
    known[id(parts)] = parts, None
    made = _whole(parts, own, where, document, notes, known)
    known[id(parts)] = parts, made
    return made


def _whole(
    parts: list[Any],
    own: Values,
    where: str,
    document: Document,
    notes: Notes,
    known: _Folded,
) -> Values:
    made: Values = {}
    folded = [
        _merged(part, f"{where}/allOf/{number}", document, notes, known)
        for number, part in enumerate(parts)
        if isinstance(part, dict)
    ]
    for part in (*folded, own):
        _fold(part, made, where, notes)
    for name in _ANNOTATIONS - {"nullable"}:
        # What is said of a part is not said of the whole.
        if name in own:
            made[name] = own[name]
        elif name != "description" or len(folded) > 1:
            made.pop(name, None)
    return made


def _fold(part: Values, made: Values, where: str, notes: Notes) -> None:
    for name, value in part.items():
        if name == "properties":
            known: Values = made.setdefault("properties", {})
            for field, schema in properties(part).items():
                same = field not in known or known[field] == schema
                known[field] = schema if same else _both(known[field], schema)
        elif name == "required":
            made["required"] = sorted(required(made) | required(part))
        elif name in ("oneOf", "anyOf") and name in made and made[name] != value:
            _multiply(name, value, made, where, notes)
        elif name == "enum" and isinstance(made.get("enum"), list) and isinstance(value, list):
            made["enum"] = [item for item in value if item in made["enum"]] or value
        elif name == "type" and name in made:
            made["type"] = _narrower(made["type"], value, where, notes)
        else:
            contradicts = name in made and made[name] != value and name not in _SOFT
            if contradicts and not name.startswith("x-"):
                notes.add(where, f"allOf with several `{name}`", "the last one counts")
            made[name] = value


def _both(first: Any, second: Any) -> Values:
    """What both ask for; each part once, or types that hold one another would never end."""
    parts: list[Any] = []
    for schema in (first, second):
        inside = schema.get("allOf") if isinstance(schema, dict) and len(schema) == 1 else None
        for part in inside if isinstance(inside, list) else [schema]:
            if part not in parts:
                parts.append(part)
    return {"allOf": parts}


def _multiply(name: str, value: Any, made: Values, where: str, notes: Notes) -> None:
    """Of two choices, each of the first with each of the second."""
    first, second = made[name], value
    if not (isinstance(first, list) and isinstance(second, list)) or len(first) * len(second) > 24:
        notes.add(where, f"allOf with several `{name}`", "the last one counts")
        made[name] = value
        return
    made[name] = [{"allOf": [a, b]} for a in first for b in second]


def _narrower(first: Any, second: Any, where: str, notes: Notes) -> Any:
    if first == second:
        return first
    left = first if isinstance(first, list) else [first]
    right = second if isinstance(second, list) else [second]
    both = [kind for kind in left if kind in right]
    if {"integer", "number"} <= {*map(str, left), *map(str, right)}:
        both = [*both, "integer"]
    if not both:
        notes.add(where, "allOf with several `type`", "the last one counts")
        return second
    return both[0] if len(both) == 1 else both
