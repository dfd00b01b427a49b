"""Paths and methods find their operation, or the answer HTTP has for that."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coterie.binding.rest import Router
from coterie.call import Failure

ROUTES = [
    ("GET", "/a", "a"),
    ("GET", "/a/{x}", "x"),
    ("GET", "/a/b", "b"),
    ("PUT", "/a/{y}", "y"),
    ("GET", "/a/{x}/c", "c"),
    ("GET", "/a/b/{z}", "z"),
    ("POST", "/", "root"),
]
ROUTER = Router(ROUTES)


@pytest.mark.parametrize(
    ("method", "path", "target", "values"),
    [
        ("GET", "/a", "a", {}),
        ("HEAD", "/a", "a", {}),
        ("GET", "/a/b", "b", {}),
        ("GET", "/a/7", "x", {"x": "7"}),
        ("PUT", "/a/7", "y", {"y": "7"}),
        ("PUT", "/a/b", "y", {"y": "b"}),
        ("GET", "/a/7/c", "c", {"x": "7"}),
        ("GET", "/a/b/c", "z", {"z": "c"}),
        ("GET", "/a/%2F%20%C3%BC", "x", {"x": "/ ü"}),
        ("GET", "/a/..", "x", {"x": ".."}),
        ("POST", "/", "root", {}),
    ],
)
def test_found(method: str, path: str, target: str, values: dict[str, str]) -> None:
    """Text goes before braces, whichever way round they were declared."""
    found, given_values = ROUTER.find(method, path)
    assert (found, dict(given_values)) == (target, values)


@pytest.mark.parametrize("path", ["/b", "/a/", "/a//c", "", "/A", "/a/b/c/d", "a", "*"])
def test_unknown_paths_are_404(path: str) -> None:
    """Also with a slash too many or in another case."""
    with pytest.raises(Failure) as caught:
        ROUTER.find("GET", path)
    assert caught.value.status == 404


@pytest.mark.parametrize(
    ("path", "meant"),
    [("/a/", "/a"), ("/a/7/c/", "/a/7/c"), ("/slash", "/slash/"), ("", "/"), ("/b/", None)],
)
def test_a_slash_too_many_or_too_few_is_told(path: str, meant: str | None) -> None:
    """The path that was meant is named, where there is one."""
    router = Router([*ROUTES, ("GET", "/slash/", "slash")])
    with pytest.raises(Failure) as caught:
        router.find("GET", path)
    hint = "" if meant is None else f"; did you mean {meant}?"
    assert caught.value.message == f"There is nothing at {path}{hint}"


def test_an_unknown_method_is_a_405_that_says_which_are_allowed() -> None:
    """RFC 9110, 15.5.6."""
    with pytest.raises(Failure) as caught:
        ROUTER.find("DELETE", "/a/7")
    assert caught.value.status == 405
    assert dict(caught.value.headers)["allow"] == "GET, HEAD, OPTIONS, PUT"
    assert caught.value.message == "Use GET, HEAD, OPTIONS or PUT here, not DELETE"
    assert ROUTER.allowed("/a/7") == ("GET", "HEAD", "OPTIONS", "PUT")
    assert ROUTER.allowed("/nowhere") == ()


def test_a_path_that_is_no_text_is_a_400() -> None:
    """Percent-encoded bytes that are no UTF-8."""
    with pytest.raises(Failure) as caught:
        ROUTER.find("GET", "/a/%ff")
    assert caught.value.status == 400


def test_two_of_one_route_are_refused() -> None:
    """At once, not when a request comes."""
    with pytest.raises(ValueError, match="twice"):
        Router([("GET", "/a/{x}", 1), ("GET", "/a/{y}", 2)])


@given(st.text())
def test_no_path_breaks_it(path: str) -> None:
    """Whatever comes is found or refused."""
    known = ("a", "x", "b", "y", "c", "z", "root")
    try:
        assert ROUTER.find("GET", path)[0] in known
    except Failure as failure:
        status = failure.status
    else:
        status = 404
    assert status in (400, 404, 405)
