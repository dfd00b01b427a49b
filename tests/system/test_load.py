"""``coterie.toml`` becomes a whole system, or a list of everything that is wrong with it."""

import contextlib
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from coterie.system import TABLES, System, SystemProblems, load
from coterie.system.program_specs import KINDS, PROGRAM_KEYS
from tests.system.folder import Folder, told
from tests.system.toml_texts import documents, nearly_right, systems

SHOP = '[system]\nname = "shop"\n[service.orders]\nimplements = "shop.orders:OrderService"\n'


def loaded(folder: Folder, text: str = "", **environment: str) -> System:
    folder.toml(SHOP + text)
    return load(folder.path, environment=environment)


def test_the_smallest_system_is_a_name_and_a_service(folder: Folder) -> None:
    """Everything else has a value that suits a laptop."""
    system = loaded(folder)
    service = system.service("orders")
    assert (system.name, system.version, system.folder) == ("shop", None, folder.path)
    assert (service.implements, service.replicas) == ("shop.orders:OrderService", 1)
    assert (system.gateway.host, system.gateway.port) == ("127.0.0.1", 8080)
    assert (system.policy.timeout, system.policy.body_limit) == (30.0, 1_048_576)
    assert system.identity is None
    assert system.state == folder.path / ".coterie"


def test_every_key_reaches_the_model(folder: Folder) -> None:
    """What the file says is what the system is."""
    system = loaded(
        folder,
        """
owner = "orders team"
replicas = 3
public = false
uses = { Payments = "payments-eu" }
settings = { page = 20, deep = { er = [1, 2] } }
database = "sqlite:///own.db"
migrations = "shop/orders/steps"
[gateway]
host = "0.0.0.0"
port = 80
cors = ["https://shop.example.org"]
docs = false
[identity]
lifetime = 60
audience = "everyone"
[policy]
timeout = 5
body_limit = "512KiB"
[engines]
state = "kept"
""",
    )
    service = system.services[0]
    assert (service.owner, service.replicas, service.public) == ("orders team", 3, False)
    assert service.uses == {"Payments": "payments-eu"}
    assert service.settings == {"page": 20, "deep": {"er": [1, 2]}}
    assert (service.database, service.migrations) == ("sqlite:///own.db", "shop/orders/steps")
    assert system.gateway.cors == ("https://shop.example.org",)
    assert not system.gateway.docs
    assert system.identity is not None
    assert (system.identity.issuer, system.identity.audience) == ("shop", "everyone")
    assert (system.policy.timeout, system.policy.body_limit) == (5.0, 524_288)
    assert system.state == folder.path / "kept"


def test_a_file_may_be_named_instead_of_its_folder(folder: Folder) -> None:
    """Another name for the file is as good."""
    folder.write("other.toml", SHOP)
    assert load(folder.path / "other.toml", environment={}).folder == folder.path


def test_state_may_be_kept_elsewhere(folder: Folder, tmp_path: Path) -> None:
    """A test keeps nothing in the folder of the system it tests."""
    folder.toml(SHOP)
    system = load(folder.path, state=tmp_path / "away", environment={})
    assert system.database(system.services[0]) == f"sqlite:///{tmp_path}/away/orders.db"


EXAMPLES = [
    (table, field.encode_name)
    for table, struct in TABLES.items()
    for field in structs.fields(struct)
    if field.name != "name"
]


_OF_PROGRAMS: dict[str, str] = dict.fromkeys(PROGRAM_KEYS, "command = 'serve'\n")
KIND_FOR: dict[str, str] = {**_OF_PROGRAMS, "threads": "wsgi = 'a:b'\n", **dict.fromkeys(KINDS, "")}


