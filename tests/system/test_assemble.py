"""A checked system is built, started, called and stopped as a whole."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import new_class
from typing import Any

import msgspec
import pytest

from coterie import Code, Contract, Failure, calling, get
from coterie.call import Call, Principal, Reply
from coterie.server import State
from coterie.system import Assembly, SystemProblems, assemble, load
from tests.system.folder import Folder

CONTRACTS = """
    from coterie import Contract, Event, Struct, anyone, call, get, post, role

    class Noted(Struct):
        word: str

    class Words(Contract, version="1.0"):
        noted = Event(Noted)

        @post("/words/{word}")
        async def note(self, word: str) -> int: ...

        @get("/words")
        async def words(self) -> list[str]: ...

        @call()
        async def secret(self) -> str: ...

    class Echo(Contract, version="1.0"):
        @get("/echo/{word}")
        async def echo(self, word: str, times: int = 1) -> str: ...
"""

ECHO = """
    from wordy.contracts import Echo, Words
    from coterie import Struct, on_start, on_stop

    LIFE: list[str] = []

    class Settings(Struct, frozen=True):
        mark: str = "!"

    class Part:
        def __init__(self, settings: Settings) -> None:
            self.settings = settings

        @on_start
        async def begin(self) -> None:
            LIFE.append("part starts")

    class Marker:
        def __init__(self, part: Part) -> None:
            self.part = part

    class EchoService(Echo):
        def __init__(self, words: Words, marker: Marker, part: Part, *, limit: int = 3) -> None:
            self.words = words
            self.marker = marker
            self.part = part
            self.limit = limit

        @on_start
        async def begin(self) -> None:
            LIFE.append("echo starts")

        @on_stop
        async def end(self) -> None:
            LIFE.append("echo stops")

        async def echo(self, word: str, times: int = 1) -> str:
            known = await self.words.note(word)
            return word * times + self.marker.part.settings.mark * known
"""

WORDS = """
    from wordy.contracts import Echo, Noted, Words
    from wordy.echo import LIFE
    from coterie import on_start, on_stop

    class WordService(Words):
        def __init__(self, echo: Echo) -> None:
            self.echo = echo
            self.known: list[str] = []

        @on_start
        async def begin(self) -> None:
            LIFE.append("words start")

        @on_stop
        async def end(self) -> None:
            LIFE.append("words stop")

        async def note(self, word: str) -> int:
            self.known.append(word)
            await self.noted(Noted(word))
            return len(self.known)

        async def words(self) -> list[str]:
            return self.known

        async def secret(self) -> str:
            return "hidden"
"""

TOML = """
    [system]
    name = "wordy"
    [service.echo]
    implements = "wordy.echo:EchoService"
    [service.words]
    implements = "wordy.words:WordService"
"""


def wordy(folder: Folder, more: str = "", words: str = WORDS, echo: str = ECHO) -> None:
    folder.write("wordy/__init__.py", "")
    folder.write("wordy/contracts.py", CONTRACTS)
    folder.write("wordy/echo.py", echo)
    folder.write("wordy/words.py", words)
    folder.toml(TOML + more)


def built(folder: Folder, **options: Any) -> Assembly:
    return assemble(load(folder.path, environment={}), access=False, **options)


@asynccontextmanager
async def up(
    folder: Folder, replace: Mapping[type, object] | None = None
) -> AsyncGenerator[Assembly]:
    assembly = built(folder, replace=replace)
    await assembly.start()
    try:
        yield assembly
    finally:
        await assembly.stop()


def named(folder: Folder, name: str) -> Any:
    """A class of the folder's, as its own modules know it."""
    load(folder.path, environment={})
    module, _, attribute = name.partition(":")
    return getattr(sys.modules[module], attribute)


