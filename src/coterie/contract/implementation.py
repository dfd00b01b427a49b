"""What can be checked of an implementation when its class is made."""

import inspect
from collections.abc import Iterator
from typing import Any

from .event import Event
from .listening import check_marks
from .operation import declared_by
from .problem import Problem, place_of
from .structure import declared_operations

__all__ = ["check_implementation", "check_operations"]


def check_implementation(cls: type, contracts: tuple[type, ...]) -> Iterator[Problem]:
    """Everything an implementation leaves out or says differently from its contracts."""
    yield from check_operations(cls, contracts)
    promising = {base for contract in contracts for base in contract.__mro__}
    own = [base for base in cls.__mro__ if base not in promising]
    for base in own:
        yield from _check_members(cls, base)
    yield from check_marks(cls, own)


def check_operations(cls: type, contracts: tuple[type, ...]) -> Iterator[Problem]:
    """Every operation of ``contracts`` that ``cls`` leaves out or says differently."""
    for contract in contracts:
        for name, (_, promised) in declared_operations(contract).items():
            given = getattr(cls, name)
            where = place_of(given, f"{cls.__qualname__}.{name}")
            if given is promised:
                if not _has_body(contract):
                    yield Problem(
                        cls.__qualname__,
                        f"operation {contract.__name__}.{name} is missing",
                        f"Write `async def {name}{_shown(promised)}`, or say abstract=True",
                    )
            elif not callable(given):
                what = f"{name} is an operation of the contract, and here no method"
                yield Problem(where, what, f"Write `async def {name}{_shown(promised)}`")
            elif declared_by(given) is None:
                yield from _check_function(where, name, given)
                yield from _check_signature(where, promised, given)


def _has_body(contract: type) -> bool:
    # A Service is contract and implementation in one: what it declares is what it does.
    return bool(getattr(contract, "__implemented__", False))


def _check_members(cls: type, base: type) -> Iterator[Problem]:
    """What only a contract can promise."""
    for name, value in vars(base).items():
        if declared_by(value) is not None or isinstance(value, Event):
            what = "event" if isinstance(value, Event) else "decorator"
            yield Problem(
                place_of(value, f"{cls.__qualname__}.{name}"),
                f"its {what} stands in an implementation, where no caller sees it",
                "Move it to the contract",
            )


def _check_function(where: str, name: str, given: Any) -> Iterator[Problem]:
    if inspect.isasyncgenfunction(given):
        what = f"{name} yields; its callers await it"
        yield Problem(where, what, "Return the iterator: `return self._rows()`")
    elif not inspect.iscoroutinefunction(given):
        what = f"{name} is a plain method, and would stop every other call"
        remedy = "Write `async def`, or put @blocking over it to run it in a thread"
        yield Problem(where, what, remedy)


def _check_signature(where: str, promised: Any, given: Any) -> Iterator[Problem]:
    wanted = [p.name for p in list(inspect.signature(promised).parameters.values())[1:]]
    present = {p.name: p for p in list(inspect.signature(given).parameters.values())[1:]}
    takes_all = any(p.kind is p.VAR_KEYWORD for p in present.values())
    for name in wanted:
        if name not in present and not takes_all:
            yield Problem(
                where,
                f"parameter {name} of the contract is missing",
                f"Call it {name}, as the contract does",
            )
    for name, parameter in present.items():
        variable = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        if name in wanted:
            if parameter.kind is parameter.POSITIONAL_ONLY:
                what = f"parameter {name} has no name for its callers, who give it by name"
                yield Problem(where, what, "Drop the `/`")
        elif parameter.default is parameter.empty and not variable:
            yield Problem(
                where,
                f"parameter {name} is not in the contract, so nobody can give it",
                "Give it a default, or add it to the contract",
            )


def _shown(function: Any) -> str:
    return str(inspect.signature(function))
