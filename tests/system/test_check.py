"""`check` finds what is wrong between the file and the code, before anything runs."""

import sys

import pytest

from tests.system.folder import Folder

CONTRACTS = """
    from coterie import Contract, Struct, anyone, authenticated, call, get, post, role

    class Users(Contract, version="2.1"):
        @get("/users/{id}")
        async def user(self, id: int) -> str: ...

    class Orders(Contract, version="1.0"):
        @get("/orders/{id}")
        async def order(self, id: int) -> str: ...

    class Payments(Contract, version="1.0"):
        @call()
        async def pay(self, amount: int) -> bool: ...
"""

SERVICES = """
    from acme.contracts import Orders, Payments, Users

    class UserService(Users):
        async def user(self, id: int) -> str:
            return "alice"

    class OrderService(Orders):
        def __init__(self, users: Users) -> None:
            self.users = users

        async def order(self, id: int) -> str:
            return await self.users.user(id)

    class PayService(Payments):
        async def pay(self, amount: int) -> bool:
            return True
"""

USERS = '[service.users]\nimplements = "acme.services:UserService"\n'
ORDERS = '[service.orders]\nimplements = "acme.services:OrderService"\n'
PAY = '[service.{name}]\nimplements = "acme.services:PayService"\n'


def acme(folder: Folder, tables: str, services: str = SERVICES, contracts: str = CONTRACTS) -> None:
    folder.write("acme/__init__.py", "")
    folder.write("acme/contracts.py", contracts)
    folder.write("acme/services.py", services)
    folder.toml(f'[system]\nname = "acme"\n{tables}')


def one(folder: Folder, service: str, tables: str = USERS) -> list[str]:
    """The problems of a system in which ``Thing`` is a service beside `UserService`."""
    named = '[service.thing]\nimplements = "acme.thing:Thing"\n'
    acme(folder, named + tables)
    folder.write("acme/thing.py", service)
    return folder.problems()


def test_a_right_system_has_no_problems(folder: Folder) -> None:
    """Control of all the others: nothing is wrong with what is right."""
    acme(folder, USERS + ORDERS + PAY.format(name="pay"))
    assert folder.problems() == []


# --- Finding the class -------------------------------------------------------------------------

IMPLEMENTS = [
    (
        "acme.servces:UserService",
        (
            "coterie.toml:4: service users: there is no module acme.servces in {here}."
            " Did you mean acme.services:UserService?"
        ),
    ),
    (
        "nothing.of_it:X",
        (
            "coterie.toml:4: service users: there is no module nothing.of_it in {here}."
            " Write nothing/of_it.py, or name the module it is in."
        ),
    ),
    (
        "acme.services:UserServce",
        (
            "coterie.toml:4: service users: acme.services has no UserServce."
            " Did you mean acme.services:UserService?"
        ),
    ),
    (
        "acme.contracts:Users",
        (
            "coterie.toml:4: service users: Users is the contract, which promises and does nothing."
            " Name the class that derives from Users."
        ),
    ),
    (
        "acme.contracts:Struct",
        (
            "coterie.toml:4: service users: Struct implements no contract."
            " Derive it from the contract it keeps: class Struct(SomeContract)."
        ),
    ),
    (
        "acme.contracts:anyone",
        "coterie.toml:4: service users: anyone is no class. Name the class, not an instance of it.",
    ),
    (
        "acme.broken:X",
        "acme/broken.py:3: service users: this is no Python: expected ':': def f(. Mend this line.",
    ),
    (
        "acme.raises:X",
        (
            "acme/raises.py:4: service users: importing it raised ZeroDivisionError: division by zero."
            " Mend this line, or what it was given."
        ),
    ),
    (
        "acme.leaves:X",
        (
            "acme/leaves.py:2: service users: importing it raised SystemExit: 3."
            ' Let what a program does stand below `if __name__ == "__main__":`.'
        ),
    ),
    (
        "acme.lacks:X",
        (
            "acme/lacks.py:1: service users: there is no module numpyy."
            " Run `pip install numpyy` if that is its name, or put it beside acme/lacks.py."
        ),
    ),
    (
        "acme.misses:X",
        (
            "acme/misses.py:1: service users: there is no module acme.contrcts."
            " Did you mean acme.contracts?"
        ),
    ),
    (
        "acme.imports:X",
        (
            "acme/imports.py:1: service users: importing it raised ImportError: cannot import name"
            " 'Nobody' from 'acme.contracts' ({here}/acme/contracts.py). Mend this line, or what it was given."
        ),
    ),
]


