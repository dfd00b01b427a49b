"""What can be checked of a contract when its class is made, before any type resolves."""

import datetime
import inspect
import re
from collections.abc import Iterator
from difflib import get_close_matches
from types import FunctionType
from typing import Any

from .event import Event, heard_by
from .fault import Fault
from .hooks import hook_of
from .listening import check_marks
from .operation import Declared, declared_by
from .problem import Problem, place_of
from .rule import Rule
from .words import WIRE_NAME

__all__ = ["braces", "check_contract", "declared_operations"]

_BRACE = re.compile(r"\{([^{}]*)\}")
_VERSION = re.compile(r"\d+(\.\d+){0,2}", re.ASCII)
_REDIRECTS = (301, 302, 303, 307, 308)
_SEVERAL = (list, tuple, set, frozenset)

# option -> its type at run time, what that is called
_OPTIONS: dict[str, tuple[Any, str]] = {
    "status": (int, "a number such as 201"),
    "faults": (_SEVERAL, "a list such as [OutOfStock]"),
    "allow": (Rule, 'a rule such as role("admin")'),
    "scopes": (_SEVERAL, 'a list such as ["orders:read"]'),
    "timeout": ((int, float), "a number of seconds"),
    "safe": (bool, "True or False"),
    "idempotent": (bool, "True or False"),
    "deprecated": ((bool, str), "True, or what to use instead"),
    "sunset": (datetime.date, "a datetime.date"),
    "tags": (_SEVERAL, 'a list such as ["orders"]'),
    "summary": (str, "a line of text"),
    "etag": (bool, "True or False"),
    "max_age": (int, "a number of seconds such as 60"),
    "if_match": (str, "the name of a get operation"),
    "keyed": (bool, "True or False"),
}


def braces(path: str) -> list[str]:
    """The names in the braces of a path template, in order."""
    return _BRACE.findall(path)


def declared_operations(cls: type) -> dict[str, tuple[Declared, Any]]:
    """Name -> (declaration, function), in the order of definition, inherited ones first."""
    found: dict[str, tuple[Declared, Any]] = {}
    for base in reversed(cls.__mro__):
        for name, value in vars(base).items():
            declared = declared_by(value)
            if declared is not None:
                found[name] = (declared, value)
    return found


def check_contract(cls: type, name: str, version: object) -> Iterator[Problem]:
    """Everything wrong with the structure of a contract."""
    where = cls.__qualname__
    if not WIRE_NAME.fullmatch(name):
        yield Problem(
            where,
            f"{name!r} is no name for the wire",
            'Write name="order-history": small letters, digits and hyphens',
        )
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        yield Problem(
            where,
            f"version {version!r} is not of the form '1', '1.0' or '1.0.0'",
            'Write version="1.0"; callers and services must share the first number',
        )
    routes: dict[tuple[str, str], str] = {}
    for operation, (declared, function) in declared_operations(cls).items():
        where = place_of(function, f"{cls.__qualname__}.{operation}")
        yield from _check_function(where, operation, function)
        yield from _check_path(where, declared, function)
        yield from _check_options(where, declared)
        if isinstance(declared.path, str):
            route = (declared.method, _BRACE.sub("{}", declared.path))
            if route in routes:
                yield Problem(
                    where,
                    f"{declared.method} {declared.path} is also the route of {routes[route]}",
                    "Give one of them another path",
                )
            routes[route] = operation
    yield from _check_members(cls)
    yield from check_marks(cls, (cls,))


