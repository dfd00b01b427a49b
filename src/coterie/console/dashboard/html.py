"""Html: markup in which every text is escaped, because nothing else can be built."""

from collections.abc import Iterable
from html import escape
from typing import TypeAlias

__all__ = ["Child", "Html", "joined", "tag"]


class Html(str):
    """Markup. Made by `tag` and `joined` only; a plain string is text, and is escaped."""

    __slots__ = ()


Child: TypeAlias = "str | int | Iterable[Child] | None"
"""What may stand in an element: markup, text, a number, nothing, or several of these."""

_VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})


def tag(name: str, /, *children: Child, **attributes: str | float | bool | None) -> Html:
    """An element. ``class_`` and ``for_`` lose their underscore, others become hyphens.

    An attribute that is ``True`` stands without a value, one that is ``None`` or ``False`` not at
    all.
    """
    written = "".join(
        f" {_name(key)}" if value is True else f' {_name(key)}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{''.join(map(_text, children))}</{name}>")


def joined(*children: Child) -> Html:
    """Several beside each other."""
    return Html("".join(map(_text, children)))


def _text(child: Child) -> str:
    if isinstance(child, Html):
        return child
    if isinstance(child, str):
        return escape(child, quote=False)
    if child is None:
        return ""
    if isinstance(child, int):
        return str(child)
    return "".join(map(_text, child))


def _name(key: str) -> str:
    # viewBox and its like keep their capitals.
    return key.rstrip("_").replace("_", "-")