@pytest.mark.parametrize(("implements", "message"), IMPLEMENTS)
def test_a_class_that_is_not_there_is_told(folder: Folder, implements: str, message: str) -> None:
    """Whatever happens while a module is imported becomes one line, never a traceback."""
    acme(folder, f'[service.users]\nimplements = "{implements}"\n')
    folder.write("acme/broken.py", "x = 1\n\ndef f(\n")
    folder.write("acme/raises.py", "def f() -> None:\n    g()\ndef g() -> None:\n    1 / 0\nf()\n")
    folder.write("acme/leaves.py", "import sys\nsys.exit(3)\n")
    folder.write("acme/lacks.py", "import numpyy\n")
    folder.write("acme/misses.py", "from acme.contrcts import Users\n")
    folder.write("acme/imports.py", "from acme.contracts import Nobody\n")
    found = [line.replace("'(' was never closed", "expected ':'") for line in folder.problems()]
    assert found == [message.replace("{here}/", "").replace("{here}", str(folder.path))]


def test_mistakes_of_a_contract_are_told_where_they_stand(folder: Folder) -> None:
    """What the contract room finds while a class is made is told in the same form, all of it."""
    contracts = """
        from coterie import Contract, get

        class Users(Contract, version="one"):
            @get("users")
            async def user(self) -> str: ...
    """
    acme(folder, USERS, contracts=contracts)
    found = folder.problems()
    assert len(found) == 2
    assert found[0].startswith("acme/contracts.py:3: service users: Users: version 'one' is not")
    assert found[1].startswith("acme/contracts.py:4: service users: Users.user: path 'users' does")


def test_types_that_do_not_resolve_are_told(folder: Folder) -> None:
    """Forward references are followed by the check, not by the first call."""
    contracts = """
        from coterie import Contract, get

        class Users(Contract, version="1"):
            @get("/u")
            async def user(self, id: int) -> "Nothing": ...
    """
    acme(
        folder,
        USERS,
        SERVICES.split("class OrderService", maxsplit=1)[0].replace("Orders, Payments, ", ""),
        contracts,
    )
    (found,) = folder.problems()
    assert found.startswith(
        "acme/contracts.py:4: service users: Users.user: a type does not resolve"
    )


def test_an_implementation_left_for_later_is_told(folder: Folder) -> None:
    """A class may be abstract, a service may not."""
    thing = """
        from acme.contracts import Payments

        class Thing(Payments, abstract=True):
            pass
    """
    (found,) = one(folder, thing)
    assert found == (
        "coterie.toml:4: service thing: Thing lacks the operation Payments.pay."
        " Write `async def pay` in it."
    )


def test_a_package_that_another_system_brought_is_told(folder: Folder) -> None:
    """Two systems in one process cannot both call a package by the same name."""
    elsewhere = Folder(folder.path.parent / "elsewhere")
    with elsewhere.lent():
        acme(elsewhere, USERS)
        assert elsewhere.problems() == []
        acme(folder, USERS)
        (found,) = folder.problems()
    assert "acme.services was imported from" in found
    assert found.endswith("Rename the package acme, or run the two in processes of their own.")


def test_an_environment_in_the_folder_is_not_the_user_s(folder: Folder) -> None:
    """What packages do is told at the line of the user's that uses them."""
    acme(folder, '[service.users]\nimplements = "acme.uses:X"\n')
    folder.write("acme/uses.py", "x = 1\n\nimport vendor_that_fails\n")
    folder.write("venv/site-packages/vendor_that_fails.py", "1 / 0\n")
    sys.path.append(str(folder.path / "venv" / "site-packages"))
    (found,) = folder.problems()
    assert found.startswith("acme/uses.py:3: service users: importing it raised ZeroDivisionError")


