"""How a Python name becomes a wire name."""

import re

__all__ = ["kebab", "paragraph"]

_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def kebab(name: str) -> str:
    """``OutOfStock`` -> ``out-of-stock``, ``HTTPThing`` -> ``http-thing``."""
    return _BOUNDARY.sub("-", name).replace("_", "-").lower()


def paragraph(text: str | None) -> str:
    """The first paragraph of a docstring, on one line."""
    if not text:
        return ""
    return " ".join(text.strip().split("\n\n", 1)[0].split())