@pytest.mark.parametrize(("table", "key"), EXAMPLES)
def test_the_example_of_every_key_is_right(table: str, key: str, tmp_path: Path) -> None:
    """What a message proposes can be pasted; and the control: a date is right for no key."""
    header = {"service": "service.other", "process": "process.core"}.get(table, table)
    plain = {
        "service": KIND_FOR.get(key, "implements = 'a:B'\n"),
        "process": "together = ['orders']\n" if key != "together" else "",
        "chaos": "workload = 'a:B'\n" if key != "workload" else "",
    }
    text = SHOP if table != "system" else SHOP.replace("[system]\n", "")
    text += "[service.users]\nimplements = 'a:B'\n"
    before = f"[{header}]\n{plain.get(table, '')}"
    wrong = told(f"{before}{key} = 1979-05-27\n{text}", tmp_path)
    assert len(wrong) == 1
    example = wrong[0].partition("For example ")[2].removesuffix(".")
    assert example.startswith(f"{key} = ")
    assert told(f"{before}{example}\n{text}", tmp_path) == []


# --- Where a service's database is -------------------------------------------------------------


@pytest.mark.promise("S2-42")
def test_database_url_moves_the_databases(folder: Folder) -> None:
    """DATABASE_URL of the environment counts before what the file says for all services."""
    text = '[engines]\ndatabase = "sqlite:///one.db"\n'
    moved = loaded(folder, text, DATABASE_URL="sqlite:////app/database/centraldb.sqlite3")
    assert moved.database(moved.services[0]) == "sqlite:////app/database/centraldb.sqlite3"
    # Control: without it the file decides; empty is as good as missing.
    for environment in ({}, {"DATABASE_URL": ""}):
        system = loaded(folder, text, **environment)
        assert system.database(system.services[0]) == f"sqlite:///{folder.path}/one.db"


def test_a_service_keeps_the_database_it_names(folder: Folder) -> None:
    """What one service says of itself counts before DATABASE_URL, which speaks for all."""
    system = loaded(folder, 'database = "postgresql://db/orders"\n', DATABASE_URL="sqlite:////x")
    assert system.database(system.services[0]) == "postgresql://db/orders"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("sqlite:///{state}/{service}.db", "sqlite:///HOME/.coterie/orders.db"),
        ("sqlite:///data/x.db", "sqlite:///HOME/data/x.db"),
        ("sqlite+aiosqlite:///x.db", "sqlite+aiosqlite:///HOME/x.db"),
        ("sqlite:////data/x.db", "sqlite:////data/x.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("postgresql://db/{service}", "postgresql://db/orders"),
    ],
)
def test_paths_of_databases_belong_to_the_system(folder: Folder, written: str, meant: str) -> None:
    """Three slashes begin in the system's folder, from wherever it is started; four at the root."""
    system = loaded(folder, f'[engines]\ndatabase = "{written}"\n')
    assert system.database(system.services[0]) == meant.replace("HOME", str(folder.path))


# --- Variables and profiles --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("${TEAM}", "blue"),
        ("the ${TEAM} team", "the blue team"),
        ("${NONE:-green}", "green"),
        ("${EMPTY:-green}", "green"),
        ("${EMPTY}!", "!"),
        ("${NONE:-}x", "x"),
        ("${TEAM:-green}", "blue"),
        ("$${TEAM}", "${TEAM}"),
        ("$TEAM {TEAM}", "$TEAM {TEAM}"),
    ],
)
def test_variables_are_filled_in(folder: Folder, written: str, value: str) -> None:
    """${NAME} and ${NAME:-default} stand for what the environment says."""
    assert (
        loaded(folder, f'owner = "{written}"\n', TEAM="blue", EMPTY="").services[0].owner == value
    )


def test_a_variable_may_be_a_number(folder: Folder) -> None:
    """What the environment gives is text, and serves where a number is asked for."""
    system = loaded(folder, '[gateway]\nport = "${PORT}"\ndocs = "${DOCS:-false}"\n', PORT="9000")
    assert (system.gateway.port, system.gateway.docs) == (9000, False)


PROFILES = """
settings = { a = 1, b = { c = 2, d = 3 } }
[gateway]
port = 8080
host = "127.0.0.1"
[profile.dev]
gateway.port = 9000
service.orders.settings = { b = { c = 4 } }
[profile.prod.gateway]
host = "${HOST}"
[profile.prod.identity]
"""


def test_a_profile_is_laid_over_key_by_key(folder: Folder) -> None:
    """A profile says what differs, and nothing else changes."""
    folder.toml(SHOP + PROFILES)
    system = load(folder.path, profile="dev", environment={})
    assert (system.profile, system.gateway.port, system.gateway.host) == ("dev", 9000, "127.0.0.1")
    assert system.services[0].settings == {"a": 1, "b": {"c": 4, "d": 3}}
    assert loaded(folder, PROFILES).gateway.port == 8080


