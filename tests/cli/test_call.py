"""`coterie call`: a typed call from the terminal, its result on one stream, its errors on the other."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Coterie, Done
from tests.console.process import Command, free_port, system
from tests.system.folder import Folder

SHELF = '''
    import asyncio
    from collections.abc import AsyncIterator
    from typing import Annotated
    from coterie import (
        Body, Code, Content, Fault, Html, Meta, Redirect, Service, Struct,
        authenticated, anyone, call, current, get, post,
    )

    class Item(Struct, frozen=True):
        name: Annotated[str, Meta(min_length=1)]
        sizes: list[int] = []

    class Kept(Struct, frozen=True):
        number: int
        item: Item
        key: str | None

    class Full(Fault, code=Code.RESOURCE_EXHAUSTED, status=409):
        """Only {left} places left."""
        left: int

    class ShelfService(Service, version="1.0"):
        """A shelf."""

        @post("/items", faults=[Full], allow=anyone)
        async def keep(self, item: Item) -> Kept:
            if len(item.sizes) > 2:
                raise Full(left=2)
            return Kept(1, item, current().idempotency_key)

        @get("/items/{number}", allow=anyone)
        async def item(self, number: Annotated[int, Meta(le=10)], fail: bool = False) -> Item:
            if fail:
                raise ValueError("a defect")
            return Item(f"item {number}")

        @get("/page", allow=anyone)
        async def page(self) -> Html:
            return "<p>A page.</p>"

        @get("/bytes", allow=anyone)
        async def raw(self) -> Annotated[bytes, Content("image/png")]:
            return b"\\x89PNG"

        @post("/echo", allow=anyone)
        async def echo(self, content: Annotated[AsyncIterator[bytes], Body()]) -> AsyncIterator[bytes]:
            return content

        @get("/away", allow=anyone)
        async def away(self) -> Redirect:
            return Redirect("/items/1")

        @get("/none", allow=anyone)
        async def none(self) -> None: ...

        @get("/slow", allow=anyone)
        async def slow(self) -> None:
            await asyncio.Event().wait()

        @get("/mine", allow=authenticated)
        async def mine(self) -> str:
            return "yours"

        @call()
        async def inside(self) -> None: ...
'''
HIDDEN = """
    from coterie import Service, anyone, get

    class HiddenService(Service, version="1.0"):
        @get("/hidden", allow=anyone)
        async def look(self) -> None: ...
"""
TOML = """
[identity]

[profile.closed.service.hidden]
public = false
"""


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a shelf that runs."""
    folder = system(tmp_path_factory.mktemp("up"), TOML, shelf=SHELF, hidden=HIDDEN)
    with Command("up", "--one-process", folder) as command:
        yield f"http://127.0.0.1:{command.ready()}"


Call = Callable[..., Done]


@pytest.fixture
def call(up: str, coterie: Coterie, home: Folder) -> Call:
    """Calls an operation of the shelf: ``call("shelf-service.keep", "name=lamp")``."""
    system(home.path, TOML, shelf=SHELF, hidden=HIDDEN)
    return lambda *words, **given: coterie("call", *words, "--url", up, **given)


def test_a_typed_call(call: Call) -> None:
    """Words go in typed, the result comes out as JSON on one line."""
    done = call("shelf-service.keep", "name=lamp", "sizes=1", "sizes=2")
    assert done == (0, '{"number":1,"item":{"name":"lamp","sizes":[1,2]},"key":null}\n', "")
    done = call("shelf-service.keep", "-", "--idempotency-key", "k1", stdin='{"name": "lamp"}')
    assert done.json() == {"number": 1, "item": {"name": "lamp", "sizes": []}, "key": "k1"}
    assert call("shelf-service.item", "number=3").json()["name"] == "item 3"


def test_the_running_system_is_asked_wherever_it_listens(
    coterie: Coterie, home: Folder, up: str
) -> None:
    """Not what listens where coterie.toml says: that may be another system, with other data."""
    theirs = up.rpartition(":")[2]
    ours = HIDDEN.replace("HiddenService", "ShelfService").replace(
        "async def look(self) -> None: ...", "async def look(self) -> str: return 'ours'"
    )
    folder = system(home.path, shelf=ours)
    written = folder / "coterie.toml"
    written.write_text(re.sub(r"port = \d+", f"port = {theirs}", written.read_text()))
    words = ("shelf-service.look", "--system", folder)
    with Command("up", folder, "--port", "0") as command:
        assert str(command.ready()) != theirs
        assert coterie("call", *words).out == '"ours"\n'
    assert "no connection" not in coterie("call", *words).err  # control: the other one is asked


def test_results_that_are_no_json(call: Call) -> None:
    """Pages and files come as they are, streams as they come; nothing is nothing."""
    assert call("shelf-service.page").out == "<p>A page.</p>\n"
    assert call("shelf-service.page", "--json").json() == "<p>A page.</p>"
    assert call("shelf-service.raw").out == b"\x89PNG".decode(errors="replace")
    assert call("shelf-service.echo", "content=@-", stdin="there and back").out == "there and back"
    assert call("shelf-service.away").json() == {"location": "/items/1", "status": 303}
    assert call("shelf-service.none") == (0, "", "")
    assert call("shelf-service.none", "--json").out == "null\n"


