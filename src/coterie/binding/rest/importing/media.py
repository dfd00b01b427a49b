"""Which of several media types a contract speaks."""

from typing import Any

from .document import Values
from .note import Notes

__all__ = ["FORMS", "bare", "chosen", "is_json", "is_text", "note_shape"]

FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
_ANY = ("*/*", "application/*")
_JSON = "application/json"
_MSGPACK = "application/msgpack"


def bare(media: str) -> str:
    """A media type without its parameters."""
    return media.split(";", 1)[0].strip().lower()


def is_json(media: str) -> bool:
    """Whether values of the type are JSON; one that says nothing counts as that."""
    media = bare(media)
    return media in (_JSON, "text/json", *_ANY) or media.endswith("+json")


def is_text(media: str) -> bool:
    """Whether it is text of a kind."""
    return bare(media).startswith("text/")


def chosen(content: object, where: str, notes: Notes) -> tuple[str, Values] | None:
    """The media type to speak, with what is said of it: JSON where there is a choice."""
    if not isinstance(content, dict) or not content:
        return None
    order = sorted(map(str, content), key=_rank)
    media = order[0]
    told: dict[str, Any] = {str(k): v if isinstance(v, dict) else {} for k, v in content.items()}
    for other in order[1:]:
        same = told[other].get("schema") == told[media].get("schema")
        both_forms = {media, other} == set(FORMS)
        if not (same and (both_forms or (media == _JSON and other == _MSGPACK))):
            notes.add(where, f"media type {other[:80]}", f"{media[:80]} is spoken")
    if bare(media) == "text/json":
        notes.add(where, "media type text/json", f"{_JSON} is spoken")
    return media, told[media]


def note_shape(schema: Values, media: str, where: str, notes: Notes) -> None:
    """Note the parts of a schema whose values do not travel as JSON."""
    if schema.keys() & {"properties", "items", "additionalProperties"}:
        what = f"the parts of what travels as {media[:80]}"
        notes.add(where, what, "text, or bytes, as they come")


def _rank(media: str) -> int:
    kind = bare(media)
    if kind == _JSON:
        return 0
    if kind.endswith("+json"):
        return 1
    if kind in FORMS:
        return 2 + FORMS.index(kind)
    if is_json(kind):
        return 4
    return 5 if is_text(kind) else 6
