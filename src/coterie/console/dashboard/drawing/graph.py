"""graph(): nodes and what passes between them, as a picture."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from coterie.console.dashboard.html import Html, tag

from .layers import Placed, layers

__all__ = ["Link", "Node", "graph"]

_WIDTH = 156
_HEIGHT = 56
_GAP = 206  # between two columns: room for a curve, then for a label on a straight line
_LABEL = 140
_DOWN = 26
_MARGIN = 20
_THIN = 30
_PORT = 36  # between two lines that end at one node
_HEAD = 7
_FITTING = 5  # columns that are still readable when they are made to fit

_Edge = tuple[str, str]
_Point = tuple[float, float]


class Node(Struct, frozen=True, kw_only=True):
    """``kind`` is service, gateway, broker or database; ``state`` colours its dot, if any."""

    id: str
    kind: str
    title: str
    line: str = ""
    state: str = ""
    href: str = ""


class Link(Struct, frozen=True, kw_only=True):
    """From ``a`` to ``b``; ``kind`` is used, failing, idle, declared or data.

    ``above`` and ``below`` are written at its line.
    """

    a: str
    b: str
    kind: str
    above: str = ""
    below: str = ""


class _Box(Struct):
    x: float
    y: float
    height: float

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


def graph(nodes: Sequence[Node], links: Sequence[Link], what: str) -> Html:
    """The picture; ``what`` is its name for those who do not see it.

    Every line ends at a place of its own at the edge of its node, so that no label lies upon
    another.
    """
    ids = {node.id for node in nodes}
    links = [link for link in links if link.a in ids and link.b in ids and link.a != link.b]
    placed = layers([node.id for node in nodes], [(link.a, link.b) for link in links])
    forward = [link for link in links if (link.a, link.b) not in placed.backward]
    backward = [link for link in links if (link.a, link.b) in placed.backward]
    boxes, bottom = _boxes(placed, forward)
    paths = {(link.a, link.b): _stations(link, placed) for link in forward}
    starts = _ports(boxes, ((path[0], path[1], edge) for edge, path in paths.items()))
    ends = _ports(boxes, ((path[-1], path[-2], edge) for edge, path in paths.items()))
    lines: list[Html] = []
    labels: list[Html] = []
    for link in forward:
        edge = (link.a, link.b)
        between = [boxes[station] for station in paths[edge][1:-1]]
        end = (boxes[link.b].x - _HEAD, ends[edge])
        lines.append(_line(link, _forward((boxes[link.a].x + _WIDTH, starts[edge]), between, end)))
        labels += _labels(link, end[0] - _LABEL / 2, end[1])
    for number, link in enumerate(backward, 1):
        deep = bottom + number * _PORT
        drawn, middle = _backward(boxes[link.a], boxes[link.b], deep)
        lines.append(_line(link, drawn))
        labels += _labels(link, middle, deep)
    width = 2 * _MARGIN + len(placed.columns) * (_WIDTH + _GAP) - _GAP
    height = bottom + _MARGIN + len(backward) * _PORT
    shapes = [_node(node, boxes[node.id]) for node in nodes]
    kind = "graph wide" if len(placed.columns) > _FITTING else "graph"
    return tag(
        "svg", _arrows(), *lines, *shapes, *labels, class_=kind,
        viewBox=f"0 0 {width} {height:.0f}", width=width, height=f"{height:.0f}",
        role="group", aria_label=what,
    )  # fmt: skip


def _boxes(placed: Placed, links: Sequence[Link]) -> tuple[dict[object, _Box], float]:
    """Where each node and stand-in is, and how deep the lowest reaches."""
    arriving: dict[object, int] = {}
    leaving: dict[object, int] = {}
    for link in links:
        arriving[link.b] = arriving.get(link.b, 0) + 1
        leaving[link.a] = leaving.get(link.a, 0) + 1

    def tall(node: object) -> float:
        if not isinstance(node, str):
            return _THIN
        return max(_HEIGHT, _PORT * arriving.get(node, 0) + 8, 14 * leaving.get(node, 0) + 8)

    heights = [sum(map(tall, c)) + _DOWN * (len(c) - 1) for c in placed.columns]
    whole = max(heights, default=0)
    found: dict[object, _Box] = {}
    for number, (column, height) in enumerate(zip(placed.columns, heights, strict=True)):
        y = _MARGIN + (whole - height) / 2
        for node in column:
            found[node] = _Box(_MARGIN + number * (_WIDTH + _GAP), y, tall(node))
            y += tall(node) + _DOWN
    return found, _MARGIN + whole


def _stations(link: Link, placed: Placed) -> list[object]:
    """The node where ``link`` begins, the stand-ins it passes, and the node where it ends."""
    edge = (link.a, link.b)
    found: list[object] = [link.a]
    for column in placed.columns:
        found += [node for node in column if isinstance(node, tuple) and node[0] == edge]
    return [*found, link.b]


def _ports(
    boxes: Mapping[object, _Box], ends: Iterable[tuple[object, object, _Edge]]
) -> dict[_Edge, float]:
    """How high each edge meets its node: in the order in which they come from, or go."""
    meeting: dict[object, list[tuple[float, _Edge]]] = {}
    for node, other, edge in ends:
        meeting.setdefault(node, []).append((boxes[other].middle, edge))
    found: dict[_Edge, float] = {}
    for node, edges in meeting.items():
        box = boxes[node]
        step = box.height / len(edges)
        for number, (_, edge) in enumerate(sorted(edges)):
            found[edge] = box.y + step * (number + 0.5)
    return found


def _forward(begin: _Point, between: Sequence[_Box], end: _Point) -> str:
    path = f"M{begin[0]:.0f},{begin[1]:.1f}"
    x, y = begin
    for to_x, to_y, further in (
        *((box.x - _LABEL, box.middle, box.x + _WIDTH) for box in between),
        (end[0] - _LABEL, end[1], end[0]),
    ):
        middle = (x + to_x) / 2
        path += (
            f" C{middle:.0f},{y:.1f} {middle:.0f},{to_y:.1f} {to_x:.0f},{to_y:.1f} H{further:.0f}"
        )
        x, y = further, to_y
    return path


def _backward(a: _Box, b: _Box, deep: float) -> tuple[str, float]:
    """A line below everything, back to the left, and the middle of it."""
    begin, end = a.x + _WIDTH * 0.6, b.x + _WIDTH * 0.4
    path = (
        f"M{begin:.0f},{a.y + a.height:.1f} V{deep - 12:.1f}"
        f" Q{begin:.0f},{deep:.1f} {begin - 12:.0f},{deep:.1f} H{end + 12:.0f}"
        f" Q{end:.0f},{deep:.1f} {end:.0f},{deep - 12:.1f} V{b.y + b.height + _HEAD:.1f}"
    )
    return path, (begin + end) / 2


def _line(link: Link, path: str) -> Html:
    head = None if link.kind == "data" else f"url(#end-{link.kind})"
    return tag("path", d=path, class_=f"link {link.kind}", marker_end=head)


def _labels(link: Link, x: float, y: float) -> list[Html]:
    return [
        tag("text", text, x=f"{x:.0f}", y=f"{y + down:.1f}", class_=f"label {kind} {link.kind}")
        for text, down, kind in ((link.above, -5, "above"), (link.below, 13, "below"))
        if text
    ]


def _node(node: Node, box: _Box) -> Html:
    x, y, height = box.x, box.y, box.height
    if node.kind == "database":
        half = _WIDTH / 2
        d = (
            f"M{x} {y + 8} a{half} 8 0 0 1 {_WIDTH} 0 v{height - 16}"
            f" a{half} 8 0 0 1 -{_WIDTH} 0 Z M{x} {y + 8} a{half} 8 0 0 0 {_WIDTH} 0"
        )
        shape = tag("path", d=d, class_="box")
    else:
        shape = tag("rect", x=x, y=y, width=_WIDTH, height=height, rx=8, class_="box")
    first = box.middle + (5 if not node.line else -3) + (5 if node.kind == "database" else 0)
    left = x + (31 if node.state else 16)
    parts = [
        tag("title", f"{node.title}: {node.line}" if node.line else node.title),
        shape,
        tag("circle", cx=x + 18, cy=first - 5, r=4.5, class_=f"dot {node.state}")
        if node.state
        else None,
        tag("text", _cut(node.title, 15), x=left, y=first, class_="title"),
        tag("text", _cut(node.line, 21), x=left, y=first + 18, class_="line"),
    ]
    drawn = tag("g", *parts, class_=f"node {node.kind}")
    return tag("a", drawn, href=node.href) if node.href else drawn


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _arrows() -> Html:
    return tag(
        "defs",
        *(
            tag(
                "marker", tag("path", d="M0 0L8 4L0 8Z"), id=f"end-{kind}", class_=f"end {kind}",
                viewBox="0 0 8 8", refX=1, refY=4, markerWidth=8, markerHeight=8, orient="auto",
                markerUnits="userSpaceOnUse",
            )
            for kind in ("used", "failing", "idle", "declared")
        ),
    )  # fmt: skip
