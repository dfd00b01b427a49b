"""Parts of a schema by their meaning; what is not as it should be counts as absent."""

from typing import Any

from .document import Values

__all__ = ["properties", "required", "text"]


def properties(schema: Values) -> Values:
    """The members of an object that have names."""
    found = schema.get("properties")
    return found if isinstance(found, dict) else {}


def required(schema: Values) -> set[str]:
    """The names of the members that must be there."""
    found = schema.get("required")
    return {name for name in found if isinstance(name, str)} if isinstance(found, list) else set()


def text(value: Any) -> str:
    """A description; nothing where it is none."""
    return value.strip() if isinstance(value, str) else ""
