"""Policies: what applies to the calls of one operation, each value with its source."""

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, Struct

from coterie.contract import Operation
from coterie.policy import Breaking, Bulk, Caching, Hedge, Keeping, Retry, Shedding
from coterie.registry import Balance, Hashing

from .model import System
from .places import TomlPath
from .policy_layers import DEFAULT, Layer, merged, service_layers, source_of
from .problem import Report, SystemProblems
from .tables import near

__all__ = ["SLOW_START", "Policies", "policies_of"]

T = TypeVar("T")

SLOW_START = 5.0
"""Seconds in which a new instance gets its whole share, unless told otherwise."""


class Policies(Struct, frozen=True, kw_only=True):
    """What applies to the calls of one ``operation`` of ``service``, on both sides.

    A policy that is off, or that this kind of operation cannot have, is ``None``; ``absent`` tells
    why. ``timeout`` and ``slow_start`` are in seconds; ``fallback`` is ``UNSET`` where there is none.
    """

    service: str
    operation: Operation
    timeout: float
    retry: Retry | None
    breaker: Breaking | None
    bulkhead: Bulk | None
    shed: Shedding | None
    idempotency: Keeping | None
    keyed: bool
    balance: Balance
    slow_start: float
    hedge: Hedge | None
    cache: Caching | None
    coalesce: bool
    fallback: Any
    priority: Literal["high", "normal", "low"]
    sources: Mapping[str, str]
    absent: Mapping[str, str]

    def source(self, name: str, field: str = "") -> str:
        """Where a value is from: ``coterie.toml:12``, ``contract orders.place`` or ``default``."""
        return self.sources.get(f"{name}.{field}" if field else name, DEFAULT)


def policies_of(
    system: System,
    service: str,
    operation: Operation,
    *,
    keeps: bool,
    report: Report | None = None,
) -> Policies:
    """What ``system`` says of the calls of ``operation``, which ``service`` answers.

    The most specific place that says something of a value wins, field by field: the operation's
    table, its contract, its service's table, ``[policy]``, and last the default. What a wider
    table says counts only where the kind of operation allows it. ``keeps`` says whether the service
    has a database. A service that is not the system's own has the rules of ``[policy]``.

    What contradicts itself is noted in ``report``; without one it raises `SystemProblems`.
    """
    own = Report(system.places) if report is None else report
    found = _Resolver(system, service, operation, own, keeps=keeps).resolve()
    if report is None and own.problems:
        raise SystemProblems(own.problems)
    return found


