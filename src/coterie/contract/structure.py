"""What can be checked when a class is made, before any type resolves."""

import inspect
import re
from collections.abc import Iterator
from typing import Any

from .event import Event
from .fault import Fault
from .operation import Declared
from .problem import Problem, place_of

__all__ = ["braces", "check_contract", "check_implementation", "declared_operations"]

_BRACE = re.compile(r"\{([^{}]*)\}")
_VERSION = re.compile(r"\d+(\.\d+){0,2}")
_REDIRECTS = (301, 302, 303, 307, 308)


def braces(path: str) -> list[str]:
    """The names in the braces of a path template, in order."""
    return _BRACE.findall(path)


def declared_operations(cls: type) -> dict[str, tuple[Declared, Any]]:
    """Name -> (declaration, function), in the order of definition, inherited ones first."""
    found: dict[str, tuple[Declared, Any]] = {}
    for base in reversed(cls.__mro__):
        for name, value in vars(base).items():
            declared = getattr(value, "__operation__", None)
            if isinstance(declared, Declared):
                found[name] = (declared, value)
    return found


def check_contract(cls: type, version: str) -> Iterator[Problem]:
    """Everything wrong with the structure of a contract."""
    if not _VERSION.fullmatch(version):
        yield Problem(
            cls.__qualname__,
            f"version {version!r} is not of the form 1, 1.0 or 1.0.0",
            'Write version="1.0"; callers and services must share the first number',
        )
    routes: dict[tuple[str, str], str] = {}
    for name, (declared, function) in declared_operations(cls).items():
        where = place_of(function, f"{cls.__qualname__}.{name}")
        yield from _check_function(where, function)
        yield from _check_path(where, declared, function)
        yield from _check_options(where, declared)
        if declared.path is not None:
            route = (declared.method, _BRACE.sub("{}", declared.path))
            if route in routes:
                yield Problem(
                    where,
                    f"{declared.method} {declared.path} is also the route of {routes[route]}",
                    "Give one of them another path",
                )
            routes[route] = name
    for name, value in vars(cls).items():
        if isinstance(value, Event) and not isinstance(value.payload, type):
            yield Problem(
                f"{cls.__qualname__}.{name}",
                "an event carries one struct type",
                "Write Event(OrderPlaced), with the type itself",
            )


def _check_function(where: str, function: Any) -> Iterator[Problem]:
    if where.rsplit(" ", 1)[0].split(".")[-1].startswith("_"):
        yield Problem(where, "an operation has a public name", "Drop the underscore")
    if not inspect.iscoroutinefunction(function):
        what = "an operation of a contract is `async def`"
        if inspect.isasyncgenfunction(function):
            what = "an operation does not yield itself"
        yield Problem(
            where, what, "Write `async def`, and return an AsyncIterator[bytes] to stream"
        )
        return
    signature = inspect.signature(function)
    for parameter in list(signature.parameters.values())[1:]:
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            yield Problem(
                where,
                f"parameter {parameter} has no name on the wire",
                "Give every parameter a name of its own; no *args, **kwargs or `/`",
            )
        elif parameter.annotation is inspect.Parameter.empty:
            yield Problem(
                where,
                f"parameter {parameter.name} has no type",
                f"Write `{parameter.name}: int`, or whatever it is",
            )
    if signature.return_annotation is inspect.Signature.empty:
        yield Problem(where, "the result has no type", "Write `-> None` if there is none")


def _check_path(where: str, declared: Declared, function: Any) -> Iterator[Problem]:
    path = declared.path
    if path is None:
        return
    if not path.startswith("/"):
        yield Problem(where, f"path {path!r} does not begin with /", f'Write "/{path}"')
    if "?" in path or "#" in path or "//" in path or path != path.strip():
        yield Problem(
            where,
            f"path {path!r} holds more than a path",
            "Leave out query, fragment, empty segments and spaces; parameters become the query",
        )
    names = braces(path)
    for segment in path.split("/"):
        if ("{" in segment or "}" in segment) and not _BRACE.fullmatch(segment):
            yield Problem(
                where,
                f"segment {segment!r} mixes text and braces",
                "Let braces fill a whole segment: /orders/{order_id}",
            )
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Problem(where, f"{{{name}}} stands twice in the path", "Rename one")
    if inspect.iscoroutinefunction(function):
        known = list(inspect.signature(function).parameters)[1:]
        for name in names:
            if name not in known:
                yield Problem(
                    where,
                    f"the path names {{{name}}}, which is no parameter",
                    f"Add `{name}: int` to the method, or take it out of the path",
                )


