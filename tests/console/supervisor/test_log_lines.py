"""Lines of JSON that are gathered from many processes: each says whose it is, whatever it was."""

import json

import pytest

from coterie.console.supervisor.log_lines import with_process


@pytest.mark.parametrize(
    ("line", "rest"),
    [
        ('{"level": "info", "message": "a"}', {"level": "info", "message": "a"}),
        ('{"process": "another", "message": "a"}', {"message": "a"}),
        ('{"process": "another"}', {"message": ""}),
        ("{}", {"message": "{}"}),
        ("[1, 2]", {"message": "[1, 2]"}),
        ("plain", {"message": "plain"}),
        ('{"half', {"message": '{"half'}),
    ],
)
def test_a_line_says_whose_it_is(line: str, rest: dict[str, str]) -> None:
    """Nobody speaks in the name of another process."""
    said = with_process("users-1", f"{line}\n")
    assert json.loads(said) == {"process": "users-1", **rest}


def test_a_line_too_deep_to_be_read_is_a_text() -> None:
    """It ends no log."""
    line = '{"a":' * 100_000
    assert json.loads(with_process("users-1", f"{line}\n")) == {
        "process": "users-1",
        "message": line,
    }
