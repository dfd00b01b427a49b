"""Contracts made on the spot, from functions or from source text."""

import textwrap
from types import new_class
from typing import Any

import coterie.contract
from coterie.contract import Contract, Operation, describe

__all__ = ["contract", "described", "executed"]


def contract(name: str = "Orders", version: str = "1.0", **members: Any) -> type[Contract]:
    """A contract with these members."""
    return new_class(name, (Contract,), {"version": version}, lambda body: body.update(members))


def described(function: Any) -> Operation:
    """The one operation of a contract that has nothing else."""
    return describe(contract(**{function.__name__: function})).operations[0]


def executed(source: str) -> dict[str, Any]:
    """What a module ``orders.py`` with this text defines; everything of the room is imported."""
    module: dict[str, Any] = {"__name__": "orders"}
    module |= {name: getattr(coterie.contract, name) for name in coterie.contract.__all__}
    exec(_IMPORTS, module)  # noqa: S102  # the text stands in the test
    exec(compile(textwrap.dedent(source), "orders.py", "exec"), module)  # noqa: S102
    return module


_IMPORTS = """
import datetime
from collections.abc import *
from typing import *
"""
