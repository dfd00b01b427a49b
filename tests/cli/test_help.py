"""Help, exit codes and suggestions: what a person meets who does not know the words yet."""

import importlib
import json
import subprocess
import sys

import pytest

from coterie.cli.verbs import SUMMARIES, file_of
from tests.cli.conftest import Coterie


@pytest.mark.parametrize("verb", SUMMARIES)
def test_each_verb_shows_examples(coterie: Coterie, verb: str) -> None:
    """Help has an example on a line of its own, as it would be typed, and no trace of markup."""
    done = coterie(verb, "--help")
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0].startswith(f"Usage: coterie {verb} ")
    examples = lines[lines.index("  Examples:") + 1 :]
    assert examples[0].startswith(f"    coterie {verb}")
    assert not {"\b", "``", "\x1b", "{", "<str>"} & set(done.out.replace("'{\"", "").split())
    assert "\b" not in done.out
    assert "``" not in done.out
    assert coterie(verb, "-h").out == done.out


@pytest.mark.parametrize("verb", SUMMARIES)
def test_each_verb_is_listed_as_it_says_itself(coterie: Coterie, verb: str) -> None:
    """The list of verbs is written down without importing them, and agrees with them."""
    module = importlib.import_module(f"coterie.cli.{file_of(verb)}")
    assert module.verb.__doc__.splitlines()[0] == SUMMARIES[verb]
    width = max(map(len, SUMMARIES))
    assert f"  {verb:<{width}}  {SUMMARIES[verb]}\n" in coterie("--help").out


def test_help_comes_at_once() -> None:
    """`coterie --help` imports neither a server nor a client, a database or users' code."""
    code = "import sys; from coterie.cli.main import run; run(['--help']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "coterie.cli.main" in loaded
    assert not {"uvicorn", "rich", "sqlalchemy", "coterie.system", "coterie.client"} & loaded


def test_without_a_verb_there_is_help(coterie: Coterie) -> None:
    """It was asked wrongly, and is answered all the same."""
    done = coterie()
    assert done.code == 2
    assert done.out == coterie("--help").out
    assert coterie("--version").out.startswith("coterie 0.")


MISSPELT: dict[tuple[str, ...], str] = {
    ("upp",): "No such command 'upp'. Did you mean 'up'?",
    ("chekc",): "No such command 'chekc'. Did you mean 'check'?",
    ("zzz",): "No such command 'zzz'.",
    ("up", "--prot", "1"): "No such option: --prot. Did you mean --port?",
    ("check", "--jsno"): "No such option: --jsno. Did you mean --json?",
    ("up", "--port", "many"): "Invalid value for '--port'",
    ("up", "--port", "70000"): "Invalid value for '--port'",
    ("describe", "--as", "pdf"): "Invalid value for '--as'",
    ("call",): "Missing argument 'OPERATION'.",
}


@pytest.mark.parametrize("words", MISSPELT)
def test_what_is_misspelt_gets_a_suggestion(coterie: Coterie, words: tuple[str, ...]) -> None:
    """One message, how it is used, where the help is; exit code 2."""
    done = coterie(*words)
    assert done.code == 2
    assert done.out == ""
    assert f"error: {MISSPELT[words]}" in done.err
    assert "\n  usage: coterie " in done.err
    assert "--help\n" in done.err
    assert "Traceback" not in done.err


def test_machines_get_errors_as_objects(coterie: Coterie) -> None:
    """With --json what went wrong is an object too, on standard error."""
    done = coterie("check", "--json", "--nothing")
    told = json.loads(done.err)
    assert done.code == 2
    assert told["error"].startswith("No such option: --nothing")
    assert told["help"] == "coterie check --help"


def test_a_defect_is_not_hidden(coterie: Coterie, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: what is no mistake of the user's is not told as one."""
    module = importlib.import_module("coterie.cli.check")

    def defect(*_: object, **__: object) -> None:
        raise KeyError("no mistake of yours")

    monkeypatch.setattr(module, "load", defect)
    with pytest.raises(KeyError):
        coterie("check")


def test_ctrl_c_is_130(coterie: Coterie, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a shell has it, and without a word."""
    module = importlib.import_module("coterie.cli.check")

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "load", interrupted)
    assert coterie("check") == (130, "", "")
