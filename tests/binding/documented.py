"""Documents of contracts, and what they say of one operation."""

from typing import Any

from coterie.binding.rest.openapi import openapi
from coterie.contract import Contract, describe

__all__ = ["Document", "document", "operation"]

Document = dict[str, Any]


def document(*contracts: type[Contract], **options: Any) -> Document:
    """The document of these contracts."""
    return openapi([describe(c) for c in contracts], title="Test", version="1.0", **options)


def operation(found: Document, identity: str) -> Document:
    """What a document says of the operation with this id."""
    for path in found["paths"].values():
        for written in path.values():
            if written["operationId"] == identity:
                return dict(written)
    raise LookupError(identity)
