"""Principal: who a call is made for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

__all__ = ["Principal"]


@dataclass(frozen=True, slots=True)
class Principal:
    """A user or program whose identity has been proved.

    ``subject`` is the identity itself (JWT ``sub``), ``scopes`` what the token allows,
    ``roles`` what the subject is, ``claims`` the rest.
    """

    subject: str
    scopes: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    issuer: str | None = None
    claims: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), hash=False)
