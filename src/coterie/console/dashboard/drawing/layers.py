"""layers(): where the nodes of a graph go, so that edges run from left to right and rarely cross."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

__all__ = ["Placed", "layers"]

_SWEEPS = 6


class Placed(Struct, frozen=True):
    """Columns from left to right, each with its nodes from top to bottom.

    Where an edge leaves out columns, a stand-in named ``(edge, number of column)`` keeps room for
    it there. ``backward`` are the edges that run from right to left.
    """

    columns: tuple[tuple[object, ...], ...]
    backward: frozenset[tuple[str, str]]


def layers(nodes: Sequence[str], edges: Iterable[tuple[str, str]]) -> Placed:
    """Place ``nodes``, in an order that is the same for the same graph.

    Sugiyama's method: edges that close a circle are turned, each node goes one column right of
    its last caller, and columns are sorted by the mean place of their neighbours.
    """
    known = list(dict.fromkeys(edges))
    backward = _backward(nodes, known)
    forward = [edge for edge in known if edge not in backward and edge[0] != edge[1]]
    turned = [(b, a) for a, b in backward]
    depth = _depths(nodes, forward + turned)
    columns: list[list[object]] = [[] for _ in range(max(depth.values(), default=0) + 1)]
    for node in nodes:
        columns[depth[node]].append(node)
    short: list[tuple[object, object]] = []
    for edge in forward:
        before: object = edge[0]
        for column in range(depth[edge[0]] + 1, depth[edge[1]]):
            stand_in = (edge, column)
            columns[column].append(stand_in)
            short.append((before, stand_in))
            before = stand_in
        short.append((before, edge[1]))
    _sort(columns, short)
    return Placed(tuple(tuple(column) for column in columns), backward)


def _backward(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """The edges that lead back to a node from which one came."""
    following: dict[str, list[str]] = {node: [] for node in nodes}
    for a, b in edges:
        following[a].append(b)
    done: set[str] = set()
    found: set[tuple[str, str]] = set()
    for first in nodes:
        if first in done:
            continue
        path = [first]
        open_ = {first}
        rest = [iter(following[first])]
        while path:
            after = next(rest[-1], None)
            if after is None:
                done.add(path[-1])
                open_.discard(path.pop())
                rest.pop()
            elif after in open_:
                found.add((path[-1], after))
            elif after not in done:
                path.append(after)
                open_.add(after)
                rest.append(iter(following[after]))
    return frozenset(edge for edge in found if edge[0] != edge[1])


def _depths(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    depth = dict.fromkeys(nodes, 0)
    # No circle is left, so the longest path has fewer edges than there are nodes.
    for _ in nodes:
        moved = False
        for a, b in edges:
            if depth[b] <= depth[a]:
                depth[b] = depth[a] + 1
                moved = True
        if not moved:
            break
    return depth


def _sort(columns: list[list[object]], edges: Sequence[tuple[object, object]]) -> None:
    before: dict[object, list[object]] = {}
    after: dict[object, list[object]] = {}
    for a, b in edges:
        after.setdefault(a, []).append(b)
        before.setdefault(b, []).append(a)
    for sweep in range(_SWEEPS):
        to_right = sweep % 2 == 0
        neighbours = before if to_right else after
        for column in columns if to_right else columns[::-1]:
            place = {node: share for row in columns for node, share in _shares(row)}
            column.sort(key=lambda node: _mean(place, neighbours.get(node, [node])))


def _shares(column: Sequence[object]) -> list[tuple[object, float]]:
    return [(node, (number + 0.5) / len(column)) for number, node in enumerate(column)]


def _mean(place: dict[object, float], nodes: Sequence[object]) -> float:
    return sum(place[node] for node in nodes) / len(nodes)
