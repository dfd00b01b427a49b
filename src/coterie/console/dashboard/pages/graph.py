"""/console/graph: who calls whom, how often, how fast and how well."""

import sqlite3
import time
from collections.abc import Collection, Sequence

from coterie.console.control import Catalogue
from coterie.console.dashboard.drawing import Link, Node, graph
from coterie.console.dashboard.html import Html, joined, tag
from coterie.console.dashboard.known import Asked, Content, Known
from coterie.console.dashboard.records import latest_spans
from coterie.console.dashboard.traffic import OUTSIDE, Edge, edges
from coterie.console.dashboard.words import duration, rate, span_of_time
from coterie.console.row import Row

from .state import empty, tone

__all__ = ["graph_page"]

_WINDOW = 300.0
_MOST = 20_000


async def graph_page(known: Known, _asked: Asked) -> Content:
    """The system as a picture, and the same as a table."""
    catalogue = await known.live.catalogue()

    def look(database: sqlite3.Connection) -> tuple[list[Edge], float]:
        now = time.time()
        spans = latest_spans(database, now - _WINDOW, _MOST)
        # What is kept may reach back less far: then that is what the rates are of.
        full = len(spans) == _MOST
        seconds = max(1.0, now - min(s.ended for s in spans)) if full else _WINDOW
        inventory = catalogue.inventory if catalogue is not None else None
        seen = catalogue.seen if catalogue is not None else ()
        return edges(spans, now, seconds, inventory, seen), seconds

    found, seconds = await known.history.read(look)
    rows = known.live.held
    nodes = _nodes(rows, catalogue, found, known)
    if not nodes:
        body = empty("No service is known yet.")
    else:
        links = [_link(edge) for edge in found] + [
            Link(a=service, b=f"database:{kept}", kind="data")
            for service, kept in known.databases.items()
        ]
        picture = graph(nodes, links, f"The system {known.title}: who calls whom")
        frame = tag(
            "div", picture, class_="scroll picture", tabindex=0, role="region", aria_label="Graph"
        )
        body = joined(frame, _legend({link.kind for link in links}), _table(found))
    lead = (
        f"Calls of the last {span_of_time(seconds)}, from the spans of every process;"
        " of busy ones, from some of them."
    )
    return Content(
        title="Graph",
        section="Graph",
        head=joined(tag("h1", "Graph"), tag("p", lead, class_="lead")),
        parts={"graph": body},
    )


def _nodes(
    rows: Sequence[Row], catalogue: Catalogue | None, found: Sequence[Edge], known: Known
) -> list[Node]:
    names = [OUTSIDE] if any(row.kind == "gateway" for row in rows) else []
    if catalogue is not None:
        names += [service.name for service in catalogue.inventory.services]
    names += [name for row in rows if row.kind == "service" for name in row.services]
    names += [name for edge in found for name in (edge.caller, edge.callee)]
    nodes = [_node(name, rows, known) for name in dict.fromkeys(names)]
    nodes += [
        Node(id=f"database:{kept}", kind="database", title=kept)
        for kept in dict.fromkeys(known.databases.values())
    ]
    nodes += [
        Node(id=f"broker:{row.name}", kind="broker", title=row.name, line=row.version,
             state=tone(row.state), href=f"/console/processes/{row.name}")
        for row in rows
        if row.kind == "broker"
    ]  # fmt: skip
    return nodes


def _node(name: str, rows: Sequence[Row], known: Known) -> Node:
    edge = name == OUTSIDE
    own = [row for row in rows if (row.kind == "gateway" if edge else name in row.services)]
    up = [row for row in own if row.state == "up"]
    if not own:
        return Node(id=name, kind="service", title=name, line="no process", state="idle")
    worst = next((row.state for row in own if tone(row.state) == "bad"), own[0].state)
    shown = "up" if len(up) == len(own) else worst if worst != "up" else "starting"
    calls = sum(known.live.trends[row.name].rate for row in own if row.name in known.live.trends)
    number = f"{len(up)} of {len(own)} up" if len(own) > 1 or not up else ""
    line = " · ".join(part for part in (number, "" if edge else f"{rate(calls)}/s") if part)
    return Node(
        id=name,
        kind="gateway" if edge else "service",
        title=name,
        line=line or own[0].version or "edge",
        state=tone(shown),
        href="" if edge else f"/console/traces?service={name}",
    )


def _link(edge: Edge) -> Link:
    if edge.calls == 0:
        kind = "declared" if edge.declared else "idle"
        return Link(a=edge.caller, b=edge.callee, kind=kind)
    above = f"{rate(edge.rate)}/s"
    if edge.failed:
        above += f" · {edge.failed / edge.calls:.1%} failed"
    below = f"p50 {duration(edge.median)} · p95 {duration(edge.p95)}"
    kind = "failing" if edge.failed else "used"
    return Link(a=edge.caller, b=edge.callee, kind=kind, above=above, below=below)


def _legend(kinds: Collection[str]) -> Html:
    items = (
        ("used", "called"),
        ("failing", "with failures"),
        ("idle", "seen before"),
        ("declared", "declared, not seen"),
        ("data", "keeps its data in"),
    )
    return tag(
        "ul",
        *(
            tag(
                "li",
                tag(
                    "svg",
                    tag("path", d="M0 6H28", class_=f"link {kind}"),
                    width=28, height=12, viewBox="0 0 28 12", aria_hidden="true",
                ),
                told,
            )
            for kind, told in items
            if kind in kinds
        ),
        class_="legend",
        aria_label="Lines",
    )  # fmt: skip


def _table(found: Sequence[Edge]) -> Html | None:
    if not found:
        return None
    columns = ("Caller", "Called", "Calls per second", "Calls", "Failed", "p50", "p95")
    head = tag(
        "tr",
        *(
            tag("th", c, scope="col", class_="number" if n > 1 else None)
            for n, c in enumerate(columns)
        ),
    )
    rows = [
        tag(
            "tr",
            tag("td", edge.caller),
            tag("td", edge.callee),
            tag("td", rate(edge.rate) if edge.calls else _unseen(edge), class_="number"),
            tag("td", f"{edge.calls:,}", class_="number"),
            tag("td", f"{edge.failed:,}", class_="number bad-text" if edge.failed else "number"),
            tag("td", duration(edge.median), class_="number"),
            tag("td", duration(edge.p95), class_="number"),
        )
        for edge in found
    ]
    table = tag("table", tag("thead", head), tag("tbody", *rows))
    return tag("div", table, class_="scroll", tabindex=0, role="region", aria_label="Calls")


def _unseen(edge: Edge) -> str:
    return "declared only" if edge.declared else "seen before"
