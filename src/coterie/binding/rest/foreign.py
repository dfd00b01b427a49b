"""What programs answer that know nothing of Coterie: errors in their own words, redirects."""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from coterie.contract import Fault, Operation

__all__ = ["elsewhere", "fitting", "said"]

_LONGEST = 200
# Where programs say what went wrong, and where some of them nest it.
_TELLING = ("error", "detail", "message", "title")
_MARKUP = re.compile(r"<!|</|<html|<body", re.IGNORECASE)
# A token that a program repeats must not end in a log.
_SECRET = re.compile(r"\beyJ[\w-]{8,}[\w.-]*|(?<=\bbearer )[\w.~+/=-]{16,}", re.IGNORECASE)
_BRACES = re.compile(r"\\\{[^{}]*\\\}")


def fitting(status: int, members: Mapping[str, Any], faults: Iterable[type[Fault]]) -> Fault | None:
    """The fault among ``faults`` that an answer of ``status`` with these ``members`` tells.

    The one with most required fields that fits; of those with as many, the one of which most
    fields were sent; then the one declared first. One that requires no field fits any answer.
    """

    def rank(fault: type[Fault]) -> tuple[int, int]:
        fields = msgspec.structs.fields(fault.wire())
        sent = sum(field.encode_name in members for field in fields)
        return sum(field.required for field in fields), sent

    candidates = [fault for fault in faults if fault.status == status]
    for fault in sorted(candidates, key=rank, reverse=True):
        try:
            return fault.from_wire(members)
        except msgspec.ValidationError:
            continue
    return None


def said(members: Mapping[str, Any], usual: str) -> str | None:
    """What a program says went wrong, if it says it shortly and says more than ``usual``."""
    for name in _TELLING:
        value = members.get(name)
        if isinstance(value, dict):
            value = value.get("message")
        if isinstance(value, str) and len(value) <= _LONGEST and _MARKUP.search(value) is None:
            told = _SECRET.sub("...", _printable(value))
            if told and told.rstrip(".").lower() != usual.lower():
                return told
    return None


def elsewhere(operation: Operation, status: int, location: str) -> str:
    """What to do about an answer that sends callers to ``location``, which was not promised."""
    what = f"{operation.id} answered {status}, which its contract does not promise"
    try:
        # No query: it may hold a secret. No user, for the same reason.
        parts = urlsplit(location)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return what
    if not (host or parts.path):
        return what
    place = _printable(f"{parts.scheme}://{host}{parts.path}" if host else parts.path)[:_LONGEST]
    route = operation.route
    other = route[:-1] if route.endswith("/") else f"{route}/"
    if re.search(_BRACES.sub("[^/]+", re.escape(other)) + r"\Z", parts.path):
        return f'{what}: it is at {place}; put "{other}" in the contract'
    if status in (301, 307, 308):
        return f"{what}: it is at {place}; put that path in the contract"
    return (
        f"{what}: it leads to {place}; if that is a login, send the token it wants, and if it is"
        " the result, promise `-> Redirect`"
    )


def _printable(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
