"""What is reckoned from spans and samples, and the pictures made of it."""

import random
import re
import shutil
import subprocess
import time
from xml.etree import ElementTree

import pytest

from coterie.call import Trace
from coterie.console.dashboard.drawing import Link, Node, chart, graph, layers, sparkline
from coterie.console.dashboard.exposition import merged
from coterie.console.dashboard.html import tag
from coterie.console.dashboard.live import Trend
from coterie.console.dashboard.traffic import edges
from coterie.console.dashboard.waterfall import steps
from coterie.console.dashboard.words import duration, rate, size, span_of_time
from tests.console.dashboard.fake import inventory, nested, row, span
from tests.engines import absent


def test_a_call_over_a_network_counts_once_as_its_caller_saw_it() -> None:
    now = time.time()
    spans = [s for n in range(50) for s in nested(now - 5, failing=n < 10)]
    found = {(e.caller, e.callee): e for e in edges(spans, now, 10, inventory())}
    edge = found["orders", "inventory"]
    assert (edge.calls, edge.failed, edge.rate) == (50, 10, 5.0)
    assert edge.median == pytest.approx(0.011)
    assert found["gateway", "orders"].calls == 50
    assert found["orders", "payments"].calls == 40
    assert (found["payments", "mail"].calls, found["payments", "mail"].declared) == (0, True)


def test_a_call_that_never_arrived_is_an_edge_by_what_was_asked_for() -> None:
    root = Trace.root()
    lost = span("users.user", root.child(), kind="client", service="orders", code="unavailable")
    (edge,) = [e for e in edges([lost], time.time(), 1, inventory()) if e.calls]
    assert (edge.caller, edge.callee, edge.failed) == ("orders", "users", 1)


def test_a_call_within_a_process_is_an_edge_and_one_within_a_service_is_none() -> None:
    root = Trace.root()
    outer = span("orders.place", root)
    inner, own = span("users.user", root.child()), span("orders.orders", root.child())
    pairs = {(e.caller, e.callee) for e in edges([outer, inner, own], time.time(), 1)}
    assert pairs == {("gateway", "orders"), ("orders", "users")}


def test_a_call_whose_cause_has_told_nothing_yet_is_not_the_gateways() -> None:
    root, now = Trace.root(), time.time()
    orphan = [span("users.user", root.child(), ended=now)]
    assert edges(orphan, now, 10) == []
    assert [e.caller for e in edges(orphan, now + 5, 10)] == ["gateway"]


def test_a_waterfall_has_every_span_once_even_where_they_go_in_circles() -> None:
    spans = nested(time.time())
    random.Random(3).shuffle(spans)  # noqa: S311  # the same each time
    found = steps(spans)
    assert found[0].span.service == "orders"
    assert [step.depth for step in found] == [0, 1, 2, 1, 2, 1, 2]
    a, b = Trace("1" * 32, "a" * 16, True, "b" * 16), Trace("1" * 32, "b" * 16, True, "a" * 16)
    self_caused = Trace("1" * 32, "c" * 16, True, "c" * 16)
    strange = [span("x.a", a), span("x.b", b), span("x.c", self_caused)]
    assert sorted(step.span.operation for step in steps(strange)) == ["x.a", "x.b", "x.c"]


def test_own_time_is_what_no_other_was_waited_for_in_parallel_too() -> None:
    root = Trace.root()
    outer = span("a.a", root, 1.0, ended=100.0)
    inner = [span("b.b", root.child(), 0.4, ended=99.6), span("b.b", root.child(), 0.4, ended=99.8)]
    assert steps([outer, *inner])[0].own == pytest.approx(0.4)


def test_a_graph_with_circles_and_leaps_is_drawn_with_every_line() -> None:
    names = [f"s{n}" for n in range(9)]
    chance = random.Random(7)  # noqa: S311  # the same each time
    pairs = list(dict.fromkeys((chance.choice(names), chance.choice(names)) for _ in range(25)))
    real = [pair for pair in pairs if pair[0] != pair[1]]
    placed = layers(names, real)
    column = {node: n for n, c in enumerate(placed.columns) for node in c}
    for a, b in real:
        assert (column[a] > column[b]) if (a, b) in placed.backward else (column[a] < column[b])
    nodes = [Node(id=name, kind="service", title=f"<{name}>") for name in names]
    links = [Link(a=a, b=b, kind="used", above="1/s", below="p50") for a, b in pairs]
    picture = ElementTree.fromstring(graph(nodes, links, "all & every"))  # noqa: S314  # our own
    assert len(picture.findall("path")) == len(real)
    places = [(float(t.attrib["x"]), float(t.attrib["y"])) for t in picture.findall("text")]
    assert len(set(places)) == len(places) == 2 * len(real)
    assert graph([], [], "none")


