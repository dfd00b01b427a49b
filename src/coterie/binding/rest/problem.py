"""Faults and failures as problem details (RFC 9457), and back."""

import math
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import msgspec
from msgspec import structs

from coterie.call import Failure, Reply, Sent, Violation
from coterie.contract import Code, Fault

from .foreign import fitting, said
from .media import JSON, bare
from .result import decoded_json

__all__ = ["MEDIA", "phrase", "problem_reply", "problem_type", "raised"]

MEDIA = "application/problem+json"

_PREFIX = "urn:coterie:"
_REFUSED = "coterie-refused"
_OVERLOAD = "overload"
_LONGEST = 31_536_000.0
"""Seconds, a year: who asks for more is told of no more."""
_DIGITS = 20
_CODES = tuple(code.value for code in Code)
_STANDARD = frozenset({"type", "title", "status", "detail", "instance"})


def problem_type(fault: type[Fault]) -> str:
    """The URI that tells this fault from others."""
    return _PREFIX + fault.kind


def problem_reply(error: Fault | Failure, trace_id: str = "") -> Reply:
    """The answer that tells ``error`` to a caller; a bare fault is told by its fields alone."""
    members: dict[str, Any]
    headers: list[tuple[str, str]] = [("content-type", MEDIA)]
    if isinstance(error, Fault) and error.bare:
        headers = [("content-type", JSON.media)]
        members = msgspec.to_builtins(error.wire()(**error.values()))
    elif isinstance(error, Fault):
        wire = type(error).wire()
        members = {
            "type": problem_type(type(error)),
            "title": _words(error.kind),
            "status": error.status,
            "detail": error.message,
            "code": error.code.value,
            **msgspec.to_builtins(wire(**error.values())),
        }
    else:
        members = {
            "type": "about:blank",
            "title": phrase(error.status),
            "status": error.status,
            "detail": error.message,
            "code": error.code.value,
        }
        if error.violations:
            members["errors"] = error.violations
        if error.retry_after is not None and math.isfinite(error.retry_after):
            headers.append(("retry-after", str(max(1, round(error.retry_after)))))
        if error.sent is Sent.REFUSED:
            headers.append((_REFUSED, "true"))
        elif error.sent is Sent.SHED:
            headers.append((_REFUSED, _OVERLOAD))
        headers += error.headers
    if error.status == 401 and not _has(headers, "www-authenticate"):
        # A 401 without a challenge is no HTTP (RFC 9110, 15.5.2).
        headers.append(("www-authenticate", "Bearer"))
    if trace_id and not (isinstance(error, Fault) and error.bare):
        members["trace_id"] = trace_id
    return Reply(None, error.status, tuple(headers), msgspec.json.encode(members))


def raised(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    faults: Mapping[str, type[Fault]],
    whose: str,
) -> Fault | Failure:
    """The exception an answer with an error ``status`` stands for.

    ``faults`` are those the operation declares, by problem type. Problem details of ours name the
    fault; any other answer tells the one of its status whose fields the body has, see `fitting`.
    What tells none becomes a `Failure` with the code of its status, in the words of whoever
    answered where they are short.
    """
    content = headers.get("content-type", "")
    decoded = decoded_json(content, body)
    members: dict[str, Any] = decoded if isinstance(decoded, dict) else {}
    kind = members.get("type")
    declared = faults.get(kind) if isinstance(kind, str) else None
    if declared is not None and not declared.bare:
        try:
            return declared.from_wire(members)
        except msgspec.ValidationError as error:
            what = f"{whose} answered a {declared.__name__} that does not fit: {error}"
            return Failure(Code.UNKNOWN, what, status=status)
    details = bare(content.encode("latin-1", "replace")) == MEDIA
    ours = _ours(members, details=details)
    if not ours and _REFUSED not in headers:
        # Rubbish tells nothing by being there: a fault without fields has to be told otherwise.
        rubbish = _garbled(content, body, decoded, details=details)
        found = fitting(status, members, _needy(faults) if rubbish else faults.values())
        if found is not None:
            return found
    code = _code(members.get("code"), status)
    detail = members.get("detail")
    if ours and isinstance(detail, str):
        message = detail
    else:
        usual = phrase(status)
        told = said(members, usual)
        message = f"{whose} answered {status}{f': {told}' if told else f' {usual}'}"
    fault = None
    if isinstance(kind, str) and kind.startswith(_PREFIX):
        fault = kind.removeprefix(_PREFIX)
        message = f"{message} ({whose} raised the fault {fault!r}, which its contract here lacks)"
    return Failure(
        code,
        message,
        sent=_sent(status, headers.get(_REFUSED)),
        violations=_violations(members.get("errors")),
        retry_after=_seconds(headers.get("retry-after")),
        fault=fault,
        members={k: v for k, v in members.items() if not ours or k not in _STANDARD},
        status=status,
    )


def _sent(status: int, refused: str | None) -> Sent:
    """How far the request got, by what ``coterie-refused`` says: too busy, not ready, or nothing."""
    if refused == _OVERLOAD:
        return Sent.SHED if status in (429, 503) else Sent.ANSWERED
    return Sent.REFUSED if status == 503 and refused is not None else Sent.ANSWERED


def _ours(members: Mapping[str, Any], *, details: bool) -> bool:
    """Whether a program that knows Coterie answered: its problems have a type or a code of ours."""
    kind = members.get("type")
    if isinstance(kind, str) and kind.startswith(_PREFIX):
        return True
    return details and members.get("code") in _CODES


def _garbled(content: str, body: bytes, decoded: Any, *, details: bool) -> bool:
    """Whether it calls itself problem details, or JSON, and is none that a program would answer."""
    if details:
        return not (isinstance(decoded, dict) and isinstance(decoded.get("type"), str))
    return bool(body) and "json" in content and not isinstance(decoded, dict | str | None)


def _needy(faults: Mapping[str, type[Fault]]) -> list[type[Fault]]:
    """The faults that require fields."""
    return [f for f in faults.values() if any(x.required for x in structs.fields(f.wire()))]


def _code(value: object, status: int) -> Code:
    try:
        return Code(value)
    except ValueError:
        return Code.of_status(status)


def _violations(value: object) -> tuple[Violation, ...]:
    try:
        return tuple(msgspec.convert(value or (), tuple[Violation, ...]))
    except msgspec.ValidationError:
        return ()


def _seconds(value: str | None) -> float | None:
    """What ``Retry-After`` asks for, in seconds or as a date (RFC 9110, 10.2.3); else nothing."""
    if value is None:
        return None
    if value.isdecimal():
        return min(float(value), _LONGEST) if len(value) < _DIGITS else _LONGEST
    try:
        return min(max(parsedate_to_datetime(value).timestamp() - time.time(), 0.0), _LONGEST)
    except (ValueError, OverflowError):
        return None


def _has(headers: list[tuple[str, str]], name: str) -> bool:
    return any(key.lower() == name for key, _ in headers)


def _words(kind: str) -> str:
    return kind.replace("-", " ").capitalize()


# RFC 9110 has renamed them; Python did at 3.13.
_RENAMED = {
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}


def phrase(status: int) -> str:
    """What a status is called (RFC 9110, 15), the same under every Python."""
    try:
        return _RENAMED.get(status) or HTTPStatus(status).phrase
    except ValueError:
        return "Client Closed Request" if status == 499 else "Error"
