"""Where an argument travels: markers for ``Annotated``, and the parameter they make."""

import enum
from dataclasses import dataclass
from typing import Any

from msgspec import Struct

__all__ = ["Body", "Cookie", "Form", "Header", "Marker", "Parameter", "Path", "Query", "Source"]


class Source(enum.Enum):
    """The part of a request an argument comes from."""

    PATH = "path"
    QUERY = "query"
    HEADER = "header"
    COOKIE = "cookie"
    FORM = "form"
    BODY = "body"
    """The whole body."""
    MEMBER = "member"
    """One member of a body that is an object."""


class Marker(Struct, frozen=True):
    """What ``Annotated[T, Header("If-Match")]`` says of a parameter."""

    name: str | None = None


class Path(Marker, frozen=True):
    """From the path; the default for names in the path's braces."""


class Query(Marker, frozen=True):
    """From the query string; the default for plain values."""


class Header(Marker, frozen=True):
    """From a request header; on a field of a result, a response header.

    Without a name, underscores become hyphens: ``if_match`` -> ``If-Match``.
    """


class Cookie(Marker, frozen=True):
    """From a cookie."""


class Form(Marker, frozen=True):
    """From a form: one field, or a struct of all fields."""


class Body(Marker, frozen=True):
    """The whole body; the default for structs, lists and bytes where the method has a body."""


SOURCES: dict[type[Marker], Source] = {
    Path: Source.PATH,
    Query: Source.QUERY,
    Header: Source.HEADER,
    Cookie: Source.COOKIE,
    Form: Source.FORM,
    Body: Source.BODY,
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of an operation, as it travels.

    ``name`` is Python's, ``alias`` the wire's; ``type`` keeps its ``Annotated`` constraints.
    """

    name: str
    alias: str
    type: Any
    source: Source
    required: bool
    default: Any = None
    stream: bool = False
