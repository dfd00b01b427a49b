"""The order in which types are defined: what is named stands before who names it."""

from collections.abc import Iterable, Mapping

from .kinds import Alias, Record, spoken_of

__all__ = ["ordered"]


def ordered(types: Mapping[str, Record | Alias]) -> list[Record | Alias]:
    """``types`` so that as few as can be name one that is yet to come, and no alias ever does.

    Structs that name each other in a circle cannot all stand after the others.
    """
    edges = {name: sorted(spoken_of(one) & types.keys()) for name, one in types.items()}
    made: list[Record | Alias] = []
    for circle in _circles(edges):
        structs = [name for name in types if name in circle and isinstance(types[name], Record)]
        made += [types[name] for name in structs]
        aliases = {name: edges[name] for name in sorted(circle) if name not in structs}
        inside = {name: [n for n in to if n in aliases] for name, to in aliases.items()}
        made += [types[name] for part in _circles(inside) for name in part]
    return made


def _circles(edges: Mapping[str, Iterable[str]]) -> list[set[str]]:
    """Groups of names that reach each other, those that are reached first.

    Source: R. Tarjan, Depth-first search and linear graph algorithms (1972), without recursion.
    """
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[set[str]] = []
    done: set[str] = set()
    for root in edges:
        waiting = [] if root in number else [(root, iter(edges[root]))]
        if waiting:
            number[root] = lowest[root] = len(number)
            stack.append(root)
        while waiting:
            name, rest = waiting[-1]
            following = next((n for n in rest if n not in done), None)
            if following is None:
                waiting.pop()
                if waiting:
                    above = waiting[-1][0]
                    lowest[above] = min(lowest[above], lowest[name])
                if lowest[name] == number[name]:
                    place = stack.index(name)
                    found.append(set(stack[place:]))
                    done |= found[-1]
                    del stack[place:]
            elif following in number:
                lowest[name] = min(lowest[name], number[following])
            else:
                number[following] = lowest[following] = len(number)
                stack.append(following)
                waiting.append((following, iter(edges[following])))
    return found