def test_variables_of_another_profile_need_not_be_set(folder: Folder) -> None:
    """A laptop knows nothing of production's environment."""
    assert loaded(folder, PROFILES).identity is None
    with pytest.raises(SystemProblems, match="HOST"):
        load(folder.path, profile="prod", environment={})
    system = load(folder.path, profile="prod", environment={"HOST": "::"})
    assert system.gateway.host == "::"
    assert system.identity is not None


def test_a_profile_may_complete_what_is_missing(folder: Folder) -> None:
    """What a profile gives is not missing under it, and is without it."""
    folder.toml('[system]\nname = "shop"\n[profile.one.service.hello]\nimplements = "a:B"\n')
    assert load(folder.path, profile="one", environment={}).service("hello").implements == "a:B"
    with pytest.raises(SystemProblems, match="there is no service"):
        load(folder.path, environment={})


def test_an_unknown_profile_is_named(folder: Folder) -> None:
    """A misspelt profile is met with the one that was meant."""
    folder.toml(SHOP + PROFILES)
    with pytest.raises(SystemProblems) as caught:
        load(folder.path, profile="prd", environment={})
    assert str(caught.value).endswith("there is no profile 'prd'. Did you mean prod?")


# --- Broken files ------------------------------------------------------------------------------

BROKEN: list[tuple[str, list[str]]] = [
    ("[system", ["1: this is no TOML: expected ']' at the end of a table declaration."]),
    ('x = "a', ["1: this is no TOML: unterminated string."]),
    (f"{SHOP}[system]\n", ["5: this is no TOML: cannot declare ('system',) twice."]),
    (f"x = {'1' * 5000}", [" this is no TOML"]),
    (f"x = {'[' * 5000}", [" tables or lists are nested too deeply. Nest less."]),
    (f"{'.'.join('a' * 20_000)} = 1", [" tables or lists are nested too deeply."]),
    ("", [" [system] lacks name. Add name = ", " there is no service."]),
    ('[system]\nname = "shop"\n', [" there is no service."]),
    (
        "[service.a]\n[system]\n",
        [
            "1: [service.a] says neither implements nor asgi, wsgi or command. Add",
            "2: [system] lacks name.",
        ],
    ),
    (
        f"{SHOP}implement = 1\n",
        ["5: [service.orders] has no key implement. Did you mean implements"],
    ),
    (
        f"{SHOP}port = 80\n",
        ["5: [service.orders] port belongs to asgi, wsgi or command, and this is implements."],
    ),
    (f"{SHOP}xyzzy = 80\n", ["5: [service.orders] has no key xyzzy. It takes implements, asgi,"]),
    (f"{SHOP}[gatway]\n", ["5: there is no table [gatway]. Did you mean [gateway]?"]),
    (
        f"{SHOP}[[gateway]]\n",
        ["5: [gateway] is no table. Write a line [gateway] and keys below it."],
    ),
    (f"{SHOP}[xyzzy]\n", ["5: there is no table [xyzzy]. There are [system], [service],"]),
    (f"zzz = 1\n{SHOP}", ["1: zzz stands outside of any table. Put it below the table"]),
    (f"gateway = 1\n{SHOP}", ["1: [gateway] is no table."]),
    (
        "service = 1\n[system]\nname = 'a'\n",
        ["1: service is no table. Write a line [service.NAME]"],
    ),
    (f"{SHOP}[service]\nx = 1\n", ["6: [service] x is no service. Give each service a table"]),
    (f"{SHOP}[[service.x]]\n", ["5: [service] x is no service."]),
    (
        f'{SHOP}[service.Big_One]\nimplements = "a:B"\n',
        ["5: the name 'Big_One' is none that hosts and files can have too. Write lowercase"],
    ),
    (f'{SHOP}[service."x\\n"]\nimplements = "a:B"\n', ["5: the name 'x\\n' is none that hosts"]),
    (SHOP.replace('Service"', 'Service\\n"'), ["4: [service.orders] implements takes a class"]),
    (f'{SHOP}[gateway]\ncors = ["http://a\\n"]\n', ["6: [gateway] cors takes a list of origins"]),
    (f'{SHOP}[service."../x"]\nimplements = "a:B"\n', ["5: the name '../x' is none that hosts"]),
    (
        SHOP.replace("shop.orders:", "shop.orders."),
        ["4: [service.orders] implements takes a class"],
    ),
    (
        f"{SHOP}replicas = 0\n",
        [
            "5: [service.orders] replicas takes a whole number, 1 to 1000, or a table of min, max and target_in_flight, not 0"
        ],
    ),
    (
        f"{SHOP}replicas = true\n",
        [
            "5: [service.orders] replicas takes a whole number, 1 to 1000, or a table of min, max and target_in_flight, not"
        ],
    ),
    (f"{SHOP}uses = {{ a = 1 }}\n", ["5: [service.orders] uses takes a table from contract to"]),
    (
        f"{SHOP}[gateway]\nport = 65536\n",
        ["6: [gateway] port takes a port, 0 to 65535, not 65536."],
    ),
    (f"{SHOP}[gateway]\nport = 1979-05-27\n", ["6: [gateway] port takes a port, 0 to 65535. For"]),
    (f"{SHOP}[gateway]\ncors = ['http://a/']\n", ["6: [gateway] cors takes a list of origins"]),
    (f"{SHOP}[gateway]\ncors = ['*', 'http://a']\n", ['6: [gateway] cors: "*" already is every']),
    (f"{SHOP}[policy]\ntimeout = nan\n", ["6: [policy] timeout takes seconds, above 0, 86400 at"]),
    (f"{SHOP}[policy]\ntimeout = inf\n", ["6: [policy] timeout takes seconds"]),
    (
        f"{SHOP}[policy]\nbody_limit = '1 potato'\n",
        ["6: [policy] body_limit takes a size, such as"],
    ),
    (f"{SHOP}[policy]\nbody_limit = 0\n", ["6: [policy] body_limit takes a size"]),
    (f"{SHOP}[policy]\nbody_limit = true\n", ["6: [policy] body_limit takes a size"]),
    (
        f"{SHOP}[identity]\nlifetime = 1.5\n",
        ["6: [identity] lifetime takes whole seconds, 1 to 86400"],
    ),
    (
        f"{SHOP}[engines]\ndatabase = 'sqlite:///{{x}}'\n",
        ["6: database has a place {x} that nothing"],
    ),
    (
        f"{SHOP}owner = '${{NONE}}'\n",
        ["5: the environment has no variable NONE. Set it, or give a"],
    ),
    (f"{SHOP}owner = '${{A B}}'\n", ["5: '${A B}' is no variable. Write ${NAME}"]),
    (f"{SHOP}owner = '${{A'\n", ["5: '${A' is no variable."]),
    (f"{SHOP}[gateway]\nport = '${{NONE}}'\n", ["6: the environment has no variable NONE."]),
    (
        f"{SHOP}[gateway]\nport = '${{NONE:-x}}'\n",
        ["6: [gateway] port takes a port, 0 to 65535. For"],
    ),
    (f"{SHOP}settings = [1]\n", ["5: [service.orders] settings takes a table. For example"]),
    (f"{SHOP}settings = [\n '${{NONE}}' ]\n", ["6: the environment has no variable NONE."]),
    (f"{SHOP}[profile]\ndev = 1\n", ["6: [profile] dev is no profile. Write tables, such as"]),
    (
        f"{SHOP}[profile.dev.gateway]\nprt = 1\n",
        ["6: [gateway] has no key prt. Did you mean port?"],
    ),
    (f"{SHOP}[profile.dev.profile.x]\n", ["5: there is no table [profile]."]),
    (
        f"{SHOP}replicas = 'two'\n[gateway]\nport = 'x'\n[polcy]\n",
        [
            "5: [service.orders] replicas takes a whole number, 1 to 1000, or a table of min, max and target_in_flight, not 'two'.",
            "7: [gateway] port takes a port, 0 to 65535, not 'x'. For example port = 8080.",
            "8: there is no table [polcy]. Did you mean [policy]?",
        ],
    ),
]


