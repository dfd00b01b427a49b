"""Programs that join as they are: what the file says of them, and what is wrong with it."""

from pathlib import Path

import pytest

from coterie.system import Mount, blueprint, load, surroundings
from tests.system.folder import Folder

HEAD = '[system]\nname = "lab"\n'

PROMISES = """
    from coterie import Contract, get
    from coterie.contract import call

    class Users(Contract, version="1.0"):
        @get("/users/{user_id}")
        async def user(self, user_id: int) -> str: ...

    class Unplaced(Contract, version="1.0"):
        @call()
        async def user(self, user_id: int) -> str: ...
"""

CALLER = """
    from coterie import Contract, get
    from promises import Users

    class Greeter(Contract, version="1.0"):
        @get("/greeting/{user_id}")
        async def greeting(self, user_id: int) -> str: ...

    class GreeterService(Greeter):
        def __init__(self, users: Users) -> None:
            self.users = users

        async def greeting(self, user_id: int) -> str:
            return await self.users.user(user_id)
"""


@pytest.fixture
def lab(tmp_path: Path) -> Folder:
    """A folder with a Flask-like application, a promise, and a service that calls it."""
    folder = Folder(tmp_path / "lab")
    folder.write("legacy/app.py", "app = object()\nraise RuntimeError('never imported here')\n")
    folder.write("promises.py", PROMISES)
    folder.write("greeter.py", CALLER)
    return folder


@pytest.mark.parametrize(
    ("table", "mounts"),
    [
        ('wsgi = "app:app"', (Mount("/legacy", ""),)),
        ('wsgi = "app:app"\nmount = "/"', (Mount("", ""),)),
        ('asgi = "app:make()"\nmount = "/old/shop"', (Mount("/old/shop", ""),)),
        ('command = "serve $PORT"\nroutes = ["/api/a", "/b"]', (Mount("/api/a", "/api/a"), Mount("/b", "/b"))),
        ('command = ["serve"]\nmount = { "/x/users" = "/users" }', (Mount("/x/users", "/users"),)),
        ('wsgi = "app:app"\ncontracts = ["promises:Users"]', ()),
    ],
)  # fmt: skip
def test_the_gateway_has_a_program_where_its_table_says(
    lab: Folder, table: str, mounts: tuple[Mount, ...]
) -> None:
    """Below its name, unless it says more; at the paths of its contracts, if it has some."""
    lab.toml(f'{HEAD}[service.legacy]\ndirectory = "legacy"\n{table}\n')
    with lab.lent():
        [entry] = blueprint(load(lab.path, environment={})).inventory.services
    assert entry.mounts == mounts
    assert entry.program


def test_what_a_program_promises_is_asked_for_like_any_contract(lab: Folder) -> None:
    """The caller finds it by name and major version; nothing of the program is imported."""
    lab.toml(
        f'{HEAD}[service.legacy]\nwsgi = "app:app"\ndirectory = "legacy"\n'
        'contracts = ["promises:Users"]\n[service.greeter]\nimplements = "greeter:GreeterService"\n'
    )
    with lab.lent():
        made = blueprint(load(lab.path, environment={}))
    legacy, greeter = made.inventory.services
    assert [(c.contract, c.service) for c in greeter.calls] == [("users", "legacy")]
    assert [contract.name for contract in legacy.contracts] == ["users"]
    assert b"/users/{user_id}" in bytes(made.whole)


def test_a_program_that_is_mounted_is_described_where_the_outside_finds_it(lab: Folder) -> None:
    """Its document has the gateway's paths, and the whole's leaves it out."""
    lab.toml(
        f'{HEAD}[service.legacy]\nwsgi = "app:app"\ndirectory = "legacy"\nmount = "/old"\n'
        'contracts = ["promises:Users"]\n'
    )
    with lab.lent():
        made = blueprint(load(lab.path, environment={}))
    assert b'"/old/users/{user_id}"' in bytes(made.documents["legacy"])
    assert b"/users/{user_id}" not in bytes(made.whole)


