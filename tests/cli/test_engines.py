"""`coterie engines`: what is on this machine, and what to type where something is missing."""

import sys
from pathlib import Path

import pytest

from coterie.engine import find
from tests.cli.conftest import Coterie


def test_every_engine_is_listed_with_its_state(coterie: Coterie) -> None:
    """Programs by version and place, databases by their driver."""
    done = coterie("engines", "--json")
    assert (done.code, done.err) == (0, "")
    rows = {row["engine"]: row for row in done.json()}
    assert list(rows) == ["nats-server", "envoy", "SQLite", "PostgreSQL"]
    assert {row["state"] for row in rows.values()} == {"ready"}
    for name in ("nats-server", "envoy"):
        found = find(name)
        assert rows[name]["version"] == found.version
        assert (rows[name]["source"], rows[name]["where"]) == ("wheel", str(found.path))
    assert rows["PostgreSQL"]["where"].startswith("asyncpg ")


def test_people_see_a_table(coterie: Coterie) -> None:
    """One line an engine, under titles."""
    lines = coterie("engines").out.splitlines()
    assert lines[0].split() == ["ENGINE", "VERSION", "FOR", "SOURCE", "WHERE", "STATE"]
    assert [line.split()[0] for line in lines[1:]] == [
        "nats-server",
        "envoy",
        "SQLite",
        "PostgreSQL",
    ]
    assert all(line.endswith("ready") for line in lines[1:])


def test_what_is_missing_is_no_error(
    coterie: Coterie, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 0 all the same: it was asked what there is. Each state says what to do."""
    coterie("engines")  # modules of the verb are loaded before packages vanish
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.setenv("PATH", str(tmp_path))
    done = coterie("engines", "--json")
    assert done.code == 0
    states = {row["engine"]: row["state"] for row in done.json()}
    assert states["nats-server"].startswith("missing. Install it: pip install")
    assert states["envoy"].endswith('do without: [gateway] engine = "inprocess"')
    assert states["SQLite"] == "missing: pip install 'coterie[sql]'"
    assert states["PostgreSQL"] == "missing: pip install 'coterie[postgres]'"