async def asked(
    assembly: Assembly, path: str, method: str = "GET", **headers: str
) -> tuple[int, Any]:
    """Status and body of one request to the gateway."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    await assembly.app(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent[1:])
    kind = dict(sent[0]["headers"]).get(b"content-type", b"")
    return sent[0]["status"], msgspec.json.decode(body) if b"json" in kind else body


# --- Building ----------------------------------------------------------------------------------


async def test_services_that_call_each_other_run_in_one_process(folder: Folder) -> None:
    """Each constructor gets what it asks for, by type; a ring of services is no hindrance."""
    wordy(folder, '[service.echo.settings]\nmark = "?"\n')
    async with up(folder) as assembly:
        echo = assembly.client(named(folder, "wordy.contracts:Echo"))
        assert await echo.echo("a") == "a?"
        assert await echo.echo("b", times=2) == "bb??"
        status, body = await asked(assembly, "/words")
        assert (status, body) == (200, ["a", "b"])


async def test_each_class_is_built_once_for_a_service(folder: Folder) -> None:
    """Lifetimes: as long as the service, shared inside it; defaults stay defaults."""
    wordy(folder)
    service: Any = built(folder).host("echo").service
    assert service.part is service.marker.part
    assert service.part.settings.mark == "!"
    assert service.limit == 3


async def test_life_has_one_order(folder: Folder) -> None:
    """Who is called starts before who calls, parts before their service; stopping is reversed."""
    wordy(folder)
    folder.write(
        "wordy/words.py", WORDS.replace("self, echo: Echo", "self").replace("echo\n", "0\n")
    )
    async with up(folder) as assembly:
        life = named(folder, "wordy.echo:LIFE")
        assert life == ["words start", "part starts", "echo starts"]
        assert (await asked(assembly, "/health/ready"))[0] == 200
    assert life[3:] == ["echo stops", "words stop"]
    assert [host.state for host in assembly.hosts] == [State.STOPPED, State.STOPPED]
    assert (await asked(assembly, "/health/ready"))[0] == 503


async def test_one_class_may_keep_several_promises(folder: Folder) -> None:
    """An implementation of two contracts is one service, found under either."""
    wordy(folder)
    folder.write(
        "wordy/both.py",
        """
        from wordy.contracts import Echo, Words
        from coterie import Contract, Service, get

        class Both(Words, Echo):
            async def note(self, word: str) -> int:
                return 1
            async def words(self) -> list[str]:
                return ["w"]
            async def secret(self) -> str:
                return "s"
            async def echo(self, word: str, times: int = 1) -> str:
                return word

        class Hello(Service, version="1.0"):
            def __init__(self, words: Words) -> None:
                self.words_of = words

            @get("/hello")
            async def hello(self) -> list[str]:
                return await self.words_of.words()
        """,
    )
    folder.toml("""
        [system]
        name = "wordy"
        [service.both]
        implements = "wordy.both:Both"
        [service.hello]
        implements = "wordy.both:Hello"
    """)
    async with up(folder) as assembly:
        assert await asked(assembly, "/hello") == (200, ["w"])
        assert await asked(assembly, "/echo/x") == (200, "x")


async def test_only_the_gateway_s_routes_are_reachable(folder: Folder) -> None:
    """What services call each other for, a private service, and an unknown path are refused."""
    wordy(folder, "[gateway]\ncors = ['https://a.example']\n")
    async with up(folder) as assembly:
        secret = "/words.v1/secret"
        assert (await asked(assembly, secret, "POST"))[0] == 404
        assert (await asked(assembly, "/nowhere"))[0] == 404
        assert (await asked(assembly, "/words"))[0] == 200
    folder.toml(TOML + "public = false\n")
    async with up(folder) as assembly:
        assert (await asked(assembly, "/words"))[0] == 404
        assert await asked(assembly, "/echo/a") == (200, "a!")


async def test_the_gateway_describes_the_system(folder: Folder) -> None:
    """/openapi.json tells every public operation; docs = false keeps it to oneself."""
    wordy(folder)
    status, document = await asked(built(folder), "/openapi.json")
    assert status == 200
    assert document["info"]["title"] == "wordy"
    assert set(document["paths"]) == {"/words/{word}", "/words", "/echo/{word}"}
    status, document = await asked(built(folder), "/openapi/echo.json")
    assert (status, set(document["paths"])) == (200, {"/echo/{word}"})
    assert (await asked(built(folder), "/docs"))[0] == 200
    folder.toml(TOML + "[gateway]\ndocs = false\n")
    for path in ("/openapi.json", "/openapi/echo.json", "/docs"):
        assert (await asked(built(folder), path))[0] == 404


async def test_calls_leave_spans(folder: Folder) -> None:
    """What was called lately can be asked, in one trace."""
    wordy(folder)
    async with up(folder) as assembly:
        await asked(assembly, "/echo/a")
        assert [span.operation for span in assembly.spans] == ["words.note", "echo.echo"]
        assert len({span.trace.trace_id for span in assembly.spans}) == 1


async def test_the_default_deadline_is_the_policy_s(folder: Folder) -> None:
    """A call that takes longer than [policy] timeout is stopped."""
    stuck = WORDS.replace("return self.known\n", "await asyncio.Event().wait()\n")
    wordy(folder, "[policy]\ntimeout = 0.01\n", words=f"    import asyncio\n{stuck}")
    async with up(folder) as assembly:
        with pytest.raises(Failure) as caught:
            await assembly.client(named(folder, "wordy.contracts:Words")).words()
    assert caught.value.code is Code.DEADLINE_EXCEEDED


async def test_the_body_limit_is_the_policy_s(folder: Folder) -> None:
    """[policy] body_limit is what the gateway takes."""
    wordy(folder, '[policy]\nbody_limit = "2KiB"\n')
    async with up(folder) as assembly:
        headers = {"content-length": "2049"}
        assert (await asked(assembly, "/words/a", "POST", **headers))[0] == 413


# --- Identity ----------------------------------------------------------------------------------

LOGIN = """
    from coterie import Service, anyone, get, post, role
    from coterie.identity import TokenIssuer, TokenVerifier

    class Login(Service, version="1.0"):
        def __init__(self, tokens: TokenIssuer, verifier: TokenVerifier) -> None:
            self.tokens = tokens
            self.verifier = verifier

        @post("/login", allow=anyone)
        async def login(self) -> str:
            token = self.tokens.issue("7", roles=["admin"]).access_token
            return self.verifier.verify(token).subject + " " + token

        @get("/plain")
        async def plain(self) -> str:
            return "plain"

        @get("/ruled", allow=role("admin"))
        async def ruled(self) -> str:
            return "ruled"