@pytest.mark.parametrize(("text", "beginnings"), BROKEN)
def test_a_broken_file_is_told_by_line(text: str, beginnings: list[str], tmp_path: Path) -> None:
    """Every mistake is told, each at its line with a remedy, and nothing is loaded."""
    found = [line.removeprefix(f"{tmp_path}/") for line in told(text, tmp_path)]
    assert len(found) == len(beginnings), found
    for line, beginning in zip(found, beginnings, strict=True):
        assert line.startswith(beginning), line


def test_messages_read_like_this(folder: Folder) -> None:
    """The whole of a message: file, line, what is wrong, what to do."""
    folder.toml('[system]\nname = "Our Shop"\n[service.orders]\nimplement = "shop:Orders"\n')
    assert folder.problems() == [
        (
            "coterie.toml:2: [system] name takes lowercase letters, digits and hyphens, 63 at most,"
            " a letter first, not 'Our Shop'. For example name = \"shop\"."
        ),
        (
            "coterie.toml:3: [service.orders] says neither implements nor asgi, wsgi or command."
            ' Add implements = "shop.services.orders:OrderService".'
        ),
        "coterie.toml:4: [service.orders] has no key implement. Did you mean implements?",
    ]


@pytest.mark.parametrize("there", [True, False])
def test_what_cannot_be_read_is_named(there: bool, tmp_path: Path) -> None:
    """A folder without the file, and no folder at all, get the same advice."""
    path = tmp_path if there else tmp_path / "nowhere"
    with pytest.raises(SystemProblems) as caught:
        load(path, environment={})
    assert "cannot be read: No such file" in str(caught.value)
    assert str(caught.value).endswith("or make one with `coterie new NAME`.")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"# \xff\n", ":1: this is not UTF-8"),
        (b"\n\n# \xc3(\n", ":3: this is not UTF-8"),
        (b"#" * 300_000, ": is larger than 262144 bytes"),
        (b"a = 1\0", ":1: this is no TOML"),
    ],
)
def test_what_is_no_text_is_refused(content: bytes, words: str, tmp_path: Path) -> None:
    """Another encoding or a file of another kind is told as such."""
    (tmp_path / "coterie.toml").write_bytes(content)
    with pytest.raises(SystemProblems) as caught:
        load(tmp_path, environment={})
    assert f"coterie.toml{words}" in str(caught.value)


