"""The access log: a line a request, that says what happened and cannot be forged."""

import asyncio
import io
import json
import re

import pytest

from coterie.server import AccessLog
from tests.server.kit import made, site_of

LINE = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (\S+) (\S+) (\d{3}) \d+\.\d ms (\S+) ([0-9a-f]{32})?"
)
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}


async def test_every_request_leaves_a_line() -> None:
    """When, what, how it ended, how long it took, which operation, which trace."""
    async with site_of() as site:
        await site.ask("GET", "/notes/1?token=secret", headers=PARENT)
        await site.ask("POST", "/notes", b"{}", PARENT)
        await site.ask("GET", "/nowhere", headers=PARENT)
        await site.ask("GET", "/fails?how=badly", headers=PARENT)
        await site.ask("GET", "/health/live")
        await site.ask("POST", "/notes", made().ljust(20_000), PARENT)
        lines = site.lines.getvalue().splitlines()
    found = [match.groups() for line in lines if (match := LINE.fullmatch(line))]
    assert found == [
        ("GET", "/notes/1", "200", "lab.note", TRACE),
        ("POST", "/notes", "400", "lab.keep", TRACE),
        ("GET", "/nowhere", "404", "-", TRACE),
        ("GET", "/fails", "500", "lab.fails", TRACE),
        ("GET", "/health/live", "200", "-", None),
        ("POST", "/notes", "413", "lab.keep", TRACE),
    ]


async def test_a_query_is_not_logged() -> None:
    """Queries hold what people type, secrets among it."""
    async with site_of() as site:
        await site.ask("GET", "/fails?how=hunter2")
        assert "hunter2" not in site.lines.getvalue()


async def test_lines_for_machines_are_objects() -> None:
    """One a line, every field by its name and with its type."""
    async with site_of(json_lines=True) as site:
        await site.ask("GET", "/notes/1", headers=PARENT)
        await site.ask("GET", '/%22,%22status%22:200,"x"')
        first, second = map(json.loads, site.lines.getvalue().splitlines())
    assert first.pop("ms") >= 0
    assert re.fullmatch(r"[0-9a-f]{16}", first.pop("span_id"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first.pop("time"))
    assert first == {
        "method": "GET",
        "target": "/notes/1",
        "status": 200,
        "operation": "lab.note",
        "trace_id": TRACE,
    }
    assert (second["status"], second["target"]) == (404, '/%22,%22status%22:200,"x"')
    assert "span_id" not in second


async def test_a_line_names_the_span_that_was_recorded() -> None:
    """So that whoever reads a line finds the call in its trace."""
    async with site_of(json_lines=True) as site:
        await site.ask("GET", "/notes/1", headers=PARENT)
        line = json.loads(site.lines.getvalue())
        (span,) = site.host.meter.spans
    assert (line["trace_id"], line["span_id"]) == (span.trace.trace_id, span.trace.span_id)


async def test_a_process_that_is_told_who_it_is_says_so_in_each_object() -> None:
    """Lines of many processes may end in one file."""
    stream = io.StringIO()
    log = AccessLog(stream, json=True, who={"service": "lab", "instance": "lab-1"}, delay=60)
    log.note("GET", "/", 200, 0.001, "-", "")
    log.flush()
    line = json.loads(stream.getvalue())
    assert (line["service"], line["instance"], line["status"]) == ("lab", "lab-1", 200)


@pytest.mark.parametrize(
    "target",
    ["/a\n2026-01-01T00:00:00.000Z GET /forged 200", "/a\r\x1b[2J", "/\x00", "/café", "/\u202e"],
)
async def test_a_target_cannot_forge_a_line(target: str) -> None:
    """Control characters and letters beyond ASCII are escaped, in either form."""
    plain, objects = io.StringIO(), io.StringIO()
    for log in (AccessLog(plain), AccessLog(objects, json=True)):
        log.note("GET", target, 200, 0.001, "-", "")
        log.flush()
    (line,) = plain.getvalue().splitlines()
    assert line.isascii()
    assert line.isprintable()
    assert ascii(target) in line
    (line,) = objects.getvalue().split("\n")[:-1]
    assert json.loads(line)["target"] == target
    assert not set(line) & {"\r", "\x1b", "\x00"}


async def test_control_a_harmless_target_is_written_as_it_is() -> None:
    """Control: escaping is for what needs it."""
    stream = io.StringIO()
    log = AccessLog(stream)
    log.note("GET", "/caf%C3%A9/~a", 200, 0.001, "-", "")
    log.flush()
    assert " GET /caf%C3%A9/~a 200 1.0 ms - \n" in stream.getvalue()


class Counting(io.StringIO):
    """Counts the writes."""

    writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        return super().write(text)


async def test_lines_leave_together_and_soon() -> None:
    """One write for what gathered, within the delay, and for any number in between."""
    stream = Counting()
    log = AccessLog(stream, delay=0.01)
    for _ in range(10):
        log.note("GET", "/", 200, 0.001, "-", "")
    assert stream.writes == 0
    async with asyncio.timeout(2):
        while not stream.writes:  # noqa: ASYNC110  # the log's own timer writes
            await asyncio.sleep(0.002)
    assert (stream.writes, stream.getvalue().count("\n")) == (1, 10)
    for _ in range(1000):
        log.note("GET", "/", 200, 0.001, "-", "")
    assert stream.getvalue().count("\n") >= 700
    log.flush()
    assert stream.getvalue().count("\n") == 1010
    log.flush()
    assert stream.getvalue().count("\n") == 1010


async def test_the_last_lines_are_not_lost() -> None:
    """What still gathers when the service ends is written then."""
    async with site_of(log_delay=60) as site:
        await site.ask("GET", "/text")
        assert site.lines.getvalue() == ""
        site.app.flush()
        assert " GET /text 200 " in site.lines.getvalue()


class Broken(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


async def test_a_log_nobody_reads_any_more_stops_no_request() -> None:
    """The pipe of the log may close before the service does."""
    log = AccessLog(Broken())
    for _ in range(1000):
        log.note("GET", "/", 200, 0.001, "-", "")
    log.flush()
    closed = io.StringIO()
    closed.close()
    log = AccessLog(closed)
    log.note("GET", "/", 200, 0.001, "-", "")
    log.flush()