"""


def login(folder: Folder, more: str = "") -> None:
    folder.write("login.py", LOGIN)
    folder.toml(f"""
        [system]
        name = "login"
        [service.login]
        implements = "login:Login"
        [identity]
        {more}
    """)


async def test_identity_is_asked_for_unless_a_rule_says_otherwise(folder: Folder) -> None:
    """With [identity], what declares no rule needs a caller who proved who they are."""
    login(folder)
    async with up(folder) as assembly:
        subject, token = (await asked(assembly, "/login", "POST"))[1].split()
        assert subject == "7"
        for path in ("/plain", "/ruled"):
            assert (await asked(assembly, path))[0] == 401
            assert (await asked(assembly, path, authorization="Bearer x.y.z"))[0] == 401
            assert await asked(assembly, path, authorization=f"Bearer {token}") == (200, path[1:])
        status, keys = await asked(assembly, "/.well-known/jwks.json")
        assert (status, len(keys["keys"])) == (200, 1)
        assert "d" not in keys["keys"][0]


async def test_without_identity_what_has_no_rule_is_open(folder: Folder) -> None:
    """Control: the table is the switch."""
    folder.write(
        "plain.py",
        LOGIN.partition("    class")[0].replace("TokenIssuer, ", "")
        + """
    class Plain(Service, version="1.0"):
        @get("/plain")
        async def plain(self) -> str:
            return "plain"
