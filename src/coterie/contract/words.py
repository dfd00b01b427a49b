"""How a Python name becomes a wire name."""

import re

__all__ = ["WIRE_NAME", "kebab", "paragraph"]

WIRE_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
"""What stands in paths, subjects and URIs without being escaped."""

_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def kebab(name: str) -> str:
    """``OutOfStock`` -> ``out-of-stock``, ``HTTPThing`` -> ``http-thing``, ``_Own`` -> ``own``."""
    return _BOUNDARY.sub("-", name).replace("_", "-").strip("-").lower()


def paragraph(text: str | None) -> str:
    """The first paragraph of a docstring, on one line."""
    if not text:
        return ""
    return " ".join(text.strip().split("\n\n", 1)[0].split())
