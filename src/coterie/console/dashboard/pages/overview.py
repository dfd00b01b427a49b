"""/console: every process of the system, and what went wrong lately."""

from collections.abc import Sequence

from coterie.console.control import Catalogue
from coterie.console.dashboard.drawing import sparkline
from coterie.console.dashboard.html import Html, joined, tag
from coterie.console.dashboard.known import Asked, Content, Known
from coterie.console.dashboard.live import POINTS, Live
from coterie.console.dashboard.records import LineFilter, TraceFilter, latest_lines, latest_traces
from coterie.console.dashboard.words import NOTHING, ago, duration, rate, size, span_of_time
from coterie.console.row import Row

from .state import code, empty, line_row, process_link, state, tone

__all__ = ["overview_page"]

_FEW = 6
_WARNING = 30
_COLUMNS = (
    ("Process", ""),
    ("State", ""),
    ("Calls/s", "wide-number"),
    ("In flight", "number less"),
    ("Memory", "number"),
    ("Restarts", "number less"),
    ("Running for", "number less"),
    ("Version", "less"),
    ("Address", "least"),
)


async def overview_page(known: Known, _asked: Asked) -> Content:
    """The system at a glance."""
    live = known.live
    catalogue = await live.catalogue()
    failures = await known.history.read(
        lambda database: latest_traces(database, TraceFilter(errors=True), _FEW)
    )
    lines = await known.history.read(
        lambda database: latest_lines(database, LineFilter(level=_WARNING, heads=True), _FEW)
    )
    failed = [
        tag(
            "li",
            tag("a", f"{entry.operation}", href=f"/console/traces/{entry.trace_id}", class_="what"),
            code(entry.code) if entry.code else tag("span", "failed inside", class_="code warn"),
            tag("span", duration(entry.seconds), class_="quiet number"),
            tag("span", ago(entry.ended), class_="quiet number"),
        )
        for entry in failures
    ]
    lower = tag(
        "div",
        _panel(
            "Latest failures",
            "/console/traces?errors=1",
            tag("ul", *failed, class_="rows") if failed else empty("No call has failed."),
        ),
        _panel(
            "Warnings and errors",
            "/console/logs?level=warning",
            tag("ol", *map(line_row, lines), class_="log short")
            if lines
            else empty("No process has complained."),
        ),
        class_="panels",
    )
    return Content(
        title="Overview",
        section="Overview",
        head=tag("h1", "Overview"),
        parts={"totals": _totals(live), "processes": _processes(live, catalogue), "lower": lower},
    )


def _panel(title: str, more: str, body: Html) -> Html:
    heading = tag(
        "h2", title, tag("a", "All", href=more, class_="more", aria_label=f"All: {title}")
    )
    return tag("section", heading, body, class_="panel")


def _totals(live: Live) -> Html:
    rows = live.held
    serving = [row for row in rows if row.kind == "service"]
    trends = [live.trends[row.name] for row in serving if row.name in live.trends]
    depth = max((len(trend.points) for trend in trends), default=0)
    sums = [0.0] * depth
    for trend in trends:
        for number, value in enumerate(trend.points, depth - len(trend.points)):
            sums[number] += value
    up = sum(row.state == "up" for row in rows)
    memory = sum(row.memory or 0 for row in rows)
    crashed = [row.name for row in rows if tone(row.state) == "bad"]
    calls = joined(
        rate(sum(trend.rate for trend in trends)),
        sparkline(sums, POINTS, "Calls per second, last five minutes", width=140, height=28),
    )
    return tag(
        "dl",
        _total("Calls per second", calls, "wide"),
        _total("In flight", str(sum(row.in_flight for row in serving))),
        _total(
            "Processes up",
            joined(str(up), tag("span", f" of {len(rows)}", class_="quiet")),
            "bad" if crashed else "",
        ),
        _total("Restarts", str(sum(row.restarts for row in rows))),
        _total("Memory", size(memory)),
        class_="totals",
    )


def _total(name: str, value: Html | str, kind: str = "") -> Html:
    return tag("div", tag("dt", name), tag("dd", value), class_=f"total {kind}".rstrip())


def _processes(live: Live, catalogue: Catalogue | None) -> Html:
    if not live.held:
        return empty("No process is known yet.")
    groups: dict[str, list[Row]] = {}
    for row in live.held:
        name = ", ".join(row.services) if row.kind == "service" else ""
        groups.setdefault(name, []).append(row)
    # What carries the system comes last, whatever order it was told in.
    others = groups.pop("", [])
    bodies = [_group(name, _promise(name, catalogue), rows, live) for name, rows in groups.items()]
    if others:
        bodies.append(_group("Infrastructure", "", others, live))
    head = tag(
        "tr", *(tag("th", name, scope="col", class_=kind or None) for name, kind in _COLUMNS)
    )
    table = tag("table", tag("thead", head), *bodies, class_="processes")
    return tag("div", table, class_="scroll", tabindex=0, role="region", aria_label="Processes")


def _group(name: str, promise: str, rows: Sequence[Row], live: Live) -> Html:
    up = sum(row.state == "up" for row in rows)
    rates = sum(live.trends[row.name].rate for row in rows if row.name in live.trends)
    missing = tag("span", f"{up} of {len(rows)} up", class_="code warn") if up < len(rows) else None
    title = tag(
        "th",
        tag("span", name or "No service", class_="group-name"),
        missing,
        tag("span", promise, class_="quiet promise") if promise else None,
        scope="rowgroup",
        colspan=2,
    )
    calls = rate(rates) if rows[0].kind == "service" and len(rows) > 1 else ""
    total = tag("td", calls, class_="wide-number total-rate")
    heading = tag("tr", title, total, tag("td", colspan=6), class_="group")
    return tag("tbody", heading, *(_row(row, live) for row in rows))


def _row(row: Row, live: Live) -> Html:
    calls: Html | str = NOTHING
    trend = live.trends.get(row.name)
    if trend is not None and row.kind == "service":
        line = sparkline(
            list(trend.points), POINTS, f"Calls per second of {row.name}, five minutes"
        )
        calls = tag("span", line, tag("span", rate(trend.rate), class_="figure"), class_="beside")
    values: tuple[Html | str, ...] = (
        process_link(row.name),
        state(row.state, row.note),
        calls,
        str(row.in_flight) if row.kind == "service" else NOTHING,
        size(row.memory),
        tag("span", str(row.restarts), class_="warn-text" if row.restarts else "quiet"),
        span_of_time(row.age),
        row.version or NOTHING,
        (row.address or NOTHING).removeprefix("http://"),
    )
    cells = [
        tag("td", value, class_=kind or None)
        for value, (_, kind) in zip(values, _COLUMNS, strict=True)
    ]
    return tag("tr", *cells, data_key=row.name)


def _promise(name: str, catalogue: Catalogue | None) -> str:
    if catalogue is None:
        return ""
    found = [service for service in catalogue.inventory.services if service.name == name]
    contracts = [f"{c.name} {c.version}" for service in found for c in service.contracts]
    owners = [service.owner for service in found if service.owner]
    return " · ".join([", ".join(contracts), *owners]) if contracts else ""
