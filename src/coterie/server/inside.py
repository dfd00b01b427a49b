"""Calls within a process: what a wire would have refused is refused here too."""

from collections.abc import Callable
from typing import Any, get_origin

import msgspec

from coterie.call import Failure, Sent
from coterie.contract import Code, Operation, Upload

__all__ = ["Check", "argument_check", "expected"]

Check = Callable[[dict[str, Any]], object]


def argument_check(operation: Operation) -> Check:
    """What raises `Failure` (``invalid_argument``) for arguments that the contract refuses.

    Types and constraints of the arguments themselves are checked. A struct is taken as it is: its
    class is checked, and its fields are what the type checker has seen.
    """
    fields: list[Any] = [
        (p.name, Any if p.stream else p.type)
        if p.required
        # A default is the contract's own word, right by definition.
        else (p.name, Any if p.stream else p.type | None if p.default is None else p.type)
        for p in operation.parameters
    ]
    if not fields:
        return len
    struct = msgspec.defstruct(operation.name, fields, kw_only=True)
    convert = msgspec.convert

    def check(arguments: dict[str, Any]) -> object:
        try:
            return convert(arguments, struct)
        except msgspec.ValidationError as error:
            what = f"{operation.id}: {error}"
            raise Failure(Code.INVALID_ARGUMENT, what, sent=Sent.ANSWERED) from None

    return check


def expected(operation: Operation) -> Any:
    """The class a result must be an instance of; ``object`` where a class cannot tell."""
    hint = operation.result.type
    bare = get_origin(hint) or hint
    known = isinstance(bare, type) and issubclass(bare, msgspec.Struct) and bare is not Upload
    return bare if known else object
