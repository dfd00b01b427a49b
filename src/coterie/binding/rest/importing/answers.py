"""What an operation gives: its result, and the faults that may come instead."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from .asides import note_beside
from .document import Values
from .faults import Faults
from .kinds import NONE, Kind, Noted, Plain, either
from .media import bare, chosen, is_json, is_text, note_shape
from .schemas import Schemas

__all__ = ["Answer", "answer", "errors"]

_REDIRECTS = (301, 302, 303, 307, 308)
_STREAMS = ("text/event-stream", "application/x-ndjson", "application/jsonl")
_JSON = ("application/json", "*/*", "application/*", "text/json")


class Answer(Struct):
    """A result, the media type where it is not JSON as usual, and its status."""

    kind: Kind
    status: int
    media: str | None = None
    etag: bool = False


def answer(responses: Any, where: str, schemas: Schemas, hint: str) -> Answer:
    """The result of an operation: the answer of success, one where there are several."""
    told: Values = responses if isinstance(responses, dict) else {}
    notes = schemas.notes
    good: dict[int, tuple[Any, str]] = {}
    for name, response in told.items():
        status = _status(name, "2")
        if status is not None:
            good.setdefault(status, (response, f"{where} {name}"))
            if not str(name).isdecimal():
                notes.add(f"{where} {name}", "answers 2XX, of any such status", f"read as {status}")
    if not good:
        return _without(told, where, schemas, hint)
    read = {s: schemas.document.follow(r, w) for s, (r, w) in good.items()}
    full = [s for s in sorted(read) if read[s][0].get("content")]
    status = (full or sorted(read))[0]
    made = _read(read[status][0], status, good[status][1], read[status][1], schemas, hint)
    for other in sorted(read.keys() - {status}):
        _second(made, other, read[other][0], read[status][0], f"{where} {other}", schemas)
    for name, response in told.items():
        if _status(name, "3") is not None:
            headers = response.get("headers") if isinstance(response, dict) else None
            if str(name) == "304" and isinstance(headers, dict) and "ETag" in headers:
                made.etag = True
            else:
                notes.add(f"{where} {name}", f"answer {name} beside one of success", "a `Failure`")
    return made


def _second(
    made: Answer, status: int, response: Values, first: Values, where: str, schemas: Schemas
) -> None:
    """Another answer of success beside the one that was taken."""
    told, content = f"a second answer of success, {status}", response.get("content")
    if not content:
        made.kind = either(made.kind, NONE) if made.media is None else made.kind
        if made.kind != NONE:
            told += " without a body"
        schemas.notes.add(where, told, "the result may be None")
    else:
        same = content == first.get("content")
        schemas.notes.add(
            where, told, "read as the first" if same else "read as the first, or refused"
        )


def _without(told: Values, where: str, schemas: Schemas, hint: str) -> Answer:
    """The result where no answer of success is told."""
    moved = [s for s in (_status(name, "3") for name in told) if s in _REDIRECTS or s == 300]
    if moved:
        status = moved[0] if moved[0] in _REDIRECTS else 303
        return Answer(Plain("Redirect"), status or 303)
    if "default" in told:
        response, at = schemas.document.follow(told["default"], f"{where} default")
        notes = schemas.notes
        notes.add(f"{where} default", "success told as `default` alone", "taken for status 200")
        return _read(response, 200, f"{where} default", at, schemas, hint)
    schemas.notes.add(where, "no answer of success", "nothing is given back")
    return Answer(NONE, 204)


def _read(
    response: Values, status: int, where: str, at: str, schemas: Schemas, hint: str
) -> Answer:
    note_beside(response, where, schemas.notes)
    found = chosen(response.get("content"), where, schemas.notes)
    if status in (204, 205) or found is None:
        return Answer(NONE, status)
    media, inside = found
    schema = inside.get("schema", {})
    if bare(media) in _STREAMS:
        return Answer(Plain("AsyncIterator[bytes]"), status, media)
    if is_json(media):
        kind = schemas.of(schema, f"{at} {media}", f"{hint} result")
        real = schemas.real(kind)
        inner = real.kind if isinstance(real, Noted) else real
        if inner == Plain("bytes"):
            binary = "application/octet-stream" if media in _JSON else media
            return Answer(Plain("bytes"), status, binary)
        if media in _JSON or inner == NONE:
            return Answer(kind, status)
        return Answer(kind, status, media)
    whole = schemas.whole(schema, at)[0] if isinstance(schema, dict) else {}
    note_shape(whole, media, where, schemas.notes)
    if is_text(media) and whole.get("format") != "binary":
        return Answer(Plain("str"), status, media)
    return Answer(Plain("bytes"), status, media)


def errors(responses: Any, where: str, schemas: Schemas, faults: Faults) -> Iterator[bytes]:
    """The keys of the faults that the answers of an operation tell."""
    told: Values = responses if isinstance(responses, dict) else {}
    only_default = not any(_status(name, "2") or _status(name, "3") for name in told)
    for name, response in told.items():
        status = _status(name, "4") or _status(name, "5")
        place = f"{where} {name}"
        if status is not None and str(name).isdecimal():
            yield from faults.of(status, response, place)
        elif status is not None:
            schemas.notes.add(place, f"answers {str(name)[:20]}, of any such status", "a `Failure`")
        elif name == "default" and not only_default and not _ours(response):
            schemas.notes.add(place, "`default`: an error of any status", "a `Failure`")
        elif name != "default" and not _status(name, "2") and not _status(name, "3"):
            schemas.notes.add(place, f"answer {str(name)[:20]}", "not read")


def _ours(response: Any) -> bool:
    return isinstance(response, dict) and response == {"$ref": "#/components/responses/Problem"}


def _status(name: object, first: str) -> int | None:
    text = str(name)
    if text.upper() == f"{first}XX":
        return int(first) * 100
    return int(text) if len(text) == 3 and text.isdecimal() and text[0] == first else None
