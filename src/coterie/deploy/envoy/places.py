"""The places that paths lead to: templates, and where two of them meet."""

from collections.abc import Iterable, Sequence

from coterie.members.gateway import Route

__all__ = ["Place", "places"]

Shape = tuple[str, ...]
"""The segments of a template; the empty braces ``{}`` for any segment that is not empty."""

_ANY = "{}"


class Place:
    """Paths that fit ``shape`` and none before it; ``routes`` are all that fit them, best first."""

    def __init__(self, shape: Shape, routes: Sequence[Route]) -> None:
        self.shape = shape
        self.routes = tuple(routes)

    @property
    def services(self) -> tuple[str, ...]:
        """The services that answer here."""
        return tuple(dict.fromkeys(route.service for route in self.routes))

    @property
    def allowed(self) -> tuple[str, ...]:
        """The methods of these paths, as `coterie.binding.rest.Router` tells them."""
        methods = {"OPTIONS", *(route.method for route in self.routes)}
        if "GET" in methods:
            methods.add("HEAD")
        return tuple(sorted(methods))

    def __repr__(self) -> str:
        return f"<place /{'/'.join(self.shape)}: {', '.join(r.operation for r in self.routes)}>"


def places(routes: Iterable[Route]) -> tuple[Place, ...]:
    """Every place of ``routes``, so sorted that the first that fits a path is its own.

    Text goes before braces, from left to right, as in `coterie.binding.rest.Router`. Where there
    are ``/a/{x}`` and ``/{y}/b``, ``/a/b`` is a place too: there, both count.
    """
    shapes: dict[Shape, list[Route]] = {}
    for route in routes:
        shapes.setdefault(_shape(route.path), []).append(route)
    found = []
    for point in sorted(_closed(shapes), key=_specific):
        fitting = sorted((s for s in shapes if _within(point, s)), key=_specific)
        found.append(Place(point, _best(route for shape in fitting for route in shapes[shape])))
    return tuple(found)


def _shape(path: str) -> Shape:
    return tuple(_ANY if piece.startswith("{") else piece for piece in path.split("/")[1:])


def _specific(shape: Shape) -> tuple[tuple[bool, str], ...]:
    return tuple((piece == _ANY, piece) for piece in shape)


def _best(routes: Iterable[Route]) -> list[Route]:
    """The first of each method."""
    best: dict[str, Route] = {}
    for route in routes:
        best.setdefault(route.method, route)
    return list(best.values())


def _within(one: Shape, other: Shape) -> bool:
    """Whether each path that fits ``one`` fits ``other`` too."""
    return len(one) == len(other) and all(
        b in (a, _ANY) and not (b == _ANY and a == "") for a, b in zip(one, other, strict=True)
    )


def _closed(shapes: Iterable[Shape]) -> set[Shape]:
    """``shapes``, and all that two of them have in common."""
    closed = set(shapes)
    fresh = list(closed)
    while fresh:
        one = fresh.pop()
        for other in list(closed):
            meeting = _meeting(one, other)
            if meeting is not None and meeting not in closed:
                closed.add(meeting)
                fresh.append(meeting)
    return closed


def _meeting(one: Shape, other: Shape) -> Shape | None:
    if len(one) != len(other):
        return None
    pieces = []
    for a, b in zip(one, other, strict=True):
        if a == b or (b == _ANY and a):
            pieces.append(a)
        elif a == _ANY and b:
            pieces.append(b)
        else:
            return None
    return tuple(pieces)