def test_pictures_of_nothing_and_of_strange_numbers_are_still_pictures() -> None:
    for points in ([], [1.0], [0.0] * 5, [1e300, 1.0]):
        assert "nan" not in sparkline(points, 60, "calls")
        drawn = chart([(10.0 + n, v) for n, v in enumerate(points)], 10.0, 20.0, "calls", str)
        ElementTree.fromstring(drawn)  # noqa: S314  # our own


def test_a_rate_is_over_a_second_at_least_and_survives_a_restart() -> None:
    trend = Trend()
    for calls, at in ((100, 0.0), (150, 0.1), (200, 1.0)):
        trend.note(calls, at)
    assert trend.rate == 100.0
    trend.note(10, 2.0)  # the process was started anew
    assert trend.rate == 10.0
    assert trend.sample() >= 0


def test_markup_is_what_was_built_and_text_is_text() -> None:
    inner = tag("b", "1 < 2")
    assert tag("p", inner, "<i>", None, 3, title='"a" & b', hidden=True, id=None) == (
        '<p title="&quot;a&quot; &amp; b" hidden><b>1 &lt; 2</b>&lt;i&gt;3</p>'
    )


def test_numbers_are_written_as_people_read_them() -> None:
    assert [duration(s) for s in (None, 0.0000004, 0.0123, 0.5, 1.254, 90)] == [
        "\u2013", "0 µs", "12.3 ms", "500 ms", "1.25 s", "1 m 30 s",
    ]  # fmt: skip
    assert [span_of_time(s) for s in (0, 59, 60, 3725, 200_000)] == ["0 s", "59 s", "1 m", "1 h 2 m", "2 d 7 h"]  # fmt: skip
    assert [size(n) for n in (None, 0, 900, 14_200_000, 258_000_000, 3 * 2**30)] == [
        "\u2013", "0 MiB", "0.0 MiB", "13.5 MiB", "246 MiB", "3.00 GiB",
    ]  # fmt: skip
    assert [rate(n) for n in (0.01, 0.44, 12.3, 1234.5)] == ["0", "0.4", "12", "1,234"]


def test_metrics_of_many_are_one_valid_text() -> None:
    text = (
        "# HELP h Time.\n# TYPE h histogram\n"
        'h_bucket{a="x",le="1"} 2\nh_bucket{a="x",le="+Inf"} 3\nh_sum{a="x"} 4\nh_count{a="x"} 3\n'
        "# HELP up_seconds Up.\n# TYPE up_seconds gauge\nup_seconds 5\n"
        '# HELP g G.\n# TYPE g gauge\ng{instance="mine",q="a\\"b"} 1\nnot a sample {\n'
    )
    other = text.replace("TYPE g gauge", "TYPE g counter").replace("} 3", "} 7")
    found = merged([("a-1", text.encode()), ('a"2', other.encode())], [row("a-1")]).decode()
    assert found.count("# TYPE h histogram") == found.count("# HELP h ") == 1
    assert 'h_bucket{instance="a\\"2",a="x",le="+Inf"} 7' in found
    assert 'g{instance="a-1",exported_instance="mine",q="a\\"b"} 1' in found
    assert len(re.findall(r"^g\{", found, re.MULTILINE)) == 1  # the other says it is a counter
    assert "not a sample" not in found
    tool = shutil.which("promtool")
    if tool is None:
        absent("promtool", "apt-get install prometheus")
    checked = subprocess.run([tool, "check", "metrics"], input=found, capture_output=True, text=True, check=False)  # fmt: skip
    assert checked.returncode in (0, 3), checked.stderr  # 3: names that could be better
    assert "error" not in checked.stderr.lower(), checked.stderr
