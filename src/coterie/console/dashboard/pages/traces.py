"""/console/traces: the calls that came in lately, and how they ended."""

from collections.abc import Sequence
from urllib.parse import urlencode

from coterie.console.dashboard.html import Html, joined, tag
from coterie.console.dashboard.known import Asked, Content, Known
from coterie.console.dashboard.records import TraceEntry, TraceFilter, latest_traces
from coterie.console.dashboard.words import clock, duration, short_id

from .state import code, empty

__all__ = ["traces_page"]

_MANY = 50
_LONGEST = 100


async def traces_page(known: Known, asked: Asked) -> Content:
    """Recent traces by their roots, with a filter."""
    wanted = _filter(asked)
    found = await known.history.read(lambda database: latest_traces(database, wanted, _MANY))
    services: dict[str, None] = {}
    catalogue = await known.live.catalogue()
    if catalogue is not None:
        services |= dict.fromkeys(service.name for service in catalogue.inventory.services)
    services |= dict.fromkeys(name for row in known.live.held for name in row.services)
    if wanted.service:
        services.setdefault(wanted.service)
    head = joined(tag("h1", "Traces"), _form(wanted, asked, list(services)))
    return Content(
        title="Traces",
        section="Traces",
        head=head,
        parts={"traces": joined(_list(found, asked), _lost(known.live.spans_lost))},
    )


def _filter(asked: Asked) -> TraceFilter:
    query = asked.query
    return TraceFilter(
        service=query.get("service", "")[:_LONGEST],
        operation=query.get("operation", "").strip()[:_LONGEST],
        errors=query.get("errors", "") not in ("", "0"),
        seconds=max(0.0, _number(query.get("ms", ""), 0.0)) / 1000,
        before=_number(query["before"], 0.0) if "before" in query else None,
    )


def _number(text: str, otherwise: float) -> float:
    try:
        number = float(text)
    except ValueError:
        return otherwise
    return number if abs(number) < 1e12 else otherwise  # neither infinite nor no number


def _form(wanted: TraceFilter, asked: Asked, services: Sequence[str]) -> Html:
    options = [tag("option", "All services", value="")]
    options += [
        tag("option", name, value=name, selected=name == wanted.service) for name in services
    ]
    least = f"{wanted.seconds * 1000:g}" if wanted.seconds else ""
    return tag(
        "form",
        tag("label", tag("span", "Service"), tag("select", *options, name="service")),
        tag(
            "label",
            tag("span", "Operation"),
            tag("input", name="operation", value=wanted.operation, placeholder="place", size=16),
        ),
        tag(
            "label",
            tag("span", "At least, ms"),
            tag("input", name="ms", value=least, inputmode="decimal", size=6, placeholder="0"),
        ),
        tag(
            "label",
            tag("input", type="checkbox", name="errors", value="1", checked=wanted.errors),
            tag("span", "Failed only"),
            class_="check",
        ),
        tag("button", "Filter"),
        tag("a", "Clear", href=asked.path, class_="quiet") if asked.query else None,
        class_="filter",
        role="search",
    )


def _list(found: Sequence[TraceEntry], asked: Asked) -> Html:
    if not found:
        if asked.query:
            return empty("No call that is remembered matches this filter.")
        return empty("No call has been seen yet. Make one: ", tag("code", "coterie call"), ".")
    longest = max(entry.seconds for entry in found)
    columns = (
        ("Time", ""),
        ("Call", ""),
        ("Through", "less"),
        ("Spans", "number less"),
        ("Took", "took"),
        ("Ended", ""),
        ("Trace", "least"),
    )
    head = tag("tr", *(tag("th", name, scope="col", class_=kind or None) for name, kind in columns))
    rows = [_row(entry, longest) for entry in found]
    table = tag("table", tag("thead", head), tag("tbody", *rows), class_="traces")
    older = None
    if len(found) == _MANY:
        query = {name: value for name, value in asked.query.items() if name != "before"}
        address = f"{asked.path}?{urlencode({**query, 'before': repr(found[-1].ended)})}"
        older = tag("p", tag("a", "Older", href=address, rel="next"), class_="pager")
    region = tag("div", table, class_="scroll", tabindex=0, role="region", aria_label="Traces")
    return joined(region, older)


def _lost(number: int) -> Html | None:
    if not number:
        return None
    told = f"{number:,} more calls ended too quickly one after another to be remembered."
    return tag("p", told, class_="pager quiet")


def _row(entry: TraceEntry, longest: float) -> Html:
    share = entry.seconds / longest if longest > 0 else 0.0
    length = tag(
        "svg",
        tag("rect", width=f"{max(1.0, share * 100):.1f}", height=4, rx=2),
        viewBox="0 0 100 4", width=100, height=4, preserveAspectRatio="none",
        class_=f"length {'bad' if entry.failed else ''}".rstrip(), aria_hidden="true",
    )  # fmt: skip
    ended = code(entry.code)
    if entry.failed and entry.code is None:
        ended = joined(ended, tag("span", "failed inside", class_="code warn"))
    call = tag("a", entry.operation, href=f"/console/traces/{entry.trace_id}", class_="what")
    path = [tag("li", name) for name in entry.services]
    return tag(
        "tr",
        tag("td", clock(entry.ended), class_="at"),
        tag("td", call),
        tag("td", tag("ol", *path, class_="path"), class_="less"),
        tag("td", entry.spans, class_="number less"),
        tag("td", tag("span", duration(entry.seconds), class_="figure"), length, class_="took"),
        tag("td", ended),
        tag("td", tag("span", short_id(entry.trace_id), class_="mono quiet"), class_="least"),
        data_key=entry.trace_id,
    )
