"""Words: how a Python name becomes a wire name."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coterie.contract import kebab, paragraph
from coterie.contract.words import WIRE_NAME


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("OutOfStock", "out-of-stock"),
        ("HTTPThing", "http-thing"),
        ("ThingOverHTTP", "thing-over-http"),
        ("Error404Page", "error404-page"),
        ("out_of_stock", "out-of-stock"),
        ("_Private", "private"),
        ("A", "a"),
        ("", ""),
    ],
)
def test_a_class_name_becomes_kebab_case(name: str, wire: str) -> None:
    assert kebab(name) == wire


@settings(deadline=None)
@given(st.from_regex(r"\A[A-Z][A-Za-z0-9]*\Z"))
def test_every_class_name_is_a_name_for_the_wire(name: str) -> None:
    """No class has to be renamed only because of how it travels."""
    assert WIRE_NAME.fullmatch(kebab(name))
    assert kebab(kebab(name)) == kebab(name)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        (None, ""),
        ("", ""),
        ("One line.", "One line."),
        ("\n    Two\n    lines.\n\n    More.\n    ", "Two lines."),
    ],
)
def test_the_first_paragraph_stands_on_one_line(text: str | None, first: str) -> None:
    assert paragraph(text) == first