def test_the_system_s_folder_is_where_modules_are_found(folder: Folder) -> None:
    """No installation and no PYTHONPATH: the folder of the file is enough."""
    acme(folder, USERS)
    assert str(folder.path) not in sys.path
    assert folder.problems() == []
    assert str(folder.path) in sys.path


# --- Who answers for what ----------------------------------------------------------------------


def test_a_contract_that_nobody_implements_is_told(folder: Folder) -> None:
    """With what to write."""
    acme(folder, ORDERS)
    assert folder.problems() == [
        (
            "coterie.toml:3: service orders: asks for Users, and no service implements users."
            " Add [service.users] with a class that derives from Users."
        )
    ]


def test_another_major_version_is_told(folder: Folder) -> None:
    """A service of another major version is no service of this one."""
    services = (
        SERVICES
        + """
    from acme.older import OlderUsers

    class OlderUserService(OlderUsers):
        async def user(self, id: int) -> str:
            return "alice"
"""
    )
    acme(
        folder,
        ORDERS + '[service.users]\nimplements = "acme.services:OlderUserService"\n',
        services,
    )
    folder.write(
        "acme/older.py",
        """
        from coterie import Contract, get

        class OlderUsers(Contract, name="users", version="1.4"):
            @get("/users/{id}")
            async def user(self, id: int) -> str: ...
        """,
    )
    assert folder.problems() == [
        (
            "coterie.toml:3: service orders: asks for Users, and no service implements users 2;"
            " users implements version 1.4. Ask for that version, or add a service that implements"
            " users 2.1."
        )
    ]


def test_a_newer_contract_than_the_service_is_told(folder: Folder) -> None:
    """Of one major version, but with an operation that the service does not have."""
    acme(
        folder,
        ORDERS + USERS,
        SERVICES.replace("users: Users", "users: NewerUsers").replace(
            "import Orders,", "import NewerUsers, Orders,"
        ),
        CONTRACTS
        + """
    class NewerUsers(Contract, name="users", version="2.2"):
        @get("/users/{id}")
        async def user(self, id: int) -> str: ...

        @get("/users")
        async def users(self) -> list[str]: ...
""",
    )
    assert folder.problems() == [
        (
            "coterie.toml:3: service orders: asks for users 2.2, and users implements version 2.1,"
            " without users. Let it implement the newer version, or ask for the older."
        )
    ]


def test_types_of_a_contract_asked_for_are_told(folder: Folder) -> None:
    """Of a client's contract too, which no service here may implement."""
    contracts = (
        CONTRACTS
        + """
    class Away(Contract, version="1"):
        @get("/away")
        async def away(self) -> "Nothing": ...
"""
    )
    thing = BUYER.replace("Payments", "Away")
    named = '[service.thing]\nimplements = "acme.thing:Thing"\n'
    acme(folder, named, contracts=contracts)
    folder.write("acme/thing.py", thing)
    found = folder.problems()
    assert len(found) == 2
    assert "Away.away: a type does not resolve" in found[0]
    assert "no service implements away." in found[1]


TWO = PAY.format(name="eu") + PAY.format(name="us")
BUYER = """
    from acme.contracts import Orders, Payments

    class Thing(Orders):
        def __init__(self, payments: Payments) -> None: ...

        async def order(self, id: int) -> str:
            return ""
"""


def test_two_implementers_are_told(folder: Folder) -> None:
    """The system does not guess which is meant."""
    assert one(folder, BUYER, TWO) == [
        (
            "coterie.toml:3: service thing: asks for Payments, which eu and us implement."
            ' Say which one: uses = { Payments = "eu" }.'
        )
    ]


@pytest.mark.parametrize("key", ["Payments", "payments"])
def test_uses_says_which(folder: Folder, key: str) -> None:
    """By the contract's class name or by its name on the wire."""
    assert one(folder, BUYER, f'[service.thing.uses]\n{key} = "us"\n{TWO}') == []


