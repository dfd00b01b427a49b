"""What the gateway answers beside operations: the system's documentation and public keys."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from coterie.binding.rest.openapi import openapi
from coterie.call import Reply
from coterie.contract import Description
from coterie.server import Page
from coterie.server.pages import Pages

from .model import System

__all__ = ["documentation", "jwks_page"]

_JWKS = "/.well-known/jwks.json"
_HEADERS = (("content-type", "application/jwk-set+json"), ("cache-control", "max-age=300"))


def jwks_page(keys: Mapping[str, Any]) -> Page:
    """``/.well-known/jwks.json``: the keys that verify the system's tokens (RFC 7517)."""
    body = msgspec.json.encode(keys)

    def page(path: str, _: Mapping[bytes, bytes]) -> Reply | None:
        return Reply(None, 200, _HEADERS, body) if path == _JWKS else None

    return page


def documentation(system: System, services: Mapping[str, Sequence[Description]]) -> Page:
    """``/docs`` and ``/openapi.json``: every contract behind the gateway, whole and by service."""
    documents = {
        name: partial(_document, system, f"{system.name}: {name}", descriptions)
        for name, descriptions in services.items()
    }
    every = [description for descriptions in services.values() for description in descriptions]
    return Pages(partial(_document, system, system.name, every), documents, title=system.name)


def _document(system: System, title: str, descriptions: Sequence[Description]) -> dict[str, Any]:
    return openapi(
        descriptions,
        title=title,
        version=system.version or "1.0",
        secured=system.identity is not None,
        public=True,
    )
