"""`coterie policies`: what protects the calls of an operation, and who said so."""

from tests.cli.conftest import Coterie
from tests.system.folder import Folder
from tests.system.guarded import guarded

TABLES = """\
[policy]
retry = { attempts = 5 }
[service.desk.operation.write]
timeout = 3
hedge = false
"""


def test_the_chain_of_an_operation_is_shown_with_sources(coterie: Coterie, home: Folder) -> None:
    """Both sides in their order; each value with the line that said it."""
    guarded(home, TABLES)
    done = coterie("policies", "desk.write")
    assert done.code == 0
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    assert lines[0] == "desk.write (service desk)"
    assert "retry attempts = 5 coterie.toml:8 between processes only" in lines
    assert "base = 0.05 default" in lines
    assert lines.count("deadline timeout = 3 coterie.toml:10") == 2
    assert lines.index("caller, outermost first") < lines.index("service, outermost first")
    assert "hedge off: coterie.toml:11" in lines
    order = ["bulkhead", "keyed", "retry", "balance", "breaker", "shed", "idempotency"]
    firsts = [line.split(" ")[0] for line in lines if line]
    assert sorted(order, key=firsts.index) == order


def test_machines_get_the_same(coterie: Coterie, home: Folder) -> None:
    """One object: two lists of policies, each with its values and their sources."""
    guarded(home, TABLES)
    found = coterie("policies", "desk.write", "--json").json()
    assert (found["operation"], found["service"]) == ("desk.write", "desk")
    client = {one["policy"]: one for one in found["client"]}
    assert client["retry"]["values"][0] == {
        "name": "attempts",
        "value": 5,
        "source": "coterie.toml:8",
    }
    assert (client["retry"]["local"], client["keyed"]["local"]) == (False, True)
    assert [one["policy"] for one in found["server"]][-1] == "unit_of_work"
    assert found["absent"]["hedge"] == "off: coterie.toml:11"


def test_without_an_operation_it_lists_what_somebody_said(coterie: Coterie, home: Folder) -> None:
    """Nothing else; --all lists the defaults too."""
    guarded(home, TABLES)
    rows = [line.split() for line in coterie("policies").out.splitlines()]
    assert ["desk.write", "deadline.timeout", "3", "coterie.toml:10"] in rows
    assert ["desk.note", "deadline.timeout", "2", "contract", "desk.note"] in rows
    assert ["clerk-service.put", "retry.attempts", "5", "coterie.toml:8"] in rows
    assert not any("default" in row for row in rows)
    everything = coterie("policies", "--all").out
    assert "bulkhead.calls" in everything
    assert len(everything.splitlines()) > 100
    assert len(coterie("policies", "--json").json()) == 8


def test_where_nobody_said_anything_it_says_so(coterie: Coterie, home: Folder) -> None:
    """An empty table would leave doubts."""
    home.write("plain.py", PLAIN)
    home.toml('[system]\nname = "plain"\n[service.a]\nimplements = "plain:A"\n')
    assert coterie("policies").out == "Every operation has the default values; --all lists them\n"
    assert coterie("policies", "--json").json() == []


def test_an_operation_that_is_not_there_is_a_mistake(coterie: Coterie, home: Folder) -> None:
    """Exit code 2, and what may have been meant."""
    guarded(home)
    done = coterie("policies", "desk.wirte")
    assert (done.code, done.out) == (2, "")
    assert "Did you mean desk.write?" in done.err


def test_a_system_with_mistakes_has_no_policies(coterie: Coterie, home: Folder) -> None:
    """They are told instead, as `check` tells them."""
    guarded(home, "[service.desk.operation.write]\nhedge = true\n")
    done = coterie("policies")
    assert done.code != 0
    assert "coterie.toml:8: hedge is for operations that only read" in done.err


PLAIN = """
    from coterie import Service, get

    class A(Service, version="1.0"):
        @get("/a")
        async def a(self) -> None: ...
"""