""",
    )
    folder.toml('[system]\nname = "a"\n[service.plain]\nimplements = "plain:Plain"\n')
    async with up(folder) as assembly:
        assert await asked(assembly, "/plain") == (200, "plain")
        assert (await asked(assembly, "/.well-known/jwks.json"))[0] == 404


async def test_keys_outlive_the_system(folder: Folder) -> None:
    """Who is logged in stays so over a restart."""
    login(folder)
    async with up(folder) as assembly:
        token = (await asked(assembly, "/login", "POST"))[1].split()[1]
    async with up(folder) as assembly:
        assert (await asked(assembly, "/plain", authorization=f"Bearer {token}"))[0] == 200


async def test_a_damaged_key_file_is_named(folder: Folder) -> None:
    """With the file, the table it belongs to, and what to do."""
    login(folder)
    built(folder)
    (file,) = (folder.path / ".coterie" / "identity").glob("*.json")
    file.write_text("{}")
    with pytest.raises(SystemProblems, match=r"coterie.toml:5: \[identity\] has no keys.*damaged"):
        built(folder)


# --- Databases ---------------------------------------------------------------------------------

KEEPER = """
    from coterie import Service, get, post, seed
    from coterie.store import Database
    from sqlalchemy import text

    class Store:
        def __init__(self, database: Database) -> None:
            self.database = database

        @seed
        async def first(self) -> None:
            await self.add("first")

        async def add(self, word: str) -> None:
            await self.database.execute(text("INSERT INTO NAME VALUES (:word)"), {"word": word})

    class Keeper(Service, version="1.0", name="NAME"):
        def __init__(self, store: Store, database: Database) -> None:
            self.store = store
            self.database = database

        @post("/NAME/{word}")
        async def add(self, word: str) -> None:
            await self.store.add(word)
            if word == "bad":
                raise ValueError("no such word")

        @get("/NAME")
        async def all(self) -> list[str]:
            rows = await self.database.execute(text("SELECT word FROM NAME"))
            return [row[0] for row in rows]
"""

MIGRATION = """
    from alembic import op
    import sqlalchemy as sa

    revision = "0001"
    down_revision = None

    def upgrade() -> None:
        op.create_table("NAME", sa.Column("word", sa.String(20)))
"""


def keeper(folder: Folder, *names: str, more: str = "") -> None:
    tables = ""
    for name in names:
        folder.write(f"{name}/__init__.py", KEEPER.replace("NAME", name))
        folder.write(f"{name}/migrations/0001.py", MIGRATION.replace("NAME", name))
        tables += f'[service.{name}]\nimplements = "{name}:Keeper"\n'
    folder.toml(f'[system]\nname = "keepers"\n{tables}{more}')


async def test_databases_are_migrated_and_seeded_once(folder: Folder) -> None:
    """Tables and first rows are there before the first call, and a restart adds nothing."""
    keeper(folder, "red", "blue")
    for _ in range(2):
        async with up(folder) as assembly:
            assert await asked(assembly, "/red") == (200, ["first"])
            assert await asked(assembly, "/blue") == (200, ["first"])
    assert {file.name for file in (folder.path / ".coterie").glob("*.db")} == {"red.db", "blue.db"}


async def test_a_call_keeps_everything_or_nothing(folder: Folder) -> None:
    """Each call is one unit of work, through the gateway and between services alike."""
    keeper(folder, "red")
    async with up(folder) as assembly:
        assert (await asked(assembly, "/red/good", "POST"))[0] == 204
        assert (await asked(assembly, "/red/bad", "POST"))[0] == 500
        assert (await asked(assembly, "/red"))[1] == ["first", "good"]


async def test_services_may_share_a_database(folder: Folder) -> None:
    """One file where the toml says so, each with its own tables and its own migrations."""
    keeper(folder, "red", "blue", more='[engines]\ndatabase = "sqlite:///all.db"\n')
    async with up(folder) as assembly:
        await asyncio.gather(
            *(asked(assembly, f"/{name}/{i}", "POST") for i in range(5) for name in ("red", "blue"))
        )
        assert sorted((await asked(assembly, "/blue"))[1]) == ["0", "1", "2", "3", "4", "first"]
    with sqlite3.connect(folder.path / "all.db") as file:
        tables = {row[0] for row in file.execute("SELECT name FROM sqlite_master")}
    file.close()
    assert {"red", "blue"} <= tables


async def test_a_database_that_cannot_be_used_is_named(folder: Folder) -> None:
    """A state folder that is damaged stops the system before it serves, with the remedy."""
    keeper(folder, "red", more='[engines]\ndatabase = "sqlite:///red.db"\n')
    (folder.path / "red.db").write_bytes(b"this was never a database, whatever its name says" * 50)
    assembly = built(folder)
    with pytest.raises(SystemProblems, match=r"toml:6: service red cannot use its database. .*red"):
        await assembly.start()
    assert assembly.host("red").state is not State.READY


async def test_a_seed_that_fails_is_named(folder: Folder) -> None:
    """With the user's own line, and it runs again next time."""
    keeper(folder, "red")
    broken = KEEPER.replace("NAME", "red").replace('await self.add("first")', "1 / 0")
    folder.write("red/__init__.py", broken)
    with pytest.raises(
        SystemProblems, match=r"red/__init__.py:11: service red: a seed raised Zero"
    ):
        await built(folder).start()


