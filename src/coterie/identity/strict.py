"""Reading of compact JWS and of JSON that leaves exactly one way to read them.

Two parsers that disagree about one text are how forged tokens pass: the first checks one
reading, the second uses the other (RFC 8725, 2.4 and 3.11; RFC 7519, 10.1).
"""

import base64
import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

__all__ = ["frozen", "segments", "strict_object"]

_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)", re.ASCII)


def segments(token: str) -> tuple[bytes, bytes, bytes]:
    """Header, payload and signature of a compact JWS (RFC 7515, 7.1), decoded.

    Raises `ValueError` unless there are three non-empty parts, each the one canonical base64url
    writing of its bytes: no padding, no line ends, no spare bits set.
    """
    match = _COMPACT.fullmatch(token)
    if match is None:
        raise ValueError("not three parts of base64url")
    header, payload, signature = (_decoded(part) for part in match.groups())
    return header, payload, signature


def strict_object(content: bytes) -> dict[str, Any]:
    """The JSON object in ``content``, as RFC 8725 wants it read.

    Raises `ValueError` for anything but an object, for a name given twice at any depth, for NaN
    and Infinity, for text that is not UTF-8 or not Unicode (lone surrogates), and for nesting
    beyond what the parser takes.
    """
    try:
        found = json.loads(content.decode(), object_pairs_hook=_unique, parse_constant=_constant)
        # Escapes can smuggle in surrogates that no encoder will write again.
        json.dumps(found, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(found, dict):
        raise ValueError("not a JSON object")
    return found


def frozen(members: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same, but unchangeable throughout: lists become tuples, objects read-only views."""
    return MappingProxyType({name: _frozen(value) for name, value in members.items()})


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return frozen(value)
    if isinstance(value, list):
        return tuple(map(_frozen, value))
    return value


def _decoded(part: str) -> bytes:
    content = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if base64.urlsafe_b64encode(content).rstrip(b"=") != part.encode():
        raise ValueError("not canonical base64url")
    return content


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is given twice")
    return found


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")
