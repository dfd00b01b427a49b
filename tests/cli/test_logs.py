"""The log: one format for services, for Coterie and for requests."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

from tests.console.process import Command, ask, system

TALKS = """
    import logging, warnings
    from coterie import Service, get

    log = logging.getLogger("lab.talks")

    class TalksService(Service, version="1.0"):
        @get("/talk")
        async def talk(self) -> None:
            log.debug("quietly")
            log.info("plainly, %s", "with values")
            warnings.warn("soon gone", UserWarning)

        @get("/fail")
        async def fail(self) -> None:
            raise ValueError("a defect")
"""
LINE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ")


def test_people_read_lines(tmp_path: Path) -> None:
    """Time, level, logger, message, trace: and the same trace in the line of the request."""
    with Command("up", "--one-process", system(tmp_path, talks=TALKS)) as command:
        port = command.ready()
        assert ask(port, "/talk").status == 204
        assert ask(port, "/fail").status == 500
        command.logs("/fail 500")
        command.signal(signal.SIGTERM)
        assert command.ends() == 0
    text = command.err.text
    said = re.search(r"Z INFO lab\.talks: plainly, with values (\w{32})$", text, re.MULTILINE)
    assert said is not None
    assert f"talks-service.talk {said[1]}" in text
    assert "WARNING py.warnings: " in text
    assert "quietly" not in text
    assert "ERROR coterie.server: talks-service.fail failed" in text
    assert "ValueError: a defect" in text
    assert [line for line in text.splitlines() if " GET " in line and not LINE.match(line)] == []


def test_machines_read_objects(tmp_path: Path) -> None:
    """With --json every line is an object, a traceback a member of one; --verbose adds DEBUG."""
    with Command(
        "up", "--one-process", system(tmp_path, talks=TALKS), "--json", "--verbose"
    ) as command:
        port = command.ready()
        assert ask(port, "/talk").status == 204
        assert ask(port, "/fail").status == 500
        command.logs('"/fail"')
        command.signal(signal.SIGTERM)
        assert command.ends() == 0
    lines = [json.loads(line) for line in command.err.text.splitlines()]
    said = {line["message"]: line for line in lines if "message" in line}
    assert said["plainly, with values"]["logger"] == "lab.talks"
    assert said["plainly, with values"]["level"] == "info"
    assert said["quietly"]["level"] == "debug"
    (request,) = [line for line in lines if line.get("target") == "/talk"]
    assert request["trace_id"] == said["quietly"]["trace_id"]
    assert request["span_id"] == said["quietly"]["span_id"]
    (failed,) = [line for line in lines if "error" in line]
    assert failed["error"].endswith("ValueError: a defect")


PROCESS = """
import logging
from coterie.call import Context, Trace, entered
from coterie.cli.log_format import set_up_logs

set_up_logs(json=True, verbose=False, who={"service": "orders", "instance": "orders-2"})
log = logging.getLogger("lab")
log.info("outside")
with entered(Context(Trace("a" * 32, "b" * 16))):
    log.info("inside")
"""


def test_an_object_says_which_process_and_which_span_it_is_of() -> None:
    """The process where it was told who it is; the span inside of calls."""
    done = subprocess.run(
        [sys.executable, "-c", PROCESS], capture_output=True, text=True, timeout=30, check=True
    )
    outside, inside = map(json.loads, done.stderr.splitlines())
    for line in (outside, inside):
        assert (line["service"], line["instance"]) == ("orders", "orders-2")
    assert (inside["trace_id"], inside["span_id"]) == ("a" * 32, "b" * 16)
    assert not {"trace_id", "span_id"} & set(outside)