async def test_a_seed_without_a_database_is_told(folder: Folder) -> None:
    """Once per database needs one."""
    wordy(
        folder,
        echo=ECHO.replace(
            "on_start\n        async def begin", "seed\n        async def begin"
        ).replace("on_start, on_stop", "on_stop, seed"),
    )
    with pytest.raises(SystemProblems, match=r"toml:3: service echo: Part.begin is a seed, and"):
        built(folder)


# --- What fails while starting -----------------------------------------------------------------


async def test_a_constructor_that_fails_is_named(folder: Folder) -> None:
    """Service, file and line, instead of a traceback."""
    wordy(folder, echo=ECHO.replace("self.limit = limit", "self.limit = 1 / 0"))
    with pytest.raises(
        SystemProblems, match=r"wordy/echo.py:\d+: service echo: building it raised"
    ):
        built(folder)


async def test_a_start_hook_that_fails_is_named_and_all_is_stopped(folder: Folder) -> None:
    """No half of a system is left running."""
    wordy(folder, echo=ECHO.replace('LIFE.append("echo starts")', "raise OSError('no such mail')"))
    assembly = built(folder)
    with pytest.raises(SystemProblems, match=r"echo.py:\d+: service echo: a start hook raised OSE"):
        await assembly.start()
    assert {host.state for host in assembly.hosts} <= {State.STOPPED, State.BUILT}


async def test_a_service_that_never_becomes_ready_is_named(folder: Folder) -> None:
    """Its start is given up, and the message says what to look for."""
    stuck = ECHO.replace('LIFE.append("echo starts")', "await asyncio.Event().wait()")
    wordy(folder, echo=f"    import asyncio\n{stuck}")
    assembly = built(folder)
    assembly.patience = 0.01
    with pytest.raises(SystemProblems, match=r"toml:3: service echo: it was not ready after"):
        await assembly.start()


# --- Replacing ---------------------------------------------------------------------------------


async def test_a_contract_can_be_replaced(folder: Folder) -> None:
    """A fake stands in for a whole service, which is not even built."""
    wordy(folder, words=WORDS.replace("self.echo = echo", "raise OSError"))
    words = named_after_import(folder, "wordy.contracts", "Words")

    async def note(self: object, word: str) -> int:
        return 4

    fake = new_class("Fake", (words,), {"abstract": True}, lambda names: names.update(note=note))

    async with up(folder, {words: fake()}) as assembly:
        assert await asked(assembly, "/echo/a") == (200, "a!!!!")
        assert (await asked(assembly, "/words/x", "POST"))[1] == 4
        assert await assembly.client(words).note("x") == 4


