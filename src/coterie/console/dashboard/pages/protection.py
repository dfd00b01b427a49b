"""/console/protection: which breakers are open, what is left of budgets, and what policies did."""

from collections.abc import Callable, Iterable, Sequence

from coterie.console.dashboard.html import Html, joined, tag
from coterie.console.dashboard.known import Asked, Content, Known
from coterie.console.dashboard.port import Reading
from coterie.console.dashboard.protections import Done
from coterie.console.dashboard.words import NOTHING, rate
from coterie.policy import Budget

from .state import empty, process_link, state

__all__ = ["protection_page"]

_MANY = 100
_OPEN = 1.0
_HALF = 0.5

_REFUSED = {
    ("shed", "refused"),
    ("bulkhead", "refused"),
    ("breaker", "refused"),
    ("idempotency", "malformed"),
    ("idempotency", "missing"),
    ("idempotency", "differs"),
    ("idempotency", "running"),
}
_SPARED = {
    ("cache", "hit"),
    ("cache", "stale"),
    ("coalesce", "joined"),
    ("fallback", "answered"),
}
# The service gives these itself: what it answered before to the same Idempotency-Key.
_AGAIN = ("idempotency", "replayed")

_Columns = Sequence[tuple[str, str]]


async def protection_page(known: Known, _asked: Asked) -> Content:
    """How the policies stand, and what they did."""
    done = known.live.protections.done()
    states = list(known.live.protections.states())
    breakers = [(name, one) for name, one in states if one.policy == "breaker"]
    return Content(
        title="Protection",
        section="Protection",
        head=tag("h1", "Protection"),
        parts={
            "totals": _totals(breakers, done),
            "breakers": joined(tag("h2", "Breakers"), _breakers(breakers)),
            "budgets": joined(tag("h2", "Budgets and bulkheads"), _budgets(states)),
            "done": joined(tag("h2", "What policies did"), _done(done)),
        },
    )


def _totals(breakers: Sequence[tuple[str, Reading]], done: Sequence[Done]) -> Html:
    tripped = sum(one.value > 0 for _, one in breakers)
    of = tag("span", f" of {len(breakers)}", class_="quiet")
    spent = sum(one.count for one in done if (one.policy, one.what) == ("retry", "withheld"))
    return tag(
        "dl",
        _total("Breakers open", joined(str(tripped), of), "bad" if tripped else ""),
        _counted("Tried again", done, lambda one: (one.policy, one.what) == ("retry", "retried")),
        _total("Not tried again, for want of budget", f"{spent:,}"),
        _counted("Refused", done, lambda one: (one.policy, one.what) in _REFUSED),
        _counted(
            "Answered without the service", done, lambda one: (one.policy, one.what) in _SPARED
        ),
        _counted("Answered as before", done, lambda one: (one.policy, one.what) == _AGAIN),
        class_="totals",
    )


def _counted(name: str, done: Iterable[Done], meant: Callable[[Done], bool]) -> Html:
    found = [one for one in done if meant(one)]
    now = tag("span", f" {rate(sum(one.rate for one in found))}/s", class_="quiet")
    return _total(name, joined(f"{sum(one.count for one in found):,}", now))


def _total(name: str, value: Html | str, kind: str = "") -> Html:
    return tag("div", tag("dt", name), tag("dd", value), class_=f"total {kind}".rstrip())


def _breakers(found: Sequence[tuple[str, Reading]]) -> Html:
    if not found:
        return empty("No service has called another yet.")
    # What is wrong comes first.
    found = sorted(found, key=lambda each: (-each[1].value, each[1].of, each[1].name, each[0]))
    rows = [
        (process_link(one.name), _breaker(one.value), process_link(name), one.of)
        for name, one in found[:_MANY]
    ]
    columns = (("Instance", ""), ("Breaker", ""), ("Seen by", ""), ("Service", "less"))
    return _table("Breakers", columns, rows, len(found))


def _breaker(value: float) -> Html:
    if value >= _OPEN:
        return state("open", "it gets no calls")
    return state("half-open", "one call finds out") if value >= _HALF else state("closed")


def _budgets(states: Sequence[tuple[str, Reading]]) -> Html:
    ways: dict[tuple[str, str], dict[str, float]] = {}
    for name, one in states:
        if one.policy in ("retry", "bulkhead"):
            ways.setdefault((name, one.of), {})[f"{one.policy}.{one.name}"] = one.value
    if not ways:
        return empty("No service has called another yet.")
    rows = [
        (process_link(name), of, _budget(told.get("retry.tokens")), _bulkhead(told))
        for (name, of), told in sorted(ways.items())[:_MANY]
    ]
    columns = (("Calls of", ""), ("To", ""), ("Retry budget", ""), ("Under way", "number"))
    return _table("Budgets and bulkheads", columns, rows, len(ways))


def _budget(tokens: float | None) -> Html | str:
    if tokens is None:
        return NOTHING
    full = Budget().full
    left = f"{tokens:.1f} of {full:g}"
    return state("spent", left) if tokens <= full / 2 else state("enough", left)


def _bulkhead(told: dict[str, float]) -> Html | str:
    if "bulkhead.taken" not in told:
        return NOTHING
    taken, calls = told["bulkhead.taken"], told.get("bulkhead.calls", 0.0)
    waiting = told.get("bulkhead.waiting", 0.0)
    of = tag("span", f" of {calls:.0f}", class_="quiet")
    more = tag("p", f"{waiting:.0f} waiting", class_="warn-text") if waiting else None
    return joined(f"{taken:.0f}", of, more)


def _done(done: Sequence[Done]) -> Html:
    if not done:
        return empty("No policy has had to do anything yet.")
    rows = [
        (
            joined(tag("span", one.policy, class_="what"), " ", one.what),
            one.service,
            one.operation or NOTHING,
            f"{one.count:,}",
            rate(one.rate),
        )
        for one in sorted(done, key=lambda one: (-one.rate, one.policy, -one.count))[:_MANY]
    ]
    columns = (
        ("Policy", ""),
        ("Service", "less"),
        ("Operation", ""),
        ("Times", "number"),
        ("Per second", "number"),
    )
    return _table("What policies did", columns, rows, len(done))


def _table(name: str, columns: _Columns, rows: Sequence[Sequence[Html | str]], of: int) -> Html:
    head = tag("tr", *(tag("th", told, scope="col", class_=kind or None) for told, kind in columns))
    body = [
        tag(
            "tr",
            *(
                tag("td", value, class_=kind or None)
                for value, (_, kind) in zip(row, columns, strict=True)
            ),
        )
        for row in rows
    ]
    table = tag("table", tag("thead", head), tag("tbody", *body))
    region = tag("div", table, class_="scroll", tabindex=0, role="region", aria_label=name)
    if of <= len(rows):
        return region
    return joined(region, tag("p", f"{of - len(rows)} more are not shown.", class_="pager quiet"))
