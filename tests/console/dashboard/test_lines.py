"""Log lines are hostile until they are read; nothing that stands in one does anything."""

import time

import pytest

from coterie.console.dashboard.line import LEVELS, Line, read_line
from coterie.console.dashboard.pages.state import line_row
from tests.console.dashboard.conftest import Console
from tests.console.dashboard.fake import System

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize(
    ("raw", "level", "text", "trace"),
    [
        (f"2026-01-31T08:00:00.123Z GET /x 200 1.2 ms orders.place {TRACE}", "info", f"GET /x 200 1.2 ms orders.place {TRACE}", TRACE),
        (f"2026-01-31T08:00:00.123Z GET /x 503 1.2 ms - {TRACE}", "error", f"GET /x 503 1.2 ms - {TRACE}", TRACE),
        ("2026-01-31T08:00:00.123Z WARNING a.b: slow", "warning", "a.b: slow", ""),
        (f'{{"time":"x","level":"error","logger":"a","message":"no\\nmore","trace_id":"{TRACE}"}}', "error", "a: no\nmore", TRACE),
        (f'{{"method":"GET","target":"/","status":500,"ms":2,"operation":"o.p","trace_id":"{TRACE}"}}', "error", f"GET / 500 2.0 ms o.p {TRACE}", TRACE),
        ("[7] 2026/01/31 08:00:00.000001 [ERR] no route", "error", "no route", ""),
        ("[2026-01-31 08:00:00.000][7][warning][main] [a.cc:1] what", "warning", "[main] [a.cc:1] what", ""),
        ("plain", "", "plain", ""),
        ("{broken", "", "{broken", ""),
        ('{"a":1}', "", '{"a":1}', ""),
        ("0" * 33, "", "0" * 33, ""),  # too long to be a trace
    ],
)  # fmt: skip
def test_a_line_is_read_as_far_as_it_can_be(raw: str, level: str, text: str, trace: str) -> None:
    line = read_line(1, "orders-1", raw)
    assert (line.level, line.text, line.trace) == (LEVELS.get(level, 0), text, trace)


def test_a_traceback_has_the_level_of_the_line_it_belongs_to() -> None:
    before: Line | None = None
    levels = []
    for raw in (
        "2026-01-31T08:00:00.123Z ERROR a: failed",
        "Traceback (most recent call last):",
        '  File "a.py", line 1',
        "ValueError: info: no",
        "2026-01-31T08:00:00.123Z INFO a: going on",
        "unmarked",
    ):
        before = read_line(1, "a", raw, before)
        levels.append(before.level)
    assert levels == [40, 40, 40, 40, 20, 0]


def test_what_steers_a_terminal_or_hides_is_taken_out() -> None:
    raw = "\x1b[31mred\x1b[0m \x1b]0;title\x07\x1b]8;;http://evil\x1b\\link\x00\x08 \u202etxt.exe \x9b2J \x1b(Bend\r"
    assert read_line(1, "a", raw).text == "red link txt.exe 2J end"


@pytest.mark.parametrize(
    "raw",
    [
        "Authorization: Bearer abcdef0123456789.xyz",
        "token eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl0123456789.xyz",
        "postgresql://app:0123456789.xyz@db/shop",
        "password=0123456789.xyz",
        '{"password": "0123456789.xyz"}',
    ],
)
def test_what_looks_like_a_secret_is_hidden(raw: str) -> None:
    assert "0123456789.xyz" not in read_line(1, "a", raw).text


def test_a_time_that_cannot_be_true_is_not_believed() -> None:
    now = time.time()
    for stamp in ("1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-99-99T00:00:00Z"):
        assert abs(read_line(1, "a", f"{stamp} INFO x: y").at - now) < 60


def test_control_what_is_not_escaped_would_be_markup() -> None:
    line = read_line(1, "<b>", "<script>alert(1)</script> & \"'")
    row = line_row(line)
    assert "<script" not in row
    assert "<b>" not in row
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp;" in row
    assert "<script>" in line.text  # it was there, and the page's making took its teeth


async def test_a_hostile_process_stays_text_on_every_page(console: Console, system: System) -> None:
    attack = f"</li></ol><script>alert(1)</script><img src=x onerror=alert(1)> {TRACE}"
    system.supervisor.write("<script>x</script>", f"ERROR {attack}")
    await console.shows("/console/logs", "alert(1)")
    for page in ("/console", "/console/logs", f"/console/traces/{TRACE}"):
        text = await console.text(page)
        assert "alert(1)" in text
        assert "<script>" not in text
        assert "<img" not in text


async def test_a_line_without_end_is_cut(console: Console, system: System) -> None:
    system.supervisor.write("orders-1", "x" * 1_000_000)
    assert len(await console.shows("/console/logs", "xxx")) < 60_000
