"""Values and texts of a document as source of Python, in which they can do nothing.

A document is written by others: whatever stands in it ends up inside a literal, never beside one.
"""

import inspect
import math
import unicodedata
from typing import Any

__all__ = ["docstring", "literal", "width"]

_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def literal(value: Any) -> str:
    """``value`` as a literal: None, a truth, a number, a text, or lists and objects of them.

    Raises `ValueError` for another value, and for a number that is none.
    """
    if value is None or isinstance(value, bool):
        return repr(value)
    if isinstance(value, int):
        return repr(int(value))
    if isinstance(value, float) and math.isfinite(value):
        return repr(float(value)).replace("e+", "e")
    if isinstance(value, str):
        quote = "'" if value.count('"') > value.count("'") else '"'
        return f"{quote}{''.join(_sign(c, quote) for c in value)}{quote}"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{literal(str(k))}: {literal(v)}' for k, v in value.items())}}}"
    raise ValueError(f"{type(value).__name__} is no value of JSON")


def _sign(sign: str, quote: str) -> str:
    if sign in _ESCAPES:
        return _ESCAPES[sign]
    if sign == quote:
        return f"\\{sign}"
    return sign if _shown(sign) else _escaped(sign)


def _escaped(sign: str) -> str:
    number = ord(sign)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _shown(sign: str) -> bool:
    """Whether a sign may stand in source as it is: seen, and one column or two wide."""
    return (sign.isascii() and sign.isprintable()) or (
        not sign.isascii() and sign.isprintable() and unicodedata.category(sign)[0] not in "MCZ"
    )


def width(text: str) -> int:
    """Columns that ``text`` takes, as formatters count them."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def docstring(text: str, indent: str) -> list[str]:
    """``text`` as the lines of a docstring, each with ``indent``; none where it is empty."""
    clean = inspect.cleandoc(text.replace("\r\n", "\n").replace("\r", "\n").expandtabs(4))
    lines = [_inside(line).rstrip() for line in clean.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    while lines and not lines[0].strip():
        lines.pop(0)
    if not lines:
        return []
    lines[0] = lines[0].strip()
    if lines[0].startswith('"'):
        lines[0] = f"\\{lines[0]}"
    if len(lines) == 1:
        if lines[0].endswith('"') and not lines[0].endswith('\\"'):
            lines[0] = f'{lines[0][:-1]}\\"'
        return [f'{indent}"""{lines[0]}"""']
    inside = [f"{indent}{line}" if line else "" for line in lines[1:]]
    return [f'{indent}"""{lines[0]}', *inside, f'{indent}"""']


def _inside(line: str) -> str:
    kept = "".join(_ESCAPES.get(c, c) if _shown(c) else _escaped(c) for c in line)
    return kept.replace('"""', '\\"\\"\\"')