@pytest.mark.parametrize(
    ("uses", "message"),
    [
        (
            'Payments = "uss"',
            "thing: there is no service uss. Name a service that implements Payments.",
        ),
        (
            'Payments = "thing"',
            "thing: thing does not implement payments 1. Name a service that implements Payments.",
        ),
        (
            'Payments = "eu"\nPayment = "eu"',
            "thing: nothing in it asks for Payment. Did you mean Payments?",
        ),
        (
            'Payments = "eu"\nStock = "eu"',
            "thing: nothing in it asks for Stock. It asks for Payments.",
        ),
    ],
)
def test_a_wrong_uses_is_told(folder: Folder, uses: str, message: str) -> None:
    """A choice that chooses nothing is a mistake, not a wish."""
    (found,) = one(folder, BUYER, f"[service.thing.uses]\n{uses}\n{TWO}")
    assert found.partition(": service ")[2].startswith(message.partition(". Name")[0])
    assert found.startswith(f"coterie.toml:{6 + uses.count(chr(10))}: ")


VERSIONS = """

    class OldWays(Contract, version="1.0", name="ways"):
        @get("/v1/way")
        async def way(self) -> str: ...

    class NewWays(Contract, version="2.0", name="ways"):
        @get("/v2/way")
        async def way(self) -> str: ...

        @get("/v2/more")
        async def more(self) -> str: ...
"""
BOTH = """
    from acme.contracts import NewWays, OldWays

    class Both(OldWays, NewWays):
        async def way(self) -> str:
            return ""

        async def more(self) -> str:
            return ""
"""


@pytest.mark.parametrize("uses", ["", '[service.thing.uses]\nways = "both"\n'])
def test_one_class_may_implement_two_versions(folder: Folder, uses: str) -> None:
    """Whoever asks for the second is compared with the second, not with the first."""
    thing = BUYER.replace("Payments", "NewWays")
    text = (
        f'[service.thing]\nimplements = "acme.thing:Thing"\n{uses}'
        '[service.both]\nimplements = "acme.both:Both"\n'
    )
    acme(folder, text, contracts=CONTRACTS + VERSIONS)
    folder.write("acme/thing.py", thing)
    folder.write("acme/both.py", BOTH)
    assert folder.problems() == []


def test_a_service_named_by_uses_is_compared_too(folder: Folder) -> None:
    """An older one of the same major version lacks operations, named or not."""
    newer = """

    class Newer(Contract, version="1.1", name="payments"):
        @get("/newer")
        async def newer(self) -> str: ...
"""
    text = '[service.thing]\nimplements = "acme.thing:Thing"\n[service.thing.uses]\n'
    acme(folder, f'{text}payments = "eu"\n{TWO}', contracts=CONTRACTS + newer)
    folder.write("acme/thing.py", BUYER.replace("Payments", "Newer"))
    found = folder.problems()
    assert len(found) == 1
    assert "and eu implements version" in found[0]
    assert "without newer" in found[0]


def test_services_may_call_each_other(folder: Folder) -> None:
    """Clients are proxies: a ring of services can be built."""
    thing = """
        from acme.contracts import Users, Orders

        class Thing(Orders):
            def __init__(self, users: Users, itself: Orders) -> None: ...

            async def order(self, id: int) -> str:
                return ""

        class Ring(Users):
            def __init__(self, orders: Orders) -> None: ...

            async def user(self, id: int) -> str:
                return ""
    """
    assert one(folder, thing, '[service.ring]\nimplements = "acme.thing:Ring"\n') == []


# --- Constructors ------------------------------------------------------------------------------

