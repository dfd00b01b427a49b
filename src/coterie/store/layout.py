"""lay_out(): generated statements as a person would have typed them. Pure."""

import ast
import io
import tokenize

__all__ = ["lay_out"]

_WIDTH = 88


def lay_out(code: str, indent: int) -> list[str]:
    """The statements of ``code``, in lines of at most 88 characters where that is possible.

    Double quotes, one argument a line where a call does not fit: what ruff and black leave alone.
    Knows what migrations consist of: calls, ``with`` and ``pass``.
    """
    return [line for node in ast.parse(code).body for line in _statement(node, indent)]


def _statement(node: ast.stmt, indent: int) -> list[str]:
    if isinstance(node, ast.With):
        (item,) = node.items
        name = f" as {_flat(item.optional_vars)}" if item.optional_vars else ""
        lines = _expression(item.context_expr, indent, "with ", f"{name}:")
        for inner in node.body:
            lines += _statement(inner, indent + 4)
        return [*lines, ""]
    if isinstance(node, ast.Expr):
        return _expression(node.value, indent, "", "")
    return [" " * indent + _flat(node)]


def _expression(node: ast.expr, indent: int, before: str, after: str) -> list[str]:
    """``before`` + node + ``after``, on one line if it fits, else one part a line."""
    pad = " " * indent
    line = f"{pad}{before}{_flat(node)}{after}"
    if len(line) <= _WIDTH:
        return [line]
    match node:
        case ast.Call():
            opening, closing = f"{_flat(node.func)}(", ")"
            parts = [("", argument) for argument in node.args]
            parts += [(f"{word.arg}=", word.value) for word in node.keywords]
        case ast.List():
            opening, closing = "[", "]"
            parts = [("", element) for element in node.elts]
        case _:
            return [line]
    if not parts:
        return [line]
    lines = [f"{pad}{before}{opening}"]
    for prefix, part in parts:
        lines += _expression(part, indent + 4, prefix, ",")
    return [*lines, f"{pad}{closing}{after}"]


def _flat(node: ast.AST) -> str:
    """One line, with double quotes wherever that needs no new escape."""
    text = ast.unparse(node)
    parts: list[str] = []
    end = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.STRING and token.string.startswith("'"):
            inner = token.string[1:-1]
            if '"' not in inner and "\\" not in inner:
                parts += [text[end : token.start[1]], f'"{inner}"']
                end = token.end[1]
    return "".join([*parts, text[end:]])
