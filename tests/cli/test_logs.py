"""The log: one format for services, for Coterie and for requests."""

import json
import re
import signal
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
    with Command("up", system(tmp_path, talks=TALKS)) as command:
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
    with Command("up", system(tmp_path, talks=TALKS), "--json", "--verbose") as command:
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
    (failed,) = [line for line in lines if "error" in line]
    assert failed["error"].endswith("ValueError: a defect")