CONSTRUCTORS = [
    (
        "limit: int",
        "asks for `limit: int`, which nothing provides. Ask for a contract, a Database,",
    ),
    ("folder: Path", "asks for `folder: Path`, which nothing provides."),
    ("users: Users | Orders", "asks for `users: acme.contracts.Users | acme.contracts.Orders`,"),
    ("clock: Callable[[], float]", "asks for `clock: collections.abc.Callable[[], float]`,"),
    ("users", "does not say what users is. Write its type: `users: Orders`."),
    ("users: 'Nope'", "asks for a type that does not resolve: name 'Nope' is not defined."),
    (
        "users: UserService",
        "asks for UserService, which implements a contract. Ask for the contract,",
    ),
    ("users: Users, /", "takes users without its name. Take the / out of its parameters."),
    ("part: Port", "asks for `part: Port`, which nothing provides."),
    ("part: Half", "asks for `part: Half`, which nothing provides."),
    ("part: Color", "asks for `part: Color`, which nothing provides."),
    (
        "part: Ring",
        "Other asks for Ring, which is not built without it: Ring -> Other -> Ring. Let one",
    ),
]

THING = """
    from abc import ABC, abstractmethod
    from collections.abc import Callable
    from dataclasses import dataclass
    from enum import Enum
    from pathlib import Path
    from typing import Optional, Protocol

    from acme.contracts import Orders, Payments, Users
    from acme.services import UserService

    class Port(Protocol):
        def f(self) -> int: ...

    class Half(ABC):
        @abstractmethod
        def f(self) -> int: ...

    class Color(Enum):
        RED = 1

    class Ring:
        def __init__(self, other: "Other") -> None: ...

    class Other:
        def __init__(self, ring: Ring) -> None: ...

    @dataclass
    class Data:
        users: Users
        page: int = 20

    class Plain:
        pass

    class Store:
        def __init__(self, data: Data, plain: Plain, *rest: int, **more: int) -> None: ...

    class Thing(Orders):
        def __init__(self, PARAMETERS) -> None: ...

        async def order(self, id: int) -> str:
            return ""
"""


@pytest.mark.parametrize(("parameters", "message"), CONSTRUCTORS)
def test_a_parameter_that_nothing_fits_is_told(
    folder: Folder, parameters: str, message: str
) -> None:
    """With the class, its line, and what could be asked for instead."""
    (found,) = one(folder, THING.replace("PARAMETERS", parameters))
    assert found.startswith("acme/thing.py:")
    assert ": service thing: " in found
    assert message in found


@pytest.mark.parametrize(
    "parameters",
    [
        "store: Store, users: Users",
        "users: Optional[Users]",
        "pay: Payments | None = None",
        "page: int = 3, clock: Callable[[], float] = float, path: Path = Path()",
        "untyped=3",
        "*args: int, store: Store, **kwargs: int",
        "users: 'Users'",
    ],
)
def test_what_can_be_built_is_built(folder: Folder, parameters: str) -> None:
    """Classes of the user's, dataclasses too; what has a default needs nothing."""
    assert one(folder, THING.replace("PARAMETERS", parameters)) == []


# --- Settings ----------------------------------------------------------------------------------

SETTINGS = """
    from typing import Annotated

    from acme.contracts import Orders
    from coterie import Meta, Struct

    class Limits(Struct, frozen=True):
        most: Annotated[int, Meta(ge=1)] = 10

    class Settings(Struct, rename={"size": "page_size"}):
        title: str
        size: int = 20
        limits: Limits = Limits()

    class Other(Struct):
        colour: str

    class Store:
        def __init__(self, other: Other = Other("red")) -> None: ...

    class Thing(Orders):
        def __init__(self, settings: Settings, store: Store) -> None: ...

        async def order(self, id: int) -> str:
            return ""
"""