class _Resolver:
    def __init__(
        self, system: System, service: str, operation: Operation, report: Report, *, keeps: bool
    ) -> None:
        self.operation = operation
        self.service = service
        self.report = report
        self.keeps = keeps
        self.places = system.places
        spec = next((s for s in system.services if s.name == service), None)
        self.layers = service_layers(system.policy, spec)
        self.shared = tuple(self.layers)
        self.operations = () if spec is None else tuple(spec.operation.values())
        self.path: TomlPath = ("service", service, "operation", operation.name)
        self.own = None if spec is None else spec.operation.get(operation.name)
        if self.own is not None:
            self.layers.append(Layer(self.path, self.own))
        self.sources: dict[str, str] = {}
        self.paths: dict[str, TomlPath] = {}
        self.absent: dict[str, str] = {}

    def resolve(self) -> Policies:
        operation = self.operation
        timeout = self.timeout()
        retry = self.settings("retry", Retry)
        own = self.said("retry")
        if isinstance(own, dict) and "budget" in own:
            what = f"the calls of all operations of {self.service} share one budget"
            remedy = f"Say it in [service.{self.service}.policy]"
            self.report.complain((*self.path, "retry", "budget"), what, remedy)
        if retry is not None and any(p.stream for p in operation.parameters):
            self.absent["retry"], retry = "its body streams, and cannot be sent again", None
        return Policies(
            service=self.service,
            operation=operation,
            timeout=timeout,
            retry=retry,
            breaker=self.settings("breaker", Breaking),
            bulkhead=self.settings("bulkhead", Bulk),
            shed=self.settings("shed", Shedding),
            idempotency=(keeping := self.idempotency()),
            keyed=self.keyed(keeping, retry),
            balance=self.balance(),
            slow_start=self.value("slow_start", SLOW_START),
            hedge=self.hedge(timeout),
            cache=self.cache(),
            coalesce=self.reading("coalesce", self.value("coalesce", None) or None) is not None,
            fallback=self.fallback(),
            priority=self.value("priority", "normal"),
            sources=self.sources,
            absent=self.absent,
        )

    # --- each of them -----------------------------------------------------------------------------

    def timeout(self) -> float:
        operation = self.operation
        found: float = self.value("timeout", 30.0)
        if operation.timeout is None or self.said("timeout") is not None:
            return found
        self.sources["timeout"] = f"contract {operation.id}"
        return operation.timeout

    def idempotency(self) -> Keeping | None:
        keeping = self.settings("idempotency", Keeping)
        if keeping is None:
            return None
        operation, explicit = self.operation, self.said("idempotency") not in (None, False)
        why = ""
        if operation.safe or operation.idempotent:
            why = "it is idempotent by itself"
        elif operation.result.stream or any(p.stream for p in operation.parameters):
            why = "it streams, and what streams is not kept"
        if why and explicit:
            what = f"{operation.id} takes no idempotency key: {why}"
            self.complain("idempotency", what, "Leave it out here")
        elif not why and not self.keeps:
            why = f"{self.service} asks for no Database to keep answers in"
            path = self.paths.get("idempotency.mode", ())
            if keeping.mode == "required" and path[:1] == ("service",):
                what = f"idempotency keys are required, and {why}"
                self.report.complain(path, what, "Let a constructor ask for a Database")
        if not why:
            return keeping
        self.absent["idempotency"] = why
        return None

    def keyed(self, keeping: Keeping | None, retry: Retry | None) -> bool:
        operation = self.operation
        required = keeping is not None and keeping.mode == "required"
        keyed: bool = self.value("keyed", operation.keyed or required)
        said = self.said("keyed")
        if operation.keyed:
            self.sources["keyed"] = f"contract {operation.id}"
            if said is False:
                what = f"the contract declares {operation.id} keyed, so each call has a key"
                self.complain("keyed", what, "Leave keyed out here, or in the contract")
            elif keeping is None:
                why = self.absent.get("idempotency", "the service takes none")
                what = f"the contract declares {operation.id} keyed, and idempotency keys: {why}"
                self.report.complain(
                    self.paths.get("idempotency", self.path), what, "Let the service take keys"
                )
        elif said:
            if keeping is None:
                why = self.absent.get("idempotency", "it takes none")
                remedy = "Leave keyed out, or let the service take keys"
                self.complain("keyed", f"callers give {operation.id} keys, but {why}", remedy)
            elif retry is None:
                what = f"{operation.id} is keyed so that it can be retried, and retry is off"
                self.complain("keyed", what, "Leave out one of the two")
        elif keyed and keeping is None:
            self.keyed_in_vain()
        return keyed and keeping is not None

    def keyed_in_vain(self) -> None:
        """A wider table says keyed, and this operation takes no keys: tell why, or that it cannot be."""
        off = self.paths.get("idempotency", ())
        why = self.absent.get("idempotency", "the service takes none")
        self.sources["keyed"] = f"no: {why}"
        said = [layer for layer in self.layers if getattr(layer.spec, "keyed", None)]
        # Keys that a more specific table switches off are an exception, and no mistake.
        if why.startswith("off") and said and len(off) <= len(said[-1].path) + 1:
            what = "callers are told to give calls keys, and the services take none: idempotency is"
            remedy = "Leave out one of the two, or say keyed where keys are taken"
            self.report.complain((*said[-1].path, "keyed"), f"{what} {why}", remedy)

    def hedge(self, timeout: float) -> Hedge | None:
        hedge = self.reading("hedge", self.settings("hedge", Hedge, on=False))
        if hedge is None or isinstance(hedge.after, str) or hedge.after < timeout:
            return hedge
        if self.said("hedge") is not None:
            what = f"hedge.after is {hedge.after:g} s, and the call ends after {timeout:g} s"
            self.complain("hedge", what, "Make the second call earlier")
        self.absent["hedge"] = f"after {hedge.after:g} s the call is over"
        return None

    def cache(self) -> Caching | None:
        found = self.settings("cache", Caching, on=False)
        if self.operation.safe:
            return self.reading("cache", found)
        self.reading("cache", found)
        shared = merged("cache", Caching, self.shared, self.report, on=False).value
        if shared is None and not any(spec.cache for spec in self.operations):
            return None
        # What it changes must not be answered from what was kept before.
        return shared or Caching()

    def balance(self) -> Balance:
        balance: Balance = self.value("balance", "two-choices")
        known = [parameter.name for parameter in self.operation.parameters]
        if not isinstance(balance, Hashing) or balance.hash in known:
            return balance
        if self.said("balance") is not None:
            meant = near(balance.hash, known)
            remedy = f"Did you mean {meant}?" if meant else f"It has {', '.join(known) or 'none'}"
            what = f"{self.operation.id} has no parameter {balance.hash[:40]!r} to choose by"
            self.complain("balance", what, remedy)
        self.sources["balance"] = f"default: {self.operation.id} has no {balance.hash}"
        return "two-choices"

    def fallback(self) -> Any:
        written = self.said("fallback")
        if written is None:
            return UNSET
        self.sources["fallback"] = self.source((*self.path, "fallback"))
        result, name = self.operation.result, self.operation.id
        what = ""
        if not self.operation.safe:
            what = f"{name} may change something, and a fallback would say that it did"
        elif result.stream or result.redirect or result.media or result.type is type(None):
            what = f"{name} gives no value that another could stand in for"
        if what:
            self.complain("fallback", what, "Leave fallback out")
            return UNSET
        try:
            return msgspec.convert(written, result.type)
        except msgspec.ValidationError as error:
            what = f"the fallback of {name} is no result of it: {error}"
            self.complain("fallback", what, "Write a value as the contract promises it")
            return UNSET

    # --- what they have in common -----------------------------------------------------------------

    def settings(self, name: str, kind: type[T], *, on: bool = True) -> T | None:
        found = merged(name, kind, self.layers, self.report, on=on)
        self.sources.update(found.sources)
        self.paths.update(found.paths)
        if found.value is None:
            source = found.sources.get(name, DEFAULT)
            self.absent[name] = "off by default" if source == DEFAULT else f"off: {source}"
        return found.value

    def value(self, name: str, default: Any) -> Any:
        for layer in reversed(self.layers):
            found, path = getattr(layer.spec, name, None), (*layer.path, name)
            if found is not None and (found != default or path in self.places.lines):
                self.sources[name] = self.source(path)
                return found
        return default

    def reading(self, name: str, found: T | None) -> T | None:
        """``found`` where the operation only reads; a table of its own must not say otherwise."""
        operation = self.operation
        why = ""
        if not operation.safe:
            why = f"{operation.id} is not safe: it may change something"
        elif operation.result.stream or any(p.stream for p in operation.parameters):
            why = f"{operation.id} streams"
        if not why or found is None:
            return found
        if self.said(name) not in (None, False):
            remedy = f"Leave {name} out, or say safe=True in the contract if it only reads"
            self.complain(name, f"{name} is for operations that only read, and {why}", remedy)
        self.absent[name] = why
        return None

    def said(self, name: str) -> Any:
        """What the operation's own table says."""
        return None if self.own is None else getattr(self.own, name, None)

    def source(self, path: TomlPath) -> str:
        return source_of(self.places, path)

    def complain(self, name: str, what: str, remedy: str) -> None:
        self.report.complain((*self.path, name), what, remedy)
