"""Expressions on lines of a hundred columns, as formatters of the field lay them out.

What is broken is broken everywhere at that depth, one part a line, with a comma after the last:
so a formatter leaves it as it is.
"""

from typing import TypeAlias

from msgspec import Struct

from .literal import width

__all__ = ["COLUMNS", "Bracket", "Expression", "Framed", "Union", "flat", "laid"]

COLUMNS = 100
_STEP = "    "


class Bracket(Struct, frozen=True):
    """``head`` and what stands in its brackets; ``head`` ends with the one that opens.

    ``comma``: whether a comma may follow the last part; it may not after the only part of a type.
    """

    head: str
    parts: "tuple[Expression, ...]"
    close: str
    comma: bool = True


class Union(Struct, frozen=True):
    """Types with bars between them."""

    parts: "tuple[Expression, ...]"


class Framed(Struct, frozen=True):
    """An expression with text before and after it: ``name: `` and `` = None``."""

    before: str
    inside: "Expression"
    after: str = ""


Expression: TypeAlias = str | Bracket | Union | Framed


def flat(expression: Expression) -> str:
    """All on one line."""
    match expression:
        case str():
            return expression
        case Bracket(head, parts, close):
            return f"{head}{', '.join(map(flat, parts))}{close}"
        case Union(parts):
            return " | ".join(map(flat, parts))
        case Framed(before, inside, after):
            return f"{before}{flat(inside)}{after}"


def laid(expression: Expression, indent: str, before: str = "", after: str = "") -> list[str]:
    """Lines that begin with ``before`` and end with ``after``; broken only where they must be."""
    line = f"{indent}{before}{flat(expression)}{after}"
    if width(line) <= COLUMNS or isinstance(expression, str):
        return [line]
    if isinstance(expression, Framed):
        outer = (f"{before}{expression.before}", f"{expression.after}{after}")
        return laid(expression.inside, indent, *outer)
    if isinstance(expression, Union):
        return _bars(expression, indent, before, after)
    if not expression.parts:
        return [line]
    lines = [f"{indent}{before}{expression.head}"]
    comma = "," if expression.comma else ""
    for part in expression.parts:
        last = part is expression.parts[-1]
        lines += _part(part, indent + _STEP, comma if last else ",")
    lines.append(f"{indent}{expression.close}{after}")
    return lines


def _part(part: Expression, indent: str, after: str) -> list[str]:
    # Inside of brackets bars need none of their own.
    if isinstance(part, Union) and width(f"{indent}{flat(part)}{after}") > COLUMNS:
        return _barred(part, indent, after)
    return laid(part, indent, after=after)


def _barred(union: Union, indent: str, after: str) -> list[str]:
    lines: list[str] = []
    for number, part in enumerate(union.parts):
        end = after if number == len(union.parts) - 1 else ""
        lines += laid(part, indent, "| " if number else "", end)
    return lines


def _bars(union: Union, indent: str, before: str, after: str) -> list[str]:
    inner = indent + _STEP
    line = f"{inner}{flat(union)}"
    inside = [line] if width(line) <= COLUMNS else _barred(union, inner, "")
    return [f"{indent}{before}(", *inside, f"{indent}){after}"]