def _check_members(cls: type) -> Iterator[Problem]:
    """What stands in a contract and is no operation."""
    inherited = {name for base in cls.__mro__[1:] for name in declared_operations(base)}
    for name, value in vars(cls).items():
        where = place_of(value, f"{cls.__qualname__}.{name}")
        if isinstance(value, Event) and not isinstance(value.payload, type):
            yield Problem(
                where,
                "an event carries one struct type",
                "Write Event(OrderPlaced), with the type itself",
            )
        plain = isinstance(value, FunctionType) and declared_by(value) is None
        if not plain or getattr(cls, "__implemented__", False):
            continue
        if name in inherited:
            yield Problem(
                where,
                "it redefines an operation without a decorator",
                "Repeat the decorator: path, faults and rules are this version's own promise",
            )
        elif not name.startswith("_") and not heard_by(value) and not hook_of(value):
            yield Problem(
                where,
                "it has no decorator, so nobody can call it",
                'Put @get("/..."), @post("/...") or @call() over it, or begin its name with _',
            )


def _check_function(where: str, name: str, function: Any) -> Iterator[Problem]:
    if name.startswith("_"):
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
    if not signature.parameters:
        yield Problem(where, "it takes no `self`", "Write `self` as the first parameter")
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
    if re.search(r"[?#\\\s]|//", path):
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
        yield from _check_braces(where, names, list(inspect.signature(function).parameters)[1:])


def _check_braces(where: str, names: list[str], known: list[str]) -> Iterator[Problem]:
    for name in names:
        if not name.isidentifier():
            yield Problem(
                where,
                f"the path names {{{name}}}, which is no name of a parameter",
                "Write the parameter's name alone, {order_id}; its type stands in the method",
            )
        elif name not in known:
            yield Problem(
                where,
                f"the path names {{{name}}}, which is no parameter",
                f"Add `{name}: int` to the method, or take it out of the path",
            )


def _check_options(where: str, declared: Declared) -> Iterator[Problem]:
    options: dict[str, Any] = {}
    for name, value in declared.options.items():
        kind, shape = _OPTIONS.get(name, (None, ""))
        if kind is None:
            close = get_close_matches(name, _OPTIONS, 1)
            known = f"Write {close[0]}=" if close else f"There are {', '.join(_OPTIONS)}"
            yield Problem(where, f"there is no option {name}=", known)
        elif not isinstance(value, kind):
            yield Problem(where, f"{name}={value!r} does not fit", f"Write {shape}")
        else:
            options[name] = value
    yield from _check_faults(where, tuple(options.get("faults", ())))
    status = options.get("status", 200)
    if not (200 <= status <= 299 or status in _REDIRECTS):
        yield Problem(where, f"status {status} is not one of success", "Use 200 to 299")
    timeout = options.get("timeout")
    if timeout is not None and not timeout > 0:
        yield Problem(where, f"timeout {timeout} is not above zero", "Give seconds")
    if options.get("etag") and declared.method != "GET":
        yield Problem(where, "etag= is for get", 'Say if_match="the get operation" here')
    safe = options.get("safe", declared.method == "GET")
    yield from _check_max_age(where, options.get("max_age"), safe=safe)
    if safe and not options.get("idempotent", True):
        yield Problem(
            where, "what is safe is idempotent", "Drop idempotent=False, or say safe=False"
        )


def _check_max_age(where: str, max_age: int | None, *, safe: bool) -> Iterator[Problem]:
    if max_age is None:
        return
    if not safe:
        what = "max_age= is for what is safe: nobody may keep the answer to a change"
        yield Problem(where, what, "Drop max_age=, or say safe=True if it changes nothing")
    if max_age < 0:
        what = f"max_age {max_age} is below zero"
        yield Problem(where, what, "Give seconds; 0 has it asked after each time")


def _check_faults(where: str, faults: tuple[Any, ...]) -> Iterator[Problem]:
    kinds: dict[str, type[Fault]] = {}
    for fault in faults:
        if not (isinstance(fault, type) and issubclass(fault, Fault)):
            yield Problem(where, f"{fault!r} is no Fault", "List classes that derive from Fault")
            continue
        other = kinds.setdefault(fault.kind, fault)
        if other is not fault:
            yield Problem(
                where,
                f"{fault.__name__} and {other.__name__} are both {fault.kind!r} on the wire",
                'Tell one apart with kind="..."',
            )
