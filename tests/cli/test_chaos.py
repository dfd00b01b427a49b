"""coterie chaos: what it asks for, what it prints, and what it refuses to harm."""

import json
from pathlib import Path

import pytest

from tests.console.process import Command, system

SHOP = Path(__file__).parents[2] / "examples" / "shop"
ONE = """
    from coterie import Service, get

    class OneService(Service, version="1.0"):
        @get("/one")
        async def one(self) -> str:
            return "one"
"""
IDLE = """
    class Idle:
        async def attempt(self, n: int) -> None: ...
        async def audit(self) -> None: ...

    class Blind:
        async def attempt(self, n: int) -> None: ...
"""


def chaos(*arguments: object, database: str = "") -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    with Command("chaos", *arguments, DATABASE_URL=database) as command:
        return command.ends(), command.out.text, command.err.text


def test_a_plan_is_printed_and_nothing_is_done() -> None:
    """The same twice, for people and for machines, with the digest of both in front."""
    arguments = (SHOP, "--seconds", "30", "--number", "42", "--plan")
    code, out, _ = chaos(*arguments)
    assert code == 0
    assert (code, out) == chaos(*arguments)[:2]
    document = json.loads(chaos(*arguments, "--json")[1])
    assert out.startswith(f"number 42   plan {document['plan']}   30 s\n")
    assert len(out.splitlines()) == 1 + len(document["strikes"])
    assert "kill     " in out


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("", "lab names no workload to be harmed under. Write [chaos] and below it workload ="),
        ("workload = 'lab.idl:Idle'", "lab.idl cannot be imported"),
        ("workload = 'lab.idle:Idler'", "lab.idle has no class Idler. Did you mean Idle?"),
        ("workload = 'lab.idle:Blind'", "Blind has no audit. Write `async def audit` in it"),
        ("workload = 'lab.idle'", "[chaos] workload takes a class, written module:Class"),
        ("workload = 'lab.idle:Idle'\nparallel = 0", "[chaos] parallel takes a whole number"),
        (
            "workload = 'lab.idle:Idle'\nweights = { kill = -1 }",
            "[chaos] weights takes a table from kind of fault to a number",
        ),
    ],
)
def test_what_is_wrong_with_the_table_is_told(tmp_path: Path, table: str, told: str) -> None:
    """With file, line and remedy."""
    toml = f"[chaos]\n{table}\n" if table else ""
    folder = system(tmp_path, toml, one=ONE, idle=IDLE)
    text = (folder / "coterie.toml").read_text()
    text = text.replace('[service.idle]\nimplements = "lab.idle:Service"\n', "")
    (folder / "coterie.toml").write_text(text)
    code, _, err = chaos(folder, "--plan")
    assert code == 1
    assert told in err
    assert "coterie.toml" in err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--minutes", "1", "--seconds", "60"), "say the same"),
        (("--seconds", "1"), "5 seconds at least"),
        (("--minutes", "nan"), "5 seconds at least"),
    ],
)
def test_senseless_lengths_are_refused(arguments: tuple[str, ...], told: str) -> None:
    code, _, err = chaos(SHOP, *arguments)
    assert code == 2
    assert told in err


def test_a_database_of_somebodys_is_not_harmed() -> None:
    """What is not thrown away at the end is not filled, unless that is asked for."""
    code, _, err = chaos(SHOP, "--seconds", "5", database="postgresql://localhost/precious")
    assert code == 2
    assert "users would keep its data outside of the run's own folder" in err
    assert "--any-database" in err


def test_a_system_that_does_not_come_up_shows_its_log(tmp_path: Path) -> None:
    toml = "[chaos]\nworkload = 'lab.idle:Idle'\n"
    folder = system(tmp_path, toml, one=ONE + "\n    raise RuntimeError('no more')\n", idle=IDLE)
    text = (folder / "coterie.toml").read_text()
    text = text.replace('[service.idle]\nimplements = "lab.idle:Service"\n', "")
    (folder / "coterie.toml").write_text(text)
    code, _, err = chaos(folder, "--seconds", "5")
    assert code == 1
    assert "lab did not come up" in err
    assert "no more" in err
