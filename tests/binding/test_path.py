"""The normal form of a path: one spelling, so that nobody gets round a rule by another."""

import pytest

from coterie.binding.rest import normal_path
from coterie.call import Failure

FORMS = {
    "/a/b": "/a/b",
    "/a/../b": "/b",
    "/a/%2e%2E/b": "/b",
    "/../../a": "/a",
    "/a/./b/.": "/a/b/",
    "/a/..": "/",
    "/a//../b": "/a/b",
    "//a": "//a",
    "/a\\..\\b": "/b",
    "/a/..;x=1/b": "/b",
    "/a/...": "/a/...",
    "/%61%7E%2D": "/a~-",
    "/%2541": "/%2541",
    "/a%2Fb%5c": "/a%2Fb%5c",
    "/a|b": "/a%7Cb",
    "/%zz/%": "/%zz/%",
    "*": "*",
}


@pytest.mark.parametrize(("path", "form"), FORMS.items())
def test_a_path_has_one_form(path: str, form: str) -> None:
    """And what is in its normal form stays as it is."""
    assert normal_path(path) == form
    assert normal_path(form) == form


def test_a_nul_ends_a_path_for_some() -> None:
    """So it is refused by all, and the connection with it."""
    with pytest.raises(Failure) as caught:
        normal_path("/a%00b")
    assert caught.value.status == 400
    assert ("connection", "close") in caught.value.headers
