"""Names of services and ids of instances."""

import re
import secrets

__all__ = ["ID_HINT", "NAME_HINT", "default_id", "fresh_id", "is_id", "is_name"]

NAME_HINT = "a name is 1 to 128 letters, digits, dots, underscores and hyphens, and begins with a letter or a digit"
ID_HINT = (
    "an id is 1 to 160 letters, digits, dots, underscores and hyphens,"
    " and begins with a letter or a digit"
)

# ASCII alone: two names that look the same are the same.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,159}")


def is_name(text: str) -> bool:
    """Whether a service may be called so."""
    return _NAME.fullmatch(text) is not None


def is_id(text: str) -> bool:
    """Whether an instance may be called so."""
    return _ID.fullmatch(text) is not None


def default_id(name: str) -> str:
    """The id of the one instance that registering a mere name and URL is about."""
    return f"{name}-default"


def fresh_id(name: str) -> str:
    """An id that no other instance has."""
    return f"{name}-{secrets.token_hex(6)}"
