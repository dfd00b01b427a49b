"""Where the programs listen, and what they say to whoever asks for something else."""

import ast
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import requests

from programs import PATTERNS, default_port, environment, load, started

PORTS = {
    "01-soa/service_a.py": 5000,
    "02-inventory/inventory.py": 5001,
    "03-integration/integration.py": 5002,
    "03-integration/products.py": 5001,
    "03-integration/users.py": 5000,
    "06-orchestration/orchestrator.py": 5003,
    "06-orchestration/service_b.py": 5001,
    "06-orchestration/service_c.py": 5002,
    "07-composite/composite.py": 5004,
    "07-composite/service_b.py": 5001,
    "08-registry-and-discovery/registry.py": 5000,
    "08-registry-and-discovery/service_a.py": 5001,
}

# Runs each program as `python NAME` does, and notes what it would listen on.
WOULD_LISTEN = """
import json, os, runpy, sys
import flask

def run(app, host, port, **settings):
    print(json.dumps([host, port, settings]))

flask.Flask.run = run
for program in sys.argv[1:]:
    sys.path[0] = os.path.dirname(program)
    os.chdir(sys.path[0])
    runpy.run_path(program, run_name="__main__")
"""


def would_listen(folder: Path, **settings: object) -> dict[str, object]:
    """Address, port and settings with which each program would listen."""
    files = {"INVENTORY_FILE": folder / "inventory", "REGISTRY_FILE": folder / "registry"}
    done = subprocess.run(
        [sys.executable, "-c", WOULD_LISTEN, *(str(PATTERNS / program) for program in PORTS)],
        env=environment({**files, "DISCOVERY_REGISTRY_URL": "http://127.0.0.1:1", **settings}),
        capture_output=True,
        text=True,
        check=True,
    )
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    return dict(zip(PORTS, told, strict=True))


@pytest.mark.promise("S0-04", "S0-18", "S0-23", "S0-26", "S0-29", "S0-64", "S0-74", "S0-80")
def test_a_program_started_alone_listens_where_its_pattern_says(tmp_path: Path) -> None:
    """On every address of the machine, on the port of the pattern, and never with a debugger."""
    wanted = {program: ["0.0.0.0", port, {"debug": False}] for program, port in PORTS.items()}
    assert would_listen(tmp_path, FLASK_DEBUG="1") == wanted


@pytest.mark.promise("S0-102")
def test_every_port_can_be_chosen(tmp_path: Path) -> None:
    """PORT and HOST say otherwise, to each program alike."""
    wanted = {program: ["127.0.0.1", 7001, {"debug": False}] for program in PORTS}
    assert would_listen(tmp_path, HOST="127.0.0.1", PORT=7001) == wanted


@pytest.mark.promise("S0-102")
def test_programs_that_run_together_want_different_ports() -> None:
    """No two of a pattern, with ServiceA beside those patterns that make use of it."""
    assert {program: default_port(program) for program in PORTS} == PORTS
    taken = Counter((program.partition("/")[0], port) for program, port in PORTS.items())
    taken.update(
        (pattern, 5000) for pattern in ("02-inventory", "06-orchestration", "07-composite")
    )
    assert set(taken.values()) == {1}


@pytest.mark.promise("S0-01")
def test_a_program_knows_no_code_of_another_pattern() -> None:
    """It imports what speaks a protocol, and what lies beside it; others it knows by address alone."""
    for path in PATTERNS.glob("[0-9]*/*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text())))
        names = [
            alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names
        ]
        names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
        roots = {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names)
        beside = {other.stem for other in path.parent.glob("*.py")}
        assert roots <= {"flask", "requests", "werkzeug", "pika", "websockets"} | beside, path


@pytest.mark.promise("S0-04")
def test_it_listens_on_every_address_of_the_machine() -> None:
    """Started without HOST it says so, and answers on another one than 127.0.0.1; control: with."""
    with started("01-soa/service_a.py", HOST=None) as service_a:
        assert "Running on all addresses (0.0.0.0)" in service_a.said
        assert service_a.get("/greet").status_code == 200
        service_a.url = service_a.url.replace("127.0.0.1", "127.0.0.2")
        assert service_a.get("/greet").content == b"Hello from Service A!"
    with started("01-soa/service_a.py", HOST="127.0.0.1") as service_a:
        service_a.url = service_a.url.replace("127.0.0.1", "127.0.0.2")
        with pytest.raises(requests.ConnectionError):
            service_a.get("/greet")


@pytest.mark.parametrize("program", [name for name in PORTS if "08" not in name])
def test_what_is_not_there_is_told_in_json(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No page of HTML for a program that asked; the methods that are allowed are told."""
    monkeypatch.setenv("INVENTORY_FILE", str(tmp_path / "inventory"))
    app = load(program).app
    client = app.test_client()
    missing = client.get("/nowhere")
    assert (missing.status_code, missing.json) == (404, {"error": "Not Found"})
    rules = [rule.rule for rule in app.url_map.iter_rules() if rule.endpoint != "static"]
    wrong = client.patch(re.sub("<.*?>", "x", rules[0]))
    assert (wrong.status_code, wrong.json) == (405, {"error": "Method Not Allowed"})
    assert "OPTIONS" in wrong.headers["Allow"]
