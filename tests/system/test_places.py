"""Every table and key of a TOML text is found at its line, however it is written."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coterie.system.places import TomlPath, lines_of
from tests.system.toml_texts import documents

TEXT = '''\
# a comment with [brackets] and = signs
top = 1
[system]
name = "shop"   # [not.a.table]
"quoted key" = 2
'single.quoted' = 3

[service.orders]
implements = "a:B"
uses.Payments = "eu"
settings = { page = 20, deep = { er = 1 } }
text = """
[service.fake]
x = 1 \\""" ""
"""
after = 1
literal = \'\'\'
[x]
\'\'\'\'
later = 1
list = [
    1,  # ]
    { a = 1 },
    "x]",
]
[ service . "a.b" ]
port = 1
[[many]]
name = 1
[many.inside]
deep = 1
[[many]]
name = 2
when = 1979-05-27 07:32:00
'''

LINES: list[tuple[TomlPath, int]] = [
    (("top",), 2),
    (("system",), 3),
    (("system", "name"), 4),
    (("system", "quoted key"), 5),
    (("system", "single.quoted"), 6),
    (("service", "orders"), 8),
    (("service", "orders", "implements"), 9),
    (("service", "orders", "uses", "Payments"), 10),
    (("service", "orders", "settings", "page"), 11),
    (("service", "orders", "settings", "deep", "er"), 11),
    (("service", "orders", "text"), 12),
    (("service", "orders", "after"), 16),
    (("service", "orders", "literal"), 17),
    (("service", "orders", "later"), 20),
    (("service", "orders", "list"), 21),
    (("service", "orders", "list", 1, "a"), 23),
    (("service", "orders", "list", 2), 24),
    (("service", "a.b"), 26),
    (("service", "a.b", "port"), 27),
    (("many",), 28),
    (("many", 0, "name"), 29),
    (("many", 0, "inside", "deep"), 31),
    (("many", 1), 32),
    (("many", 1, "name"), 33),
    (("many", 1, "when"), 34),
]


@pytest.mark.parametrize(("path", "line"), LINES)
def test_a_key_is_found_at_its_line(path: TomlPath, line: int) -> None:
    """Comments, texts over several lines, quotes, dots and lists do not lead it astray."""
    tomllib.loads(TEXT)
    assert lines_of(TEXT)[path] == line


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_lines_count_alike_on_every_system(ending: str) -> None:
    """A file from another system, with other line ends, has the same lines."""
    assert lines_of(TEXT.replace("\n", ending)) == lines_of(TEXT)


@given(documents())
def test_whatever_has_a_value_has_a_line(text: str) -> None:
    """Nothing that TOML can say is without a line, and no line is beyond the text."""
    lines = lines_of(text)
    for path in _paths(tomllib.loads(text)):
        assert 1 <= lines[path] <= text.count("\n") + 1


@given(st.text(alphabet="ab=.[]{},\"'# \n\\1", max_size=60))
def test_what_is_no_toml_is_read_to_an_end(text: str) -> None:
    """The reader of lines neither hangs nor raises, whatever it is given."""
    lines_of(text)


def test_a_very_long_dotted_key_costs_no_more_than_its_length() -> None:
    """A key of many parts keeps the lines of the outer ones alone."""
    assert len(lines_of(".".join(["a"] * 50_000) + " = 1")) == 16


def _paths(value: Any, path: TomlPath = ()) -> list[TomlPath]:
    found = [path] if path else []
    if isinstance(value, dict):
        for key, member in value.items():
            found += _paths(member, (*path, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            found += _paths(item, (*path, number))
    return found
