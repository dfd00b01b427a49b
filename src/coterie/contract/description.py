"""describe(): a contract with every type resolved, ready for all that is derived from it."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_origin, get_type_hints

import msgspec

from .content import Content, Redirect
from .contract import Contract, promise_of
from .event import Event
from .hint import (
    cannot_travel,
    header_fields,
    is_body,
    is_list,
    is_structured,
    is_upload,
    marker,
    stream_item,
    strip,
)
from .operation import Declared, Operation, Result
from .page import Page
from .parameter import SOURCES, Body, Marker, Parameter, Source
from .problem import ContractError, Problem, place_of
from .rule import AllOf, Rule, scope
from .structure import braces, declared_operations
from .words import paragraph

__all__ = ["Description", "describe"]

# Statuses whose answer has no body (RFC 9110, 15.3.5 and 15.3.6).
_EMPTY = (204, 205)

_ENCODABLE = "Use a type that msgspec encodes"


@dataclass(frozen=True, slots=True, eq=False)
class Description:
    """A contract, resolved: what every binding, document and client is made from."""

    contract: type[Contract]
    name: str
    version: str
    summary: str
    description: str
    operations: tuple[Operation, ...]
    events: tuple[Event[Any], ...]

    @property
    def major(self) -> str:
        """The version's first number."""
        return self.version.split(".", 1)[0]

    def operation(self, name: str) -> Operation:
        """The operation called ``name``. Raises `LookupError`, naming those there are."""
        for operation in self.operations:
            if operation.name == name:
                return operation
        known = ", ".join(operation.name for operation in self.operations)
        raise LookupError(f"{self.name} has no operation {name!r}; it has {known}")


def describe(contract: type[Contract]) -> Description:
    """Resolve ``contract``; made once for each class.

    Raises `ContractError` with every type that cannot be resolved or cannot travel.
    """
    made = vars(contract).get("__described__")
    if not isinstance(made, Description):
        made = _describe(contract)
        contract.__described__ = made
    return made


def _describe(contract: type[Contract]) -> Description:
    promise = promise_of(contract)
    problems: list[Problem] = []
    operations: list[Operation] = []
    for name, (declared, function) in declared_operations(contract).items():
        reader = _Reader(contract, name, declared, function)
        operation = reader.read()
        problems += reader.problems
        if operation is not None:
            operations.append(operation)
    events: dict[str, Event[Any]] = {}
    for base in reversed(contract.__mro__):
        events.update((n, v) for n, v in vars(base).items() if isinstance(v, Event))
    for event in events.values():
        why = cannot_travel(event.payload)
        if why:
            problems.append(Problem(repr(event), f"the payload: {why}", _ENCODABLE))
    if problems:
        raise ContractError(f"contract {contract.__qualname__}", tuple(problems))
    doc = inspect.cleandoc(contract.__doc__ or "") if "__doc__" in vars(contract) else ""
    return Description(
        contract,
        promise.name,
        promise.version,
        paragraph(doc).removesuffix("."),
        doc,
        tuple(operations),
        tuple(events.values()),
    )