def _check_options(where: str, declared: Declared) -> Iterator[Problem]:
    options = declared.options
    for fault in options.get("faults", ()):
        if not (isinstance(fault, type) and issubclass(fault, Fault)):
            yield Problem(where, f"{fault!r} is no Fault", "List classes that derive from Fault")
    kinds: dict[str, type[Fault]] = {}
    for fault in options.get("faults", ()):
        if isinstance(fault, type) and issubclass(fault, Fault):
            other = kinds.setdefault(fault.kind, fault)
            if other is not fault:
                yield Problem(
                    where,
                    f"{fault.__name__} and {other.__name__} are both {fault.kind!r} on the wire",
                    'Tell one apart with kind="..."',
                )
    status = options.get("status", 200)
    if not (200 <= status <= 299 or status in _REDIRECTS):
        yield Problem(where, f"status {status} is not one of success", "Use 200 to 299")
    timeout = options.get("timeout")
    if timeout is not None and not timeout > 0:
        yield Problem(where, f"timeout {timeout} is not above zero", "Give seconds")
    if options.get("etag") and declared.method != "GET":
        yield Problem(where, "etag= is for get", 'Say if_match="the get operation" here')
    if options.get("safe") and not options.get("idempotent", True):
        yield Problem(where, "what is safe is idempotent", "Drop idempotent=False")


def check_implementation(cls: type, contracts: tuple[type, ...]) -> Iterator[Problem]:
    """Everything an implementation leaves out or says differently from its contracts."""
    for contract in contracts:
        for name, (_, promised) in declared_operations(contract).items():
            given = getattr(cls, name)
            where = place_of(given, f"{cls.__qualname__}.{name}")
            if given is promised:
                if contract is not cls and not _has_body(contract):
                    yield Problem(
                        cls.__qualname__,
                        f"operation {contract.__name__}.{name} is missing",
                        f"Write `async def {name}{_shown(promised)}`, or say abstract=True",
                    )
                continue
            if not inspect.iscoroutinefunction(given):
                what = f"{name} is a plain method, and would stop every other call"
                remedy = "Write `async def`, or put @blocking over it to run it in a thread"
                if inspect.isasyncgenfunction(given):
                    what = f"{name} yields; its callers await it"
                    remedy = "Return the iterator: `return self._rows()`"
                yield Problem(where, what, remedy)
            yield from _check_signature(where, promised, given)


def _has_body(contract: type) -> bool:
    # A Service is contract and implementation in one: what it declares is what it does.
    return bool(getattr(contract, "__implemented__", False))


def _check_signature(where: str, promised: Any, given: Any) -> Iterator[Problem]:
    wanted = list(inspect.signature(promised).parameters.values())[1:]
    present = {p.name: p for p in list(inspect.signature(given).parameters.values())[1:]}
    if any(p.kind is p.VAR_KEYWORD for p in present.values()):
        return
    for parameter in wanted:
        if parameter.name not in present:
            yield Problem(
                where,
                f"parameter {parameter.name} of the contract is missing",
                f"Call it {parameter.name}, as the contract does",
            )
    names = {parameter.name for parameter in wanted}
    for name, parameter in present.items():
        variable = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        if name not in names and parameter.default is parameter.empty and not variable:
            yield Problem(
                where,
                f"parameter {name} is not in the contract, so nobody can give it",
                "Give it a default, or add it to the contract",
            )


def _shown(function: Any) -> str:
    return str(inspect.signature(function))
