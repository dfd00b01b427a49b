"""Operation: what one method of a contract promises, and the decorators that declare it."""

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, TypeVar, Unpack

from .fault import Fault
from .parameter import Parameter
from .problem import ContractError, Problem, place_of
from .rule import Rule

__all__ = [
    "Declared",
    "Operation",
    "Options",
    "Result",
    "call",
    "declared_by",
    "delete",
    "get",
    "patch",
    "post",
    "put",
]

F = TypeVar("F", bound=Callable[..., Any])

_MARK = "__operation__"


class Options(TypedDict, total=False):
    """What every decorator takes besides the path."""

    status: int
    """HTTP status of success; 200, or 204 for an operation without a result."""
    faults: Sequence[type[Fault]]
    """The business errors a caller must expect."""
    allow: Rule
    """Who may call."""
    scopes: Sequence[str]
    """Scopes a caller's token must all carry."""
    timeout: float
    """Seconds a call may take in all; the caller's own deadline counts where it is nearer."""
    safe: bool
    """Changes nothing (RFC 9110, 9.2.1)."""
    idempotent: bool
    """A second, equal call changes nothing more (RFC 9110, 9.2.2)."""
    keyed: bool
    """Every call carries an idempotency key: one that comes again has no second effect, and is
    answered as the first was. Callers of this kind make the key themselves, and may try again."""
    deprecated: bool | str
    """No longer recommended; a text says what to use instead."""
    sunset: datetime.date
    """The day it will be gone (RFC 8594)."""
    tags: Sequence[str]
    """Groups in the documentation; the contract's name by default."""
    summary: str
    """One line of documentation; the docstring's first line by default."""
    etag: bool
    """Answers carry an entity tag, and ``If-None-Match`` is answered 304 (RFC 9110, 8.8.3)."""
    max_age: int
    """Seconds that an answer holds: so long may whoever asked keep it (RFC 9111, 5.2.2.1)."""
    if_match: str
    """The ``get`` operation whose entity tag guards this one through ``If-Match``.

    It runs before the method, in the same unit of work: a method that calls other services lets it
    read within ``database.reading()``.
    """


@dataclass(frozen=True, slots=True)
class Declared:
    """What a decorator noted on a function; types are not yet resolved."""

    method: str
    path: str | None
    options: Options


@dataclass(frozen=True, slots=True)
class Result:
    """What an operation gives back, and how it travels.

    ``media`` is ``None`` for values that travel as JSON or MessagePack; ``headers`` are the
    fields of the result that travel as response headers: (field, header name).
    """

    type: Any
    media: str | None = None
    stream: bool = False
    redirect: bool = False
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One operation of a contract, with every type resolved.

    ``method`` is an HTTP method in capitals; ``path`` a template such as ``/orders/{id}``, or
    ``None`` for a `call`, which only other services reach.
    """

    contract: str
    version: str
    name: str
    method: str
    path: str | None
    parameters: tuple[Parameter, ...]
    result: Result
    status: int
    faults: tuple[type[Fault], ...]
    rule: Rule | None
    timeout: float | None
    safe: bool
    idempotent: bool
    deprecated: bool | str
    sunset: datetime.date | None
    tags: tuple[str, ...]
    summary: str
    description: str
    etag: bool
    max_age: int | None
    if_match: str | None
    keyed: bool
    function: Callable[..., Any]
    id: str
    """Name in the whole system: ``orders.place``."""

    @property
    def major(self) -> str:
        """The version's first number, which callers and services must share."""
        return self.version.split(".", 1)[0]

    @property
    def route(self) -> str:
        """The path on the wire; a `call` has ``/{contract}.v{major}/{name}``."""
        return self.path or f"/{self.contract}.v{self.major}/{self.name}"

    def __repr__(self) -> str:
        return f"<{self.method} {self.route} {self.id}>"


def declared_by(function: Any) -> Declared | None:
    """What a decorator noted on ``function``."""
    found = getattr(function, _MARK, None)
    return found if isinstance(found, Declared) else None


def get(path: str, **options: Unpack[Options]) -> Callable[[F], F]:
    """Declare an operation that reads. Safe and idempotent."""
    return _declare("GET", path, options)


def post(path: str, **options: Unpack[Options]) -> Callable[[F], F]:
    """Declare an operation that creates or does. Not idempotent: never retried blindly."""
    return _declare("POST", path, options)


def put(path: str, **options: Unpack[Options]) -> Callable[[F], F]:
    """Declare an operation that replaces. Idempotent."""
    return _declare("PUT", path, options)


def patch(path: str, **options: Unpack[Options]) -> Callable[[F], F]:
    """Declare an operation that changes a part (RFC 5789). Not idempotent."""
    return _declare("PATCH", path, options)


def delete(path: str, **options: Unpack[Options]) -> Callable[[F], F]:
    """Declare an operation that removes. Idempotent."""
    return _declare("DELETE", path, options)


def call(**options: Unpack[Options]) -> Callable[[F], F]:
    """Declare an operation for other services only.

    It has no path of its own and no way in through the gateway; all its parameters are members of
    one body. Not idempotent unless it says so.
    """
    return _declare("POST", None, options)


def _declare(method: str, path: str | None, options: Options) -> Callable[[F], F]:
    if path is not None and not isinstance(path, str):
        # `@get` without parentheses hands over the function itself.
        verb, name = method.lower(), getattr(path, "__qualname__", repr(path))
        what = f"@{verb} needs the path of the operation"
        problem = Problem(place_of(path, name), what, f'Write `@{verb}("/orders")`')
        raise ContractError(name, (problem,))
    declared = Declared(method, path, options)

    def mark(function: F) -> F:
        setattr(function, _MARK, declared)
        return function

    return mark