WRONG = {
    "nothing": ("", "3: [service.legacy] says neither implements nor asgi, wsgi or command."),
    "two": (
        'wsgi = "app:app"\ncommand = "x"',
        "5: [service.legacy] says wsgi and command, and can be one of them.",
    ),
    "an application that is none": ('wsgi = "app"', "4: [service.legacy] wsgi takes an application"),
    "a quotation": ('command = "say \'hello"', "4: [service.legacy] command has a quotation that"),
    "no word": ('command = "  "', "4: [service.legacy] command is empty."),
    "keys of a class": (
        'command = "x"\ndatabase = "sqlite:///x.db"\nuses = {}',
        "5: [service.legacy] database belongs to a class",
        "6: [service.legacy] uses belongs to a class",
    ),
    "threads of a command": ('command = "x"\nthreads = 3', "5: [service.legacy] threads belongs to"),
    "a port of an application": ('wsgi = "app:app"\nport = 9', "5: [service.legacy] port belongs to"),
    "one port for two": (
        'command = "x"\nport = 9\nreplicas = 2',
        "5: [service.legacy] has replicas, and a port that only one of them can have.",
    ),
    "operations without a contract": (
        'command = "x"\n[service.legacy.operation.user]\ntimeout = 1.0',
        "5: [service.legacy.operation] speaks of operations, and it has no contract.",
    ),
    "a mount without its slash": ('command = "x"\nmount = "old"', "5: [service.legacy] mount: 'old'"),
    "a mount that ends in one": ('command = "x"\nmount = "/old/"', "5: [service.legacy] mount: '/old/'"),
    "no mount at all": ('command = "x"\nmount = {}', "5: [service.legacy] mount is an empty table."),
    "a variable that is none": (
        'command = "x"\nenvironment = { "A-B" = "1" }',
        "5: [service.legacy] environment takes a table",
    ),
    "a port that it would not get": (
        'command = "x"\nenvironment = { PORT = "5000" }',
        "5: [service.legacy] environment says PORT, and which one a command gets is chosen anew.",
    ),
    "the gateway's own place": (
        'command = "x"\nmount = "/docs"',
        "5: service legacy: /docs is the gateway's own.",
    ),
    "no folder": ('wsgi = "app:app"\ndirectory = "lgacy"', "5: service legacy: there is no folder lgacy."),
    "no module": (
        'wsgi = "ap:app"\ndirectory = "legacy"',
        "4: service legacy: there is no module ap in legacy. Did you mean app?",
    ),
    "no contract": (
        'command = "x"\ncontracts = ["promises:User"]',
        "5: service legacy: promises has no User. Did you mean promises:Users?",
    ),
    "an operation nowhere": (
        'command = "x"\ncontracts = ["promises:Unplaced"]',
        "5: service legacy: Unplaced does not say at which path the program has user.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_with_a_program_is_told_by_line(lab: Folder, case: str) -> None:
    """Each mistake at its line, with a remedy."""
    table, *beginnings = WRONG[case]
    lab.toml(f"{HEAD}[service.legacy]\n{table}\n")
    with lab.lent():
        found = [line.removeprefix("coterie.toml:") for line in lab.problems()]
    assert len(found) == len(beginnings), found
    for line, beginning in zip(found, beginnings, strict=True):
        assert line.startswith(beginning), line


def test_two_programs_cannot_have_one_place(lab: Folder) -> None:
    """Who of them would be asked?"""
    lab.toml(
        f'{HEAD}[service.a]\ncommand = "x"\nmount = "/m"\n[service.b]\ncommand = "x"\nroutes = ["/m"]\n'
    )
    assert lab.problems() == [
        "coterie.toml:8: /m leads to a, and to b too. Give each a place of its own."
    ]


@pytest.mark.parametrize(
    ("service", "name"),
    [
        ("database", "DATABASE_URL"),
        ("coterie-gateway", "COTERIE_GATEWAY_URL"),
        ("coterie-registry", "COTERIE_REGISTRY_URL"),
    ],
)
def test_an_address_does_not_stand_where_a_program_looks_for_something_else(
    lab: Folder, service: str, name: str
) -> None:
    """Its database, above all; what its own table says there is its own affair."""
    tables = f'{HEAD}[service.a]\ncommand = "x"\n[service.{service}]\ncommand = "y"\n'
    lab.toml(f'{tables}[service.b]\ncommand = "z"\n')
    [problem] = lab.problems()
    told = f"coterie.toml:5: a (and 1 more) would find the address of service {service} as {name},"
    assert problem.startswith(told)
    own = f'environment = {{ {name} = "sqlite:///mine.db" }}\n'
    lab.toml(f'{tables}[service.b]\ncommand = "z"\n{own}'.replace('"x"\n', f'"x"\n{own}'))
    blueprint(load(lab.path, environment={}))


def test_a_program_has_a_process_of_its_own(lab: Folder) -> None:
    """It cannot share one with classes."""
    lab.toml(f'{HEAD}[service.a]\ncommand = "x"\n[process.core]\ntogether = ["a"]\n')
    [problem] = lab.problems()
    assert problem.startswith("coterie.toml:6: service a is a program, which has a process of its")


def test_a_program_finds_the_others_in_its_environment(lab: Folder) -> None:
    """Their addresses, its own port, and what its table says, which wins."""
    lab.toml(
        f'{HEAD}[service.user-service]\ncommand = "x"\nenvironment = {{ DEBUG = "1", HOST = "::1" }}\n'
        '[service.orders]\ncommand = "y"\n'
    )
    system = load(lab.path, environment={})
    found = surroundings(
        system,
        system.service("user-service"),
        instance="user-service-1",
        port=41000,
        gateway="http://127.0.0.1:8080",
        registry="http://127.0.0.1:9/registry",
        token="secret",
        inside={"user-service": 1, "orders": 2},
        environment={"PATH": "/bin", "PORT": "8080"},
    )
    assert found == {
        "PATH": "/bin",
        "PORT": "41000",
        "HOST": "::1",
        "COTERIE_SYSTEM": "lab",
        "COTERIE_SERVICE": "user-service",
        "COTERIE_INSTANCE": "user-service-1",
        "COTERIE_GATEWAY_URL": "http://127.0.0.1:8080",
        "COTERIE_REGISTRY_URL": "http://127.0.0.1:9/registry",
        "COTERIE_REGISTRY_TOKEN": "secret",
        "ORDERS_URL": "http://127.0.0.1:2",
        "DEBUG": "1",
    }
