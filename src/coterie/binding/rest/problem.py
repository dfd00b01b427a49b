"""Faults and failures as problem details (RFC 9457), and back."""

import math
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import msgspec

from coterie.call import Failure, Reply, Sent, Violation
from coterie.contract import Code, Fault

__all__ = ["MEDIA", "phrase", "problem_reply", "problem_type", "raised"]

MEDIA = "application/problem+json"

_PREFIX = "urn:coterie:"
_REFUSED = "coterie-refused"
_OVERLOAD = "overload"
_LONGEST = 31_536_000.0
"""Seconds, a year: who asks for more is told of no more."""
_DIGITS = 20
_STANDARD = frozenset({"type", "title", "status", "detail", "instance"})


def problem_type(fault: type[Fault]) -> str:
    """The URI that tells this fault from others."""
    return _PREFIX + fault.kind


def problem_reply(error: Fault | Failure, trace_id: str = "") -> Reply:
    """The answer that tells ``error`` to a caller."""
    headers: list[tuple[str, str]] = [("content-type", MEDIA)]
    if isinstance(error, Fault):
        wire = type(error).wire()
        members: dict[str, Any] = {
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
    if trace_id:
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

    ``faults`` are those the operation declares, by problem type. Anything that is no well-formed
    problem becomes a `Failure` with the code of its status.
    """
    members = _members(headers, body)
    kind = members.get("type")
    declared = faults.get(kind) if isinstance(kind, str) else None
    if declared is not None:
        try:
            return declared.from_wire(members)
        except msgspec.ValidationError as error:
            what = f"{whose} answered a {declared.__name__} that does not fit: {error}"
            return Failure(Code.UNKNOWN, what, status=status)
    code = _code(members.get("code"), status)
    detail = members.get("detail")
    message = detail if isinstance(detail, str) else f"{whose} answered {status}"
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
        members={k: v for k, v in members.items() if k not in _STANDARD},
        status=status,
    )


def _sent(status: int, refused: str | None) -> Sent:
    """How far the request got, by what ``coterie-refused`` says: too busy, not ready, or nothing."""
    if refused == _OVERLOAD:
        return Sent.SHED if status in (429, 503) else Sent.ANSWERED
    return Sent.REFUSED if status == 503 and refused is not None else Sent.ANSWERED


def _members(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    if "json" not in headers.get("content-type", ""):
        return {}
    try:
        members = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return {}
    return members if isinstance(members, dict) else {}


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
