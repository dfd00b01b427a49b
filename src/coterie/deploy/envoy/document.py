"""Envoy's documents: their form on disk, and the few values that every one of them has."""

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

__all__ = ["Json", "address", "encode", "resources", "seconds", "typed"]

Json = dict[str, Any]


def encode(document: Json) -> bytes:
    """``document`` for people to read, the same octets every time."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def resources(found: Sequence[Json]) -> bytes:
    """A discovery response with these resources; its version changes when they do."""
    digest = hashlib.sha256(msgspec.json.encode(found)).hexdigest()[:12]
    return encode({"version_info": digest, "resources": found})


def typed(name: str, **fields: Any) -> Json:
    """A message that says which one it is (``google.protobuf.Any``)."""
    return {"@type": f"type.googleapis.com/{name}", **fields}


def seconds(value: float) -> str:
    """A duration (``google.protobuf.Duration`` in JSON)."""
    return f"{value:.3f}".rstrip("0").rstrip(".") + "s"


def address(host: str, port: int) -> Json:
    """Where a socket is."""
    return {"socket_address": {"address": host, "port_value": port}}
