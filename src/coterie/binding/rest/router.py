"""Router: method and path to what answers them."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Generic, TypeVar
from urllib.parse import unquote

from coterie.call import Failure
from coterie.contract import Code

__all__ = ["Router"]

T = TypeVar("T")

_NO_VALUES: Mapping[str, str] = MappingProxyType({})


class _Node(Generic[T]):
    __slots__ = ("children", "names", "targets", "wild")

    def __init__(self) -> None:
        self.children: dict[str, _Node[T]] = {}
        self.wild: _Node[T] | None = None
        self.targets: dict[str, T] = {}
        # The braces' names belong to the method: two may share a path and name it differently.
        self.names: dict[str, tuple[str, ...]] = {}


class Router(Generic[T]):
    """Finds what answers a method and path. Text segments go before braces.

    ``routes`` are (method, template, target). ``HEAD`` falls back on ``GET`` (RFC 9110, 9.3.2).
    """

    def __init__(self, routes: Iterable[tuple[str, str, T]]) -> None:
        self._root: _Node[T] = _Node()
        self._static: dict[str, dict[str, T]] = {}
        for method, template, target in routes:
            self._add(method, template, target)

    def _add(self, method: str, template: str, target: T) -> None:
        node, names = self._root, []
        for piece in template.split("/")[1:]:
            if piece.startswith("{"):
                names.append(piece[1:-1])
                node.wild = node.wild or _Node()
                node = node.wild
            else:
                node = node.children.setdefault(piece, _Node())
        if method in node.targets:
            raise ValueError(f"{method} {template} is routed twice")
        node.targets[method] = target
        node.names[method] = tuple(names)
        if not names:
            self._static[template] = node.targets

    def find(self, method: str, path: str) -> tuple[T, Mapping[str, str]]:
        """The target, and the values of its template's braces, percent-decoded.

        ``path`` is as it came, still percent-encoded. Raises `Failure`: 404 for an unknown path,
        405 with ``Allow`` for an unknown method, 400 for a path that is no UTF-8.
        """
        targets = self._static.get(path)
        if targets is not None:
            target = targets.get(method)
            if target is not None:
                return target, _NO_VALUES
        pieces = path.split("/")[1:]
        if "%" in path:
            try:
                pieces = [unquote(piece, errors="strict") for piece in pieces]
            except UnicodeDecodeError:
                raise Failure(Code.INVALID_ARGUMENT, "The path is no UTF-8") from None
        values: list[str] = []
        node = self._walk(self._root, pieces, 0, values)
        if node is None:
            raise Failure(Code.NOT_FOUND, f"There is nothing at {path[:200]}")
        asked = "GET" if method == "HEAD" and "HEAD" not in node.targets else method
        target = node.targets.get(asked)
        if target is None:
            raise Failure(
                Code.UNIMPLEMENTED,
                f"{method[:20]} is not possible here; {', '.join(_allowed(node))} is",
                status=405,
                headers=(("allow", ", ".join(_allowed(node))),),
            )
        return target, dict(zip(node.names[asked], values, strict=True))

    def allowed(self, path: str) -> tuple[str, ...]:
        """The methods of a path, for ``OPTIONS``; empty for an unknown path."""
        node = self._walk(self._root, [unquote(piece) for piece in path.split("/")[1:]], 0, [])
        return () if node is None else _allowed(node)

    def _walk(
        self, node: _Node[T], pieces: list[str], depth: int, values: list[str]
    ) -> _Node[T] | None:
        if depth == len(pieces):
            return node if node.targets else None
        piece = pieces[depth]
        child = node.children.get(piece)
        if child is not None:
            found = self._walk(child, pieces, depth + 1, values)
            if found is not None:
                return found
        if node.wild is not None and piece:
            values.append(piece)
            found = self._walk(node.wild, pieces, depth + 1, values)
            if found is not None:
                return found
            values.pop()
        return None


def _allowed(node: _Node[T]) -> tuple[str, ...]:
    methods = {*node.targets, "OPTIONS"}
    if "GET" in methods:
        methods.add("HEAD")
    return tuple(sorted(methods))
