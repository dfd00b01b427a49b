"""Applications by their names: what is found, and what is said where none is."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import flask
import pytest
from starlette.applications import Starlette

from coterie.members.program import ProgramMistake, load_application

_MODULE = """
import flask
from starlette.applications import Starlette

application = flask.Flask(__name__)
modern = Starlette()

def create_app():
    return flask.Flask(__name__)

def create_modern(debug=False):
    return Starlette()

def needs(name):
    return application

def none():
    return None

async def later():
    return modern

def plain(environ, start_response):
    return []

async def plain_modern(scope, receive, send):
    pass

class PerRequest:
    def __init__(self, environ, start_response): ...
    def __iter__(self): return iter(())

class Factory:
    def __call__(self, environ, start_response): return []

class Modern:
    async def __call__(self, scope, receive, send): ...

class holder:
    app = application

number = 7
"""


@pytest.fixture(autouse=True)
def legacy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A module of a program, and one that needs what is not there."""
    package = tmp_path / "oldshop"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "app.py").write_text(_MODULE)
    (package / "lame.py").write_text("import no_such_package_anywhere")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in [one for one in sys.modules if one.partition(".")[0] == "oldshop"]:
        del sys.modules[name]


def test_applications_and_factories_are_found() -> None:
    assert isinstance(load_application("oldshop.app:application", "wsgi"), flask.Flask)
    assert isinstance(load_application("oldshop.app:create_app()", "wsgi"), flask.Flask)
    assert isinstance(load_application("oldshop.app:modern", "asgi"), Starlette)
    assert isinstance(load_application("oldshop.app:create_modern()", "asgi"), Starlette)
    for name in ("plain", "PerRequest", "Factory()", "holder.app"):
        assert callable(load_application(f"oldshop.app:{name}", "wsgi"))
    for name in ("plain_modern", "Modern()"):
        assert callable(load_application(f"oldshop.app:{name}", "asgi"))


@pytest.mark.parametrize(
    ("name", "kind", "what", "remedy"),
    [
        ("oldshop.app", "wsgi", "names no application", "Write it like"),
        ("oldshop.ap:app", "wsgi", "no module oldshop.ap in the package oldshop", "Name one"),
        ("nonesuch.app:app", "wsgi", "there is no module nonesuch", "Name one"),
        ("oldshop.app:app", "wsgi", "there is no `app` in oldshop.app", "mean application?"),
        ("oldshop.app:aplication", "wsgi", "no `aplication`", "mean application?"),
        ("oldshop.app:creat_app()", "wsgi", "no `creat_app`", "mean create_app?"),
        ("oldshop.app:holder.ap", "wsgi", "no `ap` in oldshop.app.holder", "mean app?"),
        ("oldshop.app:create_app", "wsgi", "is a function that makes", "oldshop.app:create_app()"),
        ("oldshop.app:create_modern", "asgi", "that makes an application", "create_modern()"),
        ("oldshop.app:Factory", "wsgi", "is a class that makes", "oldshop.app:Factory()"),
        ("oldshop.app:Modern", "asgi", "is a class that makes", "oldshop.app:Modern()"),
        ("oldshop.app:application()", "wsgi", "is an application itself", "Leave the paren"),
        ("oldshop.app:plain()", "wsgi", "is an application itself", "Leave the parentheses"),
        ("oldshop.app:number()", "wsgi", "an object of int, which cannot", "Leave the"),
        ("oldshop.app:needs()", "wsgi", "needs arguments: name", "Write one that needs none"),
        ("oldshop.app:none()", "wsgi", "returned None", "Have it return"),
        ("oldshop.app:later()", "asgi", "is an `async def`", "plain `def`"),
        ("oldshop.app:number", "wsgi", "is an object of int, and no application", "Name the"),
        ("oldshop.app:application", "asgi", "is a WSGI application, and not an", "wsgi = "),
        ("oldshop.app:plain", "asgi", "is a WSGI application", "wsgi = "),
        ("oldshop.app:modern", "wsgi", "is an ASGI application, and not a", "asgi = "),
        ("oldshop.app:plain_modern", "wsgi", "is an ASGI application", "asgi = "),
        ("oldshop.app:create_modern()", "wsgi", "is an ASGI application", "asgi = "),
    ],
)
def test_what_is_wrong_is_named_with_the_remedy(
    name: str, kind: Literal["asgi", "wsgi"], what: str, remedy: str
) -> None:
    with pytest.raises(ProgramMistake) as caught:
        load_application(name, kind)
    assert what in caught.value.what
    assert remedy in caught.value.remedy


def test_what_a_program_needs_itself_is_named_where_it_is_imported(tmp_path: Path) -> None:
    """And not by forty lines of how it came to be imported."""
    with pytest.raises(ProgramMistake) as caught:
        load_application("oldshop.lame:app", "wsgi")
    lame = tmp_path / "oldshop" / "lame.py"
    assert caught.value.what == f"{lame}:1: there is no module no_such_package_anywhere"
    assert "Run `pip install no_such_package_anywhere`" in caught.value.remedy