def test_a_fault_is_told_with_its_fields(call: Call) -> None:
    """For people in lines, for machines as an object; exit code 1."""
    words = ["shelf-service.keep", "name=x", "sizes=[1,2,3]"]
    done = call(*words)
    assert (done.code, done.out) == (1, "")
    assert done.err == "error: Only 2 places left.\n  full (status 409)\n  left = 2\n"
    done = call(*words, "--json")
    assert done.code == 1
    assert json.loads(done.err) == {
        "error": "Only 2 places left.",
        "fault": "full",
        "code": "resource_exhausted",
        "status": 409,
        "values": {"left": 2},
    }


def test_a_failure_is_told_with_its_code(call: Call) -> None:
    """A defect of the service is no traceback here, but the trace that finds it there."""
    done = call("shelf-service.item", "number=3", "fail=true")
    assert done.code == 1
    assert "error: shelf-service.item failed; its log tells why under trace" in done.err
    assert "internal (status 500)" in done.err
    told = json.loads(call("shelf-service.slow", "--timeout", "0.05", "--json").err)
    assert told["code"] == "deadline_exceeded"


def test_what_the_service_refuses_is_told_field_by_field(call: Call, home: Folder) -> None:
    """A caller whose contract is older sends what is refused there."""
    home.write(
        "lab/shelf.py", (home.path / "lab/shelf.py").read_text().replace("Meta(le=10)", "Meta()")
    )
    done = call("shelf-service.item", "number=11")
    assert done.code == 1
    assert "path #/number: Expected `int` <= 10" in done.err


def test_whoever_must_log_in_is_told_how(call: Call, home: Folder) -> None:
    """A token comes from the command line, or from a file where nobody sees it."""
    done = call("shelf-service.mine")
    assert done.code == 1
    assert "Send an access token with --token" in done.err
    token = home.write("token", "no.such.token\n")
    done = call("shelf-service.mine", "--token", f"@{token}")
    assert done.code == 1
    assert "Send an access token" not in done.err
    assert "unauthenticated" in done.err
    assert "nowhere cannot be read" in call("shelf-service.mine", "--token", "@nowhere").err


def test_where_nothing_listens_the_remedy_is_told(coterie: Coterie, home: Folder) -> None:
    """Is it up? The command that starts it can be copied."""
    port = free_port()
    system(home.path / "my lab", f"[profile.test.gateway]\nport = {port}\n", hidden=HIDDEN)
    words = ["call", "hidden-service.look", "--system", "my lab"]
    done = coterie(*words, "--profile", "test")
    assert done.code == 1
    assert "Is it up? Start it: coterie up 'my lab'\n" in done.err
    done = coterie(*words, "--url", f"http://127.0.0.1:{port}")
    assert f"Is it up at http://127.0.0.1:{port}?" in done.err
    assert "takes any free port. Say which with --url" in coterie(*words).err
    assert coterie(*words, "--url", "localhost").code == 2


UNREACHABLE = {
    "shelf-service.inside": "is for other services only",
    "shelf-service.kep": "Did you mean shelf-service.keep?",
    "keep": "Did you mean shelf-service.keep?",
    "nothing": "there is no operation 'nothing'",
}


@pytest.mark.parametrize("name", UNREACHABLE)
def test_what_cannot_be_called_is_told(call: Call, name: str) -> None:
    """Before anything is sent; exit code 2."""
    done = call(name)
    assert (done.code, done.out) == (2, "")
    assert UNREACHABLE[name] in done.err


def test_a_service_behind_the_gateway_is_told(call: Call) -> None:
    """What is not public has no way in, and that is said instead of a 404."""
    assert call("hidden-service.look").code == 0
    done = call("hidden-service.look", "--profile", "closed")
    assert done.code == 2
    assert "public = false" in done.err


def test_what_does_not_fit_is_told_with_what_would(call: Call) -> None:
    """The operation's own list, below the message."""
    done = call("shelf-service.keep", "nmae=lamp")
    assert done.code == 2
    assert done.err == (
        "error: shelf-service.keep takes no nmae. Did you mean name?\n"
        "  shelf-service.keep takes\n"
        "    name     text, at least 1 character\n"
        "    [sizes]  list of int\n"
    )
    told = json.loads(call("shelf-service.keep", "--json").err)
    assert told["error"] == "shelf-service.keep lacks name"
    assert told["details"][0] == "shelf-service.keep takes"


def test_a_system_that_is_wrong_is_told(coterie: Coterie, home: Folder) -> None:
    """File, line and remedy, as `coterie check` has them."""
    done = coterie("call", "a.b")
    assert done.code == 1
    assert done.err.startswith("coterie.toml: cannot be read: No such file or directory.")
    home.toml("[system]\n")
    told = json.loads(coterie("call", "a.b", "--json").err)
    assert told["error"] == "2 problems"
    assert {problem["line"] for problem in told["problems"]} == {1, None}
    assert Path(told["problems"][0]["file"]).name == "coterie.toml"
