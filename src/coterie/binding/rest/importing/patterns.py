"""usable(): whether a document's pattern may become one of ours."""

import re

__all__ = ["usable"]

_LONGEST = 2000
_REPEAT = re.compile(r"[*+]|\{\d*,\}")
_ITEM = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[(){}|*+?]|\{\d*,?\d*\}|.", re.DOTALL)


def usable(pattern: object) -> bool:
    """Whether Python reads ``pattern``, and no text makes it think for ever.

    ECMA 262, whose patterns documents have, knows some things that Python does not. And what repeats
    without end a group that itself repeats or chooses can take longer than anybody waits, on a text
    that somebody chose: such a pattern is not taken, though some of them are harmless.
    """
    if not isinstance(pattern, str) or len(pattern) > _LONGEST or _endless(pattern):
        return False
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return False
    return True


def _endless(pattern: str) -> bool:
    # One entry a group that is open: where it begins, and whether it repeats or chooses inside.
    groups: list[tuple[int, bool]] = [(0, False)]
    items = [match[0] for match in _ITEM.finditer(pattern)]
    for number, item in enumerate(items):
        rest = "".join(items[number + 1 : number + 8])
        start, inside = groups[-1]
        if item == "(":
            groups.append((number + 1, False))
        elif item == ")" and len(groups) > 1:
            groups.pop()
            repeated = _REPEAT.match(rest) is not None
            if inside and repeated and not _bounded(items[start:number]):
                return True
            outer, known = groups[-1]
            groups[-1] = (outer, known or inside or repeated)
        elif item in ("|", "*", "+") or (item == "{" and _REPEAT.match(f"{item}{rest}")):
            groups[-1] = (start, True)
    return False


def _bounded(items: list[str]) -> bool:
    """Whether one sign, found nowhere else in a group, tells where each turn of it begins or ends."""
    if any(item in _GROUPING for item in items):
        return False
    for edge, rest in ((items[:1], items[1:]), (items[-1:], items[:-1])):
        sign = "".join(edge).removeprefix("\\")
        plain = len(sign) == 1 and not sign.isalnum() and sign not in "*+?.}^$"
        if plain and rest[:1] not in (["*"], ["+"], ["?"], ["{"]) and not _matches(rest, sign):
            return True
    return False


_GROUPING = frozenset("()|")


def _matches(items: list[str], sign: str) -> bool:
    """Whether any of ``items`` may be ``sign``."""
    for item in items:
        if item == "." or item[-1:] == sign:
            return True
        if item[0] in "[\\":
            try:
                if re.fullmatch(item, sign):
                    return True
            except re.error:
                return True
    return False