def test_a_byte_order_mark_does_no_harm(folder: Folder) -> None:
    """Editors of other systems begin a file with one."""
    folder.toml("\ufeff" + SHOP)
    assert load(folder.path, environment={}).name == "shop"


def test_what_a_variable_holds_is_never_shown(folder: Folder) -> None:
    """Secrets come through variables; no message and no representation repeats them."""
    text = SHOP + 'replicas = "${SECRET}"\n[engines]\ndatabase = "${URL}"\n'
    told_of = "\n".join(
        told(text, folder.path, {"SECRET": "hunter2", "URL": "x://a:hunter2@b/{c}"})
    )
    assert "replicas takes" in told_of
    assert "hunter2" not in told_of
    system = loaded(folder, 'settings = { key = "${SECRET}" }\n', SECRET="hunter2")
    assert "hunter2" not in repr((system, system.services, system.engines))


@given(
    st.one_of(
        nearly_right(),
        systems(),
        documents(),
        st.text(),
        st.text(alphabet='[]{}."=a\n#1$', max_size=80),
    ),
    st.sampled_from([None, "dev"]),
)
def test_no_text_is_more_than_a_problem(text: str, profile: str | None) -> None:
    """Whatever stands in the file, loading gives a system or its one kind of error."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "is_dir", lambda _: True)
        # No file: writing so many of them would be most of the test.
        patch.setattr(Path, "open", lambda *_: io.BytesIO(text.encode("utf-8", "surrogatepass")))
        with contextlib.suppress(SystemProblems):
            load("here", profile=profile, environment={"A": "1"})


def test_a_system_is_not_made_of_nothing() -> None:
    """Control: what the test above reads is what it was given."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "is_dir", lambda _: True)
        patch.setattr(Path, "open", lambda *_: io.BytesIO(SHOP.encode()))
        assert load("here", environment={}).name == "shop"
