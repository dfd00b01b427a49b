"""/console/traces/<trace_id>: one call and all that it caused."""

import re
from collections import Counter
from collections.abc import Sequence

from coterie.console.dashboard.drawing import Bar, bar
from coterie.console.dashboard.html import Html, joined, tag
from coterie.console.dashboard.known import Asked, Content, Known
from coterie.console.dashboard.line import Line
from coterie.console.dashboard.port import Note, Span
from coterie.console.dashboard.records import lines_of, spans_of
from coterie.console.dashboard.waterfall import Step, steps
from coterie.console.dashboard.words import day_and_time, duration, short_id

from .missing import missing_page
from .state import SHADES, code, empty, line_row

__all__ = ["trace_page"]

_ID = re.compile(r"[0-9a-f]{32}")
_DEEPEST = 12


async def trace_page(known: Known, asked: Asked) -> Content:
    """A waterfall of spans, and the log lines of the same trace."""
    trace_id = asked.rest
    other = tag("a", "See the recent ones", href="/console/traces")
    if _ID.fullmatch(trace_id) is None:
        return missing_page("A trace's id has 32 hexadecimal digits", "Traces", other)
    spans = await known.history.read(lambda database: spans_of(database, trace_id))
    lines = await known.history.read(lambda database: lines_of(database, trace_id))
    if not spans and not lines:
        return missing_page(f"No span and no line of trace {trace_id} is kept", "Traces", other)
    found = steps(spans)
    return Content(
        title=f"Trace {short_id(trace_id)}",
        section="Traces",
        head=_head(trace_id, spans, found),
        # A trace may go on while it is looked at.
        parts={"waterfall": _waterfall(spans, found), "lines": _lines(lines)},
    )


def _head(trace_id: str, spans: Sequence[Span], found: Sequence[Step]) -> Html:
    title = found[0].span.operation if found else "Trace"
    facts: list[tuple[str, Html | str]] = [
        ("Trace", tag("span", trace_id, class_="mono breakable"))
    ]
    if spans:
        begin, end = _whole(spans)
        failed = sum(span.code is not None for span in spans)
        services = list(dict.fromkeys(step.span.service for step in found))
        facts += [
            ("Began", day_and_time(begin)),
            ("Took", duration(end - begin)),
            ("Ended", code(found[0].span.code)),
            ("Spans", f"{len(spans)}" + (f", {failed} failed" if failed else "")),
            ("Services", ", ".join(services)),
        ]
    back = tag("p", tag("a", "Traces", href="/console/traces"), class_="crumbs")
    listed = [tag("div", tag("dt", name), tag("dd", value)) for name, value in facts]
    return joined(back, tag("h1", title), tag("dl", *listed, class_="facts"))


def _whole(spans: Sequence[Span]) -> tuple[float, float]:
    return min(span.began for span in spans), max(span.ended for span in spans)


def _waterfall(spans: Sequence[Span], found: Sequence[Step]) -> Html:
    if not found:
        return empty("No span of this trace is kept; only lines that name it.")
    begin, end = _whole(spans)
    whole = max(end - begin, 1e-9)
    scale = tag(
        "span",
        *(tag("span", duration(whole * share) if share else "0") for share in (0, 0.25, 0.5, 0.75)),
        tag("span", duration(whole)),
        class_="scale",
    )
    head = tag(
        "tr",
        tag("th", "Call", scope="col"),
        tag("th", scale, scope="col", class_="bars", aria_label="Time"),
        tag("th", "Took", scope="col", class_="number"),
        tag("th", "Itself", scope="col", class_="number less"),
        tag("th", "Ended", scope="col"),
    )
    # Told apart within this trace: so each of the first six services has a colour of its own.
    names = list(dict.fromkeys(step.span.service for step in found))
    shades = {name: f"shade{number % SHADES}" for number, name in enumerate(names)}
    rows = [_row(step, begin, whole, shades[step.span.service]) for step in found]
    table = tag("table", tag("thead", head), tag("tbody", *rows), class_="waterfall")
    return tag("div", table, class_="scroll", tabindex=0, role="region", aria_label="Spans")


def _row(step: Step, begin: float, whole: float, shade: str) -> Html:
    span = step.span

    def share(at: float) -> float:
        return min(1.0, max(0.0, (at - begin) / whole))

    kind = "failed" if span.code is not None else f"{span.kind} {shade}"
    drawn = Bar(share(span.began), share(span.ended), kind)
    waits = tuple((share(a), share(b)) for a, b in step.waits)
    name = tag(
        "div",
        tag("span", span.operation, class_="what"),
        tag("span", f"{span.service} {span.kind}", class_=f"quiet {shade}"),
        *_deeds(span.notes),
        class_=f"depth d{min(step.depth, _DEEPEST)}",
    )
    return tag(
        "tr",
        tag("td", name),
        tag("td", bar(drawn, waits), class_="bars"),
        tag("td", duration(span.seconds), class_="number"),
        tag("td", duration(step.own), class_="number less quiet"),
        tag("td", code(span.code)),
        data_key=f"{span.span_id}-{span.kind}",
    )


def _deeds(notes: Sequence[Note]) -> list[Html]:
    """What policies did to a call, a line each; what they did several times, once."""
    times = Counter((n.policy, n.what, n.detail) for n in notes)
    return [
        tag(
            "span",
            f"{policy} {what}",
            f" \u00d7{number}" if number > 1 else None,
            f": {detail}" if detail else None,
            class_="deed",
        )
        for (policy, what, detail), number in times.items()
    ]


def _lines(lines: Sequence[Line]) -> Html:
    body = (
        tag("ol", *map(line_row, lines), class_="log short")
        if lines
        else empty("No line names this trace.")
    )
    return tag("section", tag("h2", "Log"), body, class_="panel")