class _Reader:
    """Reads one operation, noting every problem instead of stopping at the first."""

    def __init__(
        self, contract: type[Contract], name: str, declared: Declared, function: Any
    ) -> None:
        self.contract = contract
        self.name = name
        self.declared = declared
        self.function = function
        self.problems: list[Problem] = []
        self.where = place_of(function, f"{contract.__qualname__}.{name}")

    def problem(self, what: str, remedy: str) -> None:
        self.problems.append(Problem(self.where, what, remedy))

    def read(self) -> Operation | None:
        try:
            hints = get_type_hints(self.function, include_extras=True)
        except (NameError, AttributeError, TypeError, SyntaxError) as error:
            self.problem(f"a type does not resolve: {error}", "Import or define it in that module")
            return None
        promise = promise_of(self.contract)
        declared, options = self.declared, self.declared.options
        parameters = tuple(self._parameters(hints))
        self._check_body(parameters)
        self._check_names(parameters)
        result = self._result(hints["return"], parameters)
        rule = self._rule(parameters)
        safe = options.get("safe", declared.method == "GET")
        idempotent = options.get("idempotent", declared.method in ("GET", "PUT", "DELETE"))
        doc = inspect.cleandoc(self.function.__doc__ or "")
        default = 204 if result.type is type(None) else 200
        return Operation(
            contract=promise.name,
            version=promise.version,
            name=self.name,
            method=declared.method,
            path=declared.path,
            parameters=parameters,
            result=result,
            status=options.get("status", default),
            faults=tuple(options.get("faults", ())),
            rule=rule,
            timeout=options.get("timeout"),
            safe=safe,
            idempotent=idempotent or safe,
            deprecated=options.get("deprecated", False),
            sunset=options.get("sunset"),
            tags=tuple(options.get("tags", (promise.name,))),
            summary=options.get("summary") or paragraph(doc).removesuffix("."),
            description=doc,
            etag=options.get("etag", False),
            max_age=options.get("max_age"),
            if_match=self._if_match(),
            keyed=self._keyed(parameters, result, idempotent=idempotent or safe),
            function=self.function,
            id=f"{promise.name}.{self.name}",
        )

    def _keyed(
        self, parameters: tuple[Parameter, ...], result: Result, *, idempotent: bool
    ) -> bool:
        keyed = self.declared.options.get("keyed", False)
        if keyed and idempotent:
            self.problem(
                "keyed=True, but it is idempotent: a second call changes nothing more anyway",
                "Drop keyed, or say idempotent=False",
            )
        elif keyed and (result.stream or any(p.stream for p in parameters)):
            self.problem(
                "keyed=True, but a stream cannot be told from another, nor kept to be sent again",
                "Drop keyed, or take and return bytes",
            )
        return keyed

    def _if_match(self) -> str | None:
        name = self.declared.options.get("if_match")
        if name is not None:
            guarded = declared_operations(self.contract).get(name)
            if guarded is None or guarded[0].method != "GET":
                self.problem(f"if_match={name!r} names no get operation", "Name one that reads it")
            elif not guarded[0].options.get("etag"):
                self.problem(f"{name} has no entity tag", f"Say etag=True at {name}")
            else:
                self._check_guard(name, guarded[1])
                for fault in guarded[0].options.get("faults", ()):
                    if fault not in self.declared.options.get("faults", ()):
                        self.problem(
                            f"{name} may raise {fault.__name__}, which this operation does not"
                            " declare",
                            f"Add {fault.__name__} to faults=[...]",
                        )
        return name

    def _check_guard(self, name: str, guard: Any) -> None:
        own = inspect.signature(self.function).parameters
        for parameter in inspect.signature(guard).parameters.values():
            if parameter.name not in own and parameter.default is inspect.Parameter.empty:
                self.problem(
                    f"{name} needs {parameter.name}, which this operation does not have",
                    "Share the name, or give it a default there",
                )

    def _rule(self, parameters: tuple[Parameter, ...]) -> Rule | None:
        options = self.declared.options
        rules: list[Rule] = [scope(name) for name in options.get("scopes", ())]
        if "allow" in options:
            rules.insert(0, options["allow"])
        if not rules:
            return None
        rule = rules[0] if len(rules) == 1 else AllOf(tuple(rules))
        known = {parameter.name for parameter in parameters}
        for name in sorted(rule.parameters()):
            if name.split(".")[0] not in known:
                self.problem(
                    f"the rule {rule} reads {name}, which is no parameter",
                    f"Name one of: {', '.join(sorted(known)) or 'none'}",
                )
        return rule

    def _parameters(self, hints: dict[str, Any]) -> Iterator[Parameter]:
        in_path = braces(self.declared.path or "")
        for name, parameter in list(inspect.signature(self.function).parameters.items())[1:]:
            hint = hints[name]
            mark = marker(hint, Marker)
            source = self._source(name, hint, mark, in_path=name in in_path)
            alias = name
            if mark is not None and mark.name:
                alias = mark.name
            elif source is Source.HEADER:
                alias = name.replace("_", "-")
            self._check_type(name, hint, source)
            required = parameter.default is inspect.Parameter.empty
            if source is Source.PATH:
                self._check_path_parameter(name, alias, required=required)
            yield Parameter(
                name=name,
                alias=alias,
                type=hint,
                source=source,
                required=required,
                default=None if required else parameter.default,
                stream=stream_item(hint) is bytes,
            )

    def _check_path_parameter(self, name: str, alias: str, *, required: bool) -> None:
        if alias != name:
            self.problem(
                f"{name} is marked Path({alias!r}), but the braces name it already",
                f"Write Path(), and {{{name}}} in the path",
            )
        if not required:
            self.problem(
                f"{name} has a default, but a path always holds every part", "Drop the default"
            )

    def _check_names(self, parameters: tuple[Parameter, ...]) -> None:
        taken: dict[tuple[Source, str], str] = {}
        for parameter in parameters:
            alias = parameter.alias
            key = (parameter.source, alias.lower() if parameter.source is Source.HEADER else alias)
            other = taken.setdefault(key, parameter.name)
            if other != parameter.name:
                self.problem(
                    f"{other} and {parameter.name} are both {parameter.source.value} {alias!r}",
                    "Give one of them another name",
                )

    def _source(self, name: str, hint: Any, mark: Marker | None, *, in_path: bool) -> Source:
        if self.declared.path is None:
            if mark is not None and not isinstance(mark, Body):
                self.problem(
                    f"{name} is marked {type(mark).__name__}, but a call is all one body",
                    "Drop the marker, or give the operation a path with @post",
                )
            return Source.MEMBER
        if mark is not None:
            source = SOURCES[type(mark)]
            if in_path != (source is Source.PATH):
                self.problem(
                    f"{name} is marked {type(mark).__name__}, the path says otherwise",
                    "Let the marker and the path's braces agree",
                )
            return source
        if in_path:
            return Source.PATH
        if is_upload(hint):
            return Source.FORM
        if self.declared.method in ("GET", "DELETE"):
            return Source.QUERY
        return Source.BODY if is_body(hint) else Source.QUERY

    def _check_body(self, parameters: tuple[Parameter, ...]) -> None:
        bodies = [p for p in parameters if p.source is Source.BODY]
        forms = [p for p in parameters if p.source is Source.FORM]
        if bodies and forms:
            self.problem(
                f"{bodies[0].name} is the body and {forms[0].name} a form field",
                "A request has one body: make all of them Form, or none",
            )
        if len(bodies) > 1:
            self.problem(
                f"{' and '.join(p.name for p in bodies)} would each be the whole body",
                "Put them into one struct",
            )
        if bodies and self.declared.method in ("GET", "DELETE"):
            self.problem(
                f"{bodies[0].name} is a body, which {self.declared.method} does not have",
                "Use post, put or patch, or take plain values from the query",
            )
        if any(p.stream for p in parameters if p.source is not Source.BODY):
            self.problem("a stream that is not the whole body", "Mark it Body(), in post or put")

    def _check_type(self, name: str, hint: Any, source: Source) -> None:
        if stream_item(hint) is not None:
            if stream_item(hint) is not bytes:
                self.problem(f"{name} streams other things than bytes", "Use AsyncIterator[bytes]")
            return
        if is_upload(hint):
            return
        why = cannot_travel(hint)
        if why:
            self.problem(f"{name}: {why}", _ENCODABLE)
            return
        info = msgspec.inspect.type_info(hint)
        plain = source in (Source.PATH, Source.QUERY, Source.HEADER, Source.COOKIE)
        if plain and is_structured(info):
            self.problem(
                f"{name} has parts, and the {source.value} carries plain values",
                "List its fields as parameters of their own",
            )
        if source is Source.PATH and is_list(info):
            self.problem(f"{name} is a list in the path", "Take it from the query")

    def _result(self, hint: Any, parameters: tuple[Parameter, ...]) -> Result:
        content = marker(hint, Content)
        media = content.media if content else None
        bare = strip(hint)
        item = stream_item(hint)
        if self.declared.options.get("status") in _EMPTY and bare is not type(None):
            self.problem("its status promises no body, but it has a result", "Say `-> None`")
        if item is not None:
            if item is not bytes:
                self.problem("the result streams other things than bytes", "Encode each item")
            return Result(hint, media or "application/octet-stream", stream=True)
        if bare is Redirect:
            return Result(Redirect, redirect=True)
        if bare is bytes:
            return Result(bytes, media or "application/octet-stream")
        why = cannot_travel(hint)
        if why:
            self.problem(f"the result: {why}", _ENCODABLE)
            return Result(hint, media)
        if media is not None and bare is not str and "json" not in media:
            self.problem(f"the result would be JSON, not {media}", "Return bytes or str")
        if get_origin(bare) is Page and "cursor" not in {p.name for p in parameters}:
            self.problem(
                "it returns a page, and nobody can ask for the next one",
                "Take `limit: int = 100, cursor: str | None = None`",
            )
        return Result(hint, media, headers=header_fields(bare))
