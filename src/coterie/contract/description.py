"""describe(): a contract with every type resolved, ready for all that is derived from it."""

import inspect
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec

from .content import Content, Redirect, Upload
from .contract import Contract, promise_of
from .event import Event
from .operation import Declared, Operation, Result
from .parameter import SOURCES, Header, Marker, Parameter, Source
from .problem import ContractError, Problem, place_of
from .rule import AllOf, Rule, scope
from .structure import braces, declared_operations
from .words import paragraph

__all__ = ["Description", "describe"]

_STREAMS = (AsyncIterator, AsyncIterable, AsyncGenerator)


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
        contract.__described__ = made  # type: ignore[attr-defined]  # a cache on the class
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
    if problems:
        raise ContractError(f"contract {contract.__qualname__}", tuple(problems))
    events: dict[str, Event[Any]] = {}
    for base in reversed(contract.__mro__):
        events.update((n, v) for n, v in vars(base).items() if isinstance(v, Event))
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
        except (NameError, TypeError, SyntaxError) as error:
            self.problem(f"a type does not resolve: {error}", "Import or define it in that module")
            return None
        promise = promise_of(self.contract)
        declared, options = self.declared, self.declared.options
        parameters = tuple(self._parameters(hints))
        self._check_body(parameters)
        result = self._result(hints["return"])
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
            if_match=self._if_match(),
            function=self.function,
        )

    def _if_match(self) -> str | None:
        name = self.declared.options.get("if_match")
        if name is not None:
            guarded = declared_operations(self.contract).get(name)
            if guarded is None or guarded[0].method != "GET":
                self.problem(f"if_match={name!r} names no get operation", "Name one that reads it")
            elif not guarded[0].options.get("etag"):
                self.problem(f"{name} has no entity tag", f"Say etag=True at {name}")
            elif not set(inspect.signature(guarded[1]).parameters) <= set(
                inspect.signature(self.function).parameters
            ):
                self.problem(f"{name} takes parameters this operation lacks", "Share their names")
        return name

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
        bodies = 0
        for name, parameter in list(inspect.signature(self.function).parameters.items())[1:]:
            hint = hints[name]
            marker = _marker(hint, Marker)
            source = self._source(name, hint, marker, name in in_path)
            bodies += source is Source.BODY
            alias = name
            if marker is not None and marker.name:
                alias = marker.name
            elif source is Source.HEADER:
                alias = name.replace("_", "-")
            self._check_type(name, hint, source)
            required = parameter.default is inspect.Parameter.empty
            yield Parameter(
                name=name,
                alias=alias,
                type=hint,
                source=source,
                required=required,
                default=None if required else parameter.default,
                stream=_stream_item(hint) is bytes,
            )

    def _source(self, name: str, hint: Any, marker: Marker | None, in_path: bool) -> Source:
        if self.declared.path is None:
            return Source.MEMBER
        if marker is not None:
            source = SOURCES[type(marker)]
            if in_path != (source is Source.PATH):
                self.problem(
                    f"{name} is marked {type(marker).__name__}, the path says otherwise",
                    "Let the marker and the path's braces agree",
                )
            return source
        if in_path:
            return Source.PATH
        if _upload(hint):
            return Source.FORM
        if self.declared.method in ("GET", "DELETE"):
            return Source.QUERY
        return Source.BODY if _is_body(hint) else Source.QUERY

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
        if _stream_item(hint) is not None:
            if _stream_item(hint) is not bytes:
                self.problem(f"{name} streams other things than bytes", "Use AsyncIterator[bytes]")
            return
        if _upload(hint):
            return
        try:
            msgspec.json.Decoder(hint)
            info = msgspec.inspect.type_info(hint)
        except TypeError as error:
            self.problem(f"{name}: {error}", "Use a type that msgspec decodes")
            return
        plain = source in (Source.PATH, Source.QUERY, Source.HEADER, Source.COOKIE)
        if plain and _structured(info):
            self.problem(
                f"{name} has parts, and the {source.value} carries plain values",
                "List its fields as parameters of their own",
            )
        if source is Source.PATH and isinstance(info, _COLLECTIONS):
            self.problem(f"{name} is a list in the path", "Take it from the query")

    def _result(self, hint: Any) -> Result:
        content = _marker(hint, Content)
        media = content.media if content else None
        bare = _strip(hint)
        item = _stream_item(hint)
        if item is not None:
            if item is not bytes:
                self.problem("the result streams other things than bytes", "Encode each item")
            return Result(hint, media or "application/octet-stream", stream=True)
        if bare is Redirect:
            return Result(Redirect, redirect=True)
        if bare is bytes:
            return Result(bytes, media or "application/octet-stream")
        try:
            msgspec.json.Decoder(hint)
        except TypeError as error:
            self.problem(f"the result: {error}", "Use a type that msgspec encodes")
            return Result(hint, media)
        return Result(hint, media, headers=_header_fields(bare))


def _strip(hint: Any) -> Any:
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    return hint


def _marker(hint: Any, kind: type[Any]) -> Any:
    if get_origin(hint) is Annotated:
        for extra in get_args(hint)[1:]:
            if isinstance(extra, kind):
                return extra
    return None


def _stream_item(hint: Any) -> Any:
    bare = _strip(hint)
    if get_origin(bare) in _STREAMS:
        return get_args(bare)[0]
    return None


def _upload(hint: Any) -> bool:
    bare = _strip(hint)
    return bare is Upload or Upload in map(_strip, get_args(bare))


_PARTS = (
    msgspec.inspect.StructType,
    msgspec.inspect.DataclassType,
    msgspec.inspect.TypedDictType,
    msgspec.inspect.NamedTupleType,
    msgspec.inspect.DictType,
)
_COLLECTIONS = (
    msgspec.inspect.ListType,
    msgspec.inspect.SetType,
    msgspec.inspect.FrozenSetType,
    msgspec.inspect.VarTupleType,
    msgspec.inspect.TupleType,
)


def _structured(info: msgspec.inspect.Type) -> bool:
    while isinstance(info, msgspec.inspect.Metadata):
        info = info.type
    if isinstance(info, msgspec.inspect.UnionType):
        return any(_structured(member) for member in info.types)
    if isinstance(info, msgspec.inspect.ListType | msgspec.inspect.VarTupleType):
        return _structured(info.item_type)
    return isinstance(info, _PARTS)


def _is_body(hint: Any) -> bool:
    if _stream_item(hint) is not None or _strip(hint) is bytes or _marker(hint, Content):
        return True
    try:
        info = msgspec.inspect.type_info(hint)
    except TypeError:
        return True
    while isinstance(info, msgspec.inspect.Metadata):
        info = info.type
    return _structured(info) or isinstance(info, _COLLECTIONS)


def _header_fields(bare: Any) -> tuple[tuple[str, str], ...]:
    struct = get_origin(bare) or bare
    if not (isinstance(struct, type) and issubclass(struct, msgspec.Struct)):
        return ()
    found = []
    for name, hint in get_type_hints(struct, include_extras=True).items():
        marker = _marker(hint, Header)
        if marker is not None:
            found.append((name, marker.name or name.replace("_", "-").title()))
    return tuple(found)
