"""proxy(): a typed client, made from the contract class itself."""

import inspect
from collections.abc import Callable
from difflib import get_close_matches
from types import new_class
from typing import Any, NoReturn, TypeVar

from coterie.call import Call, Failure, Handler, Sent, current, held
from coterie.contract import (
    Code,
    Contract,
    Event,
    Operation,
    attach,
    describe,
)

__all__ = ["TIMEOUT", "Timeout", "proxy"]

C = TypeVar("C", bound=Contract)

_NONE: Any = object()


TIMEOUT = 30.0
"""Seconds a call may take where neither its operation nor its caller says: none is for ever."""


Timeout = float | Callable[[Operation], float]
"""Seconds for operations that name none; or a function that knows those of each."""


def proxy(contract: type[C], handler: Handler, *, timeout: Timeout = TIMEOUT) -> C:
    """A client of ``contract`` whose calls go to ``handler``.

    It is an instance of a generated subclass, made without running any ``__init__``. Each
    operation takes what the contract says and gives back what it says, raises the declared
    faults, and `Failure` for all else. A call made inside another carries its context on.
    ``timeout`` is in seconds, for operations that name none, or a function that tells it for each
    operation, whatever that names; a nearer deadline counts.

    Raises `ContractError` when the contract does not resolve.
    """
    names = _names(contract, handler, timeout)
    made = new_class(
        f"{contract.__name__}Client",
        (contract,),
        {"abstract": True},
        lambda body: body.update(names),
    )
    client: C = object.__new__(made)
    attach(client, _OwnerOnly())
    return client


class _OwnerOnly:
    """The wire of a client: events are published by the service alone."""

    async def emit(self, event: Event[Any], payload: Any) -> None:
        raise TypeError(
            f"{event} is published by the service that owns it, not by its clients. Call an"
            " operation that makes it happen, or listen with @on"
        )


def _names(contract: type[Contract], handler: Handler, timeout: Timeout) -> dict[str, Any]:
    """What the generated class says differently from its contract."""
    operations = {op.name: op for op in describe(contract).operations}
    hidden: set[str] = set()
    for base in contract.__mro__[: contract.__mro__.index(Contract)]:
        for name, value in vars(base).items():
            hides = callable(value) or isinstance(value, property | classmethod | staticmethod)
            if hides and not name.startswith("_") and name not in operations:
                hidden.add(name)
    names: dict[str, Any] = {
        "__doc__": contract.__doc__,
        "__module__": contract.__module__,
        "__getattr__": _unknown(contract, tuple(operations), frozenset(hidden)),
        "__repr__": lambda _: f"<client of {describe(contract).name}>",
    }
    names |= dict.fromkeys(hidden, property(_hidden))
    for name, operation in operations.items():
        seconds = timeout(operation) if callable(timeout) else operation.timeout or timeout
        names[name] = _method(operation, handler, seconds)
    return names


def _method(operation: Operation, handler: Handler, timeout: float) -> Callable[..., Any]:
    names = tuple(p.name for p in operation.parameters)
    defaults = {p.name: p.default for p in operation.parameters if not p.required}
    signature = inspect.signature(operation.function)
    positional = sum(
        p.kind is p.POSITIONAL_OR_KEYWORD for p in list(signature.parameters.values())[1:]
    )
    # All of them in order, the common case, need no binding; keyword-only ones do.
    count = len(names) if positional == len(names) else -1
    name = operation.id

    async def method(_: Any, *args: Any, **kwargs: Any) -> Any:
        if len(args) == count and not kwargs:
            arguments = dict(zip(names, args, strict=True))
        else:
            arguments = _bind(operation, names, defaults, positional, args, kwargs)
        reason = held()
        if reason is not None:
            raise _write_open(operation, reason)
        context = current().onward(timeout)
        try:
            reply = await handler(Call(operation, arguments, context))
        except Failure as failure:
            failure.origin = name
            raise
        return reply.value

    method.__name__ = operation.name
    method.__qualname__ = f"{operation.contract}.{operation.name}"
    method.__doc__ = operation.function.__doc__
    # What help() shows, and what tells an operation from other methods.
    vars(method)["__signature__"] = signature
    vars(method)["__operation__"] = vars(operation.function)["__operation__"]
    return method


def _bind(
    operation: Operation,
    names: tuple[str, ...],
    defaults: dict[str, Any],
    positional: int,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> dict[str, Any]:
    """What Python itself does with arguments; its messages name the operation."""
    where = f"{operation.id}()"
    if len(args) > positional:
        raise TypeError(f"{where} takes {positional} positional arguments, {len(args)} given")
    given = dict(zip(names, args, strict=False))
    for name, value in kwargs.items():
        if name in given:
            raise TypeError(f"{where} got {name!r} twice")
        if name not in names:
            raise TypeError(f"{where} has no parameter {name!r}; it has {', '.join(names)}")
        given[name] = value
    arguments = {}
    for name in names:
        value = given.get(name, _NONE)
        if value is _NONE:
            value = defaults.get(name, _NONE)
            if value is _NONE:
                raise TypeError(f"{where} needs {name}=")
            if isinstance(value, list | dict | set):
                value = value.copy()  # or one call's default would be the next one's
        arguments[name] = value
    return arguments


def _write_open(operation: Operation, reason: str) -> Failure:
    return Failure(
        Code.INTERNAL,
        f"{operation.id} was called while {reason}: call first, then write. A call made now"
        " would hold the database's locks for as long as another service takes",
        sent=Sent.NOT_SENT,
    )


def _unknown(
    contract: type[Contract], operations: tuple[str, ...], hidden: frozenset[str]
) -> Callable[..., NoReturn]:
    def lookup(_: Any, name: str) -> NoReturn:
        if name in hidden:
            raise AttributeError(
                f"{name!r} is no operation of {contract.__name__}, so a client of it cannot use"
                " it. Declare it with @call() to reach it from other services"
            )
        close = get_close_matches(name, operations, 1)
        hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(operations)}"
        raise AttributeError(f"{contract.__name__} has no operation {name!r}; {hint}")

    return lookup


def _hidden(_: Any) -> NoReturn:
    # Python then asks `__getattr__`, which knows the name and says why.
    raise AttributeError
