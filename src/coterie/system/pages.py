"""What the gateway answers beside operations: the system's documentation and public keys."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from coterie.binding.rest.openapi import openapi
from coterie.call import Reply
from coterie.contract import Description
from coterie.server import Page

from .model import System

__all__ = ["jwks_page", "openapi_page"]


def jwks_page(keys: Mapping[str, Any]) -> Page:
    """``/.well-known/jwks.json``: the keys that verify the system's tokens (RFC 7517)."""
    return _document("/.well-known/jwks.json", "application/jwk-set+json", keys)


def openapi_page(system: System, descriptions: Sequence[Description]) -> Page:
    """``/openapi.json``: every contract behind the gateway, as one document."""
    document = openapi(
        descriptions,
        title=system.name,
        version=system.version or "1.0",
        secured=system.identity is not None,
        public=True,
    )
    return _document("/openapi.json", "application/json", document)


def _document(place: str, media: str, document: object) -> Page:
    body = msgspec.json.encode(document)
    headers = (("content-type", media), ("cache-control", "max-age=300"))

    def page(path: str, _: Mapping[bytes, bytes]) -> Reply | None:
        return Reply(None, 200, headers, body) if path == place else None

    return page
