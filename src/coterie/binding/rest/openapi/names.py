"""Names of the models in a document: short, unique, the same at every run."""

import re
from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any, get_args, get_origin

__all__ = ["names"]

_FORBIDDEN = re.compile(r"[^A-Za-z0-9._-]+")  # OpenAPI 3.1, 4.8.7: keys of components
_DEEPEST = 16


def names(types: Iterable[Any], taken: Collection[str] = ()) -> dict[Any, str]:
    """A name for each of ``types``, none of them among ``taken``.

    ``Order`` is called Order, ``Page[Order]`` PageOfOrder. Where two share a name, each gets as
    much of its module in front as tells them apart; a number where nothing does.
    """
    found: dict[Any, str] = {}
    used = set(taken)
    waiting = list(dict.fromkeys(types))
    for depth in range(_DEEPEST):
        labels = {kind: _label(kind, depth) for kind in waiting}
        count = Counter(labels.values())
        fitting = {k: name for k, name in labels.items() if count[name] == 1 and name not in used}
        found.update(fitting)
        used.update(labels.values())
        waiting = [kind for kind in waiting if kind not in fitting]
    for kind in waiting:
        found[kind] = _numbered(_label(kind, 0), used)
        used.add(found[kind])
    return found


def _label(kind: Any, depth: int) -> str:
    origin = get_origin(kind)
    if origin is not None and hasattr(origin, "__name__"):
        # What is inside tells more often than what holds it: it gets its module first.
        inside = "And".join(_label(item, (depth + 1) // 2) for item in get_args(kind))
        return f"{_label(origin, depth // 2)}Of{inside}"
    if not isinstance(kind, type):
        return _FORBIDDEN.sub("", str(kind)) or "Value"
    name = _FORBIDDEN.sub("", kind.__name__) or "Value"
    name = name[0].upper() + name[1:]
    modules = [] if kind.__module__ == "builtins" else kind.__module__.split(".")
    return ".".join([*modules[max(0, len(modules) - depth) :], name] if depth else [name])


def _numbered(name: str, used: Collection[str]) -> str:
    number = 2
    while f"{name}{number}" in used:
        number += 1
    return f"{name}{number}"