@pytest.mark.parametrize(
    ("settings", "messages"),
    [
        ('title = "x"', []),
        ('title = "x"\npage_size = 3\ncolour = "blue"\nlimits.most = 3', []),
        ('title = "${T:-x}"\npage_size = "${N:-3}"', []),
        (
            "page_size = 3",
            [
                (
                    "5: service thing: settings lack title, which Settings needs. Add title to the"
                    " settings, or give the field a default."
                )
            ],
        ),
        (
            'title = "x"\nlimits.most = 0',
            [
                (
                    "7: service thing: settings.limits.most does not fit Settings: expected `int` >= 1."
                    " Mend the value, or the type of the field."
                )
            ],
        ),
        (
            'title = "x"\npage_sise = 3\nxyzzy = 4',
            [
                (
                    "7: service thing: no constructor of it asks for the setting page_sise."
                    " Did you mean page_size?"
                ),
                (
                    "8: service thing: no constructor of it asks for the setting xyzzy."
                    " There are colour, limits, page_size, title."
                ),
            ],
        ),
        (
            'title = "x"\ncolour = 3',
            [
                (
                    "7: service thing: settings.colour does not fit Other: expected `str`, got `int`."
                    " Mend the value, or the type of the field."
                )
            ],
        ),
    ],
)
def test_settings_fit_the_structs_that_ask_for_them(
    folder: Folder, settings: str, messages: list[str]
) -> None:
    """Typed by the user's own struct; a key that fits none is a mistake, at its line."""
    tables = f"[service.thing.settings]\n{settings}\n"
    assert one(folder, SETTINGS, tables) == [f"coterie.toml:{message}" for message in messages]


def test_settings_that_nothing_asks_for_are_told(folder: Folder) -> None:
    """A service without a struct has no settings."""
    acme(folder, f"{USERS}settings = {{ page = 1 }}\n")
    assert folder.problems() == [
        (
            "coterie.toml:5: service users: no constructor of it asks for the setting page."
            " Let its constructor ask for a Struct of your own, and it is filled."
        )
    ]


# --- The gateway and identity ------------------------------------------------------------------


def test_two_operations_at_one_place_are_told(folder: Folder) -> None:
    """The gateway could not know whom to ask; names in braces make no difference."""
    contracts = CONTRACTS.replace("/orders/{id}", "/users/{order_id}").replace(
        "order(self, id: int)", "order(self, order_id: int)"
    )
    services = SERVICES.replace("order(self, id: int)", "order(self, order_id: int)").replace(
        "user(id)\n", "user(order_id)\n"
    )
    acme(folder, USERS + ORDERS, services, contracts)
    assert folder.problems() == [
        (
            "coterie.toml:5: GET /users/{order_id} is orders's orders.order, and that of users's"
            " users.user too. Give one another path; or say public = false for a service that the"
            " gateway shall not reach."
        )
    ]
    folder.toml(f'[system]\nname = "acme"\n{USERS}{ORDERS}public = false\n')
    assert folder.problems() == []


def test_the_gateway_s_own_pages_are_taken(folder: Folder) -> None:
    """Health is asked for by machines that know nothing of the system."""
    acme(folder, USERS, contracts=CONTRACTS.replace('"/users/{id}"', '"/metrics"'))
    (found,) = folder.problems()
    assert "GET /metrics is users's users.user, and that of the gateway itself too." in found


RULED = CONTRACTS.replace('"/users/{id}"', '"/users/{id}", allow=role("admin")')


def test_rules_without_identity_are_told(folder: Folder) -> None:
    """Who may call cannot be known where nobody is known."""
    acme(folder, USERS, contracts=RULED)
    assert folder.problems() == [
        (
            "coterie.toml:3: service users: user may be called by some only."
            " Add a line [identity], so that the system knows who calls."
        )
    ]


@pytest.mark.parametrize(
    ("contracts", "more"),
    [(RULED, "[identity]\n"), (RULED.replace('role("admin")', 'anyone | role("admin")'), "")],
)
def test_rules_that_can_be_kept_are_right(folder: Folder, contracts: str, more: str) -> None:
    """Control: with identity, or where anyone may call, nothing is wrong."""
    acme(folder, USERS + more, contracts=contracts)
    assert folder.problems() == []


ISSUES = """
    from acme.contracts import Orders
    from coterie.identity import TokenIssuer, TokenVerifier

    class Thing(Orders):
        def __init__(self, tokens: TokenIssuer, verifier: TokenVerifier) -> None: ...

        async def order(self, id: int) -> str:
            return ""
"""


def test_tokens_without_identity_are_told(folder: Folder) -> None:
    """Keys belong to [identity]."""
    found = one(folder, ISSUES)
    assert len(found) == 2
    assert found[0] == (
        "coterie.toml:3: service thing: Thing asks for tokens, which needs keys."
        " Add a line [identity], so that the system has keys."
    )
    assert one(folder, ISSUES, "[identity]\n") == []