async def test_a_handler_can_stand_in_for_a_contract(folder: Folder) -> None:
    """Any answer at all, failures too."""
    wordy(folder)
    words = named_after_import(folder, "wordy.contracts", "Words")

    async def refuse(call: Call) -> Reply:
        raise Failure(Code.UNAVAILABLE, f"{call.operation.name} is away")

    async with up(folder, {words: refuse}) as assembly:
        status, body = await asked(assembly, "/echo/a")
        assert status == 503
    assert body["detail"] == "echo.echo could not be finished: another service answered unavailable"


async def test_a_class_can_be_replaced(folder: Folder) -> None:
    """A part that services are made of, by an instance."""
    wordy(folder)
    part = named_after_import(folder, "wordy.echo", "Part")
    settings = named_after_import(folder, "wordy.echo", "Settings")
    async with up(folder, {part: part(settings("*"))}) as assembly:
        assert await asked(assembly, "/echo/a") == (200, "a*")


async def test_what_nothing_asks_for_cannot_be_replaced(folder: Folder) -> None:
    """A replacement that replaces nothing is a mistake in a test."""

    class Other(Contract, version="1.0"):
        @get("/other")
        async def other(self) -> None: ...

    wordy(folder)
    with pytest.raises(LookupError, match="nothing in wordy implements or asks for Other"):
        built(folder, replace={Other: object()})
    words = named_after_import(folder, "wordy.contracts", "Words")
    with pytest.raises(TypeError, match="Words can be replaced by an instance of a class that"):
        built(folder, replace={words: 3})


async def test_an_unknown_service_is_named_with_those_there_are(folder: Folder) -> None:
    """Asking an assembly for what it has not got."""
    wordy(folder)
    assembly = built(folder)
    with pytest.raises(LookupError, match="wordy runs no service 'eco'; it runs words, echo"):
        assembly.host("eco")


async def test_calls_carry_who_calls_from_service_to_service(folder: Folder) -> None:
    """In one process the context goes along as it would over a wire."""
    who = WORDS.replace("return self.known\n", "return [current().principal.subject]\n")
    wordy(folder, words=f"    from coterie import current\n{who}")
    async with up(folder) as assembly:
        with calling(principal=Principal("alice")):
            found = await assembly.client(named(folder, "wordy.contracts:Words")).words()
    assert found == ["alice"]


def named_after_import(folder: Folder, module: str, name: str) -> Any:
    """A class of the folder's, before anything of it was assembled."""
    sys.path.insert(0, str(folder.path))
    __import__(module)
    return getattr(sys.modules[module], name)


# --- What starting costs -----------------------------------------------------------------------

_IMPORTED = """
import sys
import coterie.system
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_a_system_without_an_engine_does_not_load_its_vendor() -> None:
    """A first service starts without a database toolkit or a cryptography library."""
    command = [sys.executable, "-c", _IMPORTED]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert {"msgspec", "uvicorn"} <= set(found)  # control: what is needed is seen
    assert not {"sqlalchemy", "alembic", "aiosqlite", "joserfc", "cryptography"} & set(found)


def test_only_this_room_reads_the_environment(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless one is given, the process's own environment counts."""
    wordy(folder, '[gateway]\nhost = "${WORDY_HOST:-localhost}"\n')
    monkeypatch.setenv("WORDY_HOST", "10.0.0.1")
    assert load(Path(folder.path)).gateway.host == "10.0.0.1"
    assert load(folder.path, environment={}).gateway.host == "localhost"


@pytest.mark.promise("W2-01")
async def test_the_state_is_for_its_owner_alone(folder: Folder) -> None:
    """The folder with databases and keys is closed to other users of the machine."""
    wordy(folder, "[identity]\n")
    async with up(folder) as assembly:
        assert assembly.system.state.stat().st_mode & 0o777 == 0o700
