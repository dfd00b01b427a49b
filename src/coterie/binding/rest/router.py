"""Router: method and path to what answers them."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Generic, TypeVar
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
        asked = ("HEAD", "GET") if method == "HEAD" else (method,)
        nodes = list(self._walk(self._root, pieces, 0, ()))
        for node, values in nodes:
            for name in asked:
                target = node.targets.get(name)
                if target is not None:
                    return target, dict(zip(node.names[name], values, strict=True))
        if not nodes:
            raise Failure(Code.NOT_FOUND, f"There is nothing at {path[:200]}{self._meant(path)}")
        allowed = _allowed(node for node, _ in nodes)
        raise Failure(
            Code.UNIMPLEMENTED,
            f"Use {_any_of(allowed)} here, not {method[:20]}",
            status=405,
            headers=(("allow", ", ".join(allowed)),),
        )

    def _meant(self, path: str) -> str:
        """The path with one slash less or more at its end, where that leads somewhere."""
        other = path[:-1] if path.endswith("/") else f"{path}/"
        return f"; did you mean {other}?" if len(path) <= 200 and self.allowed(other) else ""

    def allowed(self, path: str) -> tuple[str, ...]:
        """The methods of a path, for ``OPTIONS``; empty for an unknown path."""
        pieces = [unquote(piece) for piece in path.split("/")[1:]]
        nodes = [node for node, _ in self._walk(self._root, pieces, 0, ())]
        return _allowed(nodes) if nodes else ()

    def _walk(
        self, node: _Node[T], pieces: list[str], depth: int, values: tuple[str, ...]
    ) -> Iterator[tuple[_Node[T], tuple[str, ...]]]:
        """Every place that fits, text before braces; with the values of its braces."""
        if depth == len(pieces):
            if node.targets:
                yield node, values
            return
        piece = pieces[depth]
        child = node.children.get(piece)
        if child is not None:
            yield from self._walk(child, pieces, depth + 1, values)
        if node.wild is not None and piece:
            yield from self._walk(node.wild, pieces, depth + 1, (*values, piece))


def _any_of(methods: tuple[str, ...]) -> str:
    *others, last = methods
    return f"{', '.join(others)} or {last}" if others else last


def _allowed(nodes: Iterable[_Node[Any]]) -> tuple[str, ...]:
    methods = {"OPTIONS"}
    for node in nodes:
        methods.update(node.targets)
    if "GET" in methods:
        methods.add("HEAD")
    return tuple(sorted(methods))