# --- Databases ---------------------------------------------------------------------------------

KEEPS = """
    from acme.contracts import Orders
    from coterie.store import Database

    class Store:
        def __init__(self, database: Database) -> None: ...

    class Thing(Orders):
        def __init__(self, store: Store) -> None: ...

        async def order(self, id: int) -> str:
            return ""
"""


@pytest.mark.parametrize(
    ("tables", "environment", "message"),
    [
        ("", {}, None),
        ('database = "postgresql://db/x"\n', {}, None),
        ('database = "postgres://db/x"\n', {}, None),
        (
            'database = "mysql://u:hunter2@db/x"\n',
            {},
            (
                "coterie.toml:5: service thing: database: no database engine is known by mysql://."
                " There are sqlite, postgresql."
            ),
        ),
        (
            '[engines]\ndatabase = "sqlit:///x"\n',
            {},
            (
                "coterie.toml:6: service thing: database: no database engine is known by sqlit://."
                " Did you mean sqlite://?"
            ),
        ),
        (
            "",
            {"DATABASE_URL": "x.db"},
            (
                "coterie.toml: service thing: DATABASE_URL: a database URL has no ://."
                " Begin it with sqlite:// or postgresql://."
            ),
        ),
        (
            'database = "postgresql://u:hunter2@db"\n',
            {},
            (
                "coterie.toml:5: service thing: database: it cannot be used. postgresql://u@db/: the"
                " name of the database is missing after the last '/'."
            ),
        ),
    ],
)
def test_a_database_that_cannot_be_is_told(
    folder: Folder, tables: str, environment: dict[str, str], message: str | None
) -> None:
    """By the scheme of its URL and all else that can be seen without opening it; no password."""
    one(folder, KEEPS, tables)
    assert folder.problems(environment) == ([] if message is None else [message])


@pytest.mark.parametrize(
    ("service", "migrations", "message"),
    [
        (KEEPS, "acme", None),
        (
            KEEPS,
            "acme/nowhere",
            (
                "coterie.toml:5: service thing: there is no folder acme/nowhere."
                " Make the first one with `coterie migrate --service thing --new 'first tables'`."
            ),
        ),
        (
            BUYER.replace("Payments", "Users"),
            "acme",
            (
                "coterie.toml:5: service thing: it has migrations, and nothing in it asks for a"
                " Database. Let a constructor ask for one, or drop the migrations."
            ),
        ),
    ],
)
def test_migrations_that_are_named_are_there(
    folder: Folder, service: str, migrations: str, message: str | None
) -> None:
    """A folder that is named is meant."""
    found = one(folder, service, f'migrations = "{migrations}"\n{USERS}')
    assert found == ([] if message is None else [message])


def test_two_modules_beside_one_folder_of_migrations_are_told(folder: Folder) -> None:
    """Whose tables would they be? A service owns its migrations."""
    other = KEEPS.replace("Orders", "Payments").replace(
        "order(self, id: int) -> str", "pay(self, amount: int) -> bool"
    )
    folder.write("acme/other.py", other.replace('return ""', "return True"))
    folder.write("acme/migrations/0001.py", "")
    tables = '[service.other]\nimplements = "acme.other:Thing"\n'
    (found,) = one(folder, KEEPS, tables)
    assert found.startswith("coterie.toml:5: service other: it would share ")
    assert one(folder, KEEPS, f'migrations = "acme/migrations"\n{tables}') == []


def test_every_problem_is_told_at_once(folder: Folder) -> None:
    """One run of check is enough to mend a system."""
    text = ORDERS + '[service.x]\nimplements = "acme.nothing:X"\n' + PAY.format(name="pay")
    acme(folder, text + 'settings = { a = 1 }\nuses = { Users = "x" }\n', contracts=RULED)
    lines = [line.split(":")[1] for line in folder.problems()]
    assert lines == ["6", "9", "10"]
