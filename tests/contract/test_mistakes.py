"""Mistakes in declarations: each is told with its place and its remedy, all of them at once.

The rows are written as users write them. Many would be found by a type checker too; whoever has
none hears of them when the class is made, or when its types resolve.
"""

import re
import textwrap
from collections.abc import Callable
from typing import Any

import pytest

from coterie.contract import Contract, ContractError, Problem, describe

from .declaring import executed

# operation -> what is wrong, how to mend it. Told when the class is made.
STRUCTURE: dict[str, tuple[str, str]] = {
    # --- The function ---
    '@get("/x") \ndef f(self) -> int: ...': ("is `async def`", "Write `async def`"),
    '@get("/x") \nasync def f(self) -> AsyncIterator[bytes]: yield b""': (
        "does not yield itself",
        "return an AsyncIterator",
    ),
    '@get("/x") \nasync def _f(self) -> int: ...': ("has a public name", "Drop the underscore"),
    '@get("/x") \nasync def f() -> int: ...': ("takes no `self`", "Write `self`"),
    '@get("/x") \nasync def f(self, a) -> int: ...': ("a has no type", "Write `a: int`"),
    '@get("/x") \nasync def f(self): ...': ("the result has no type", "Write `-> None`"),
    '@get("/x") \nasync def f(self, *a: int) -> int: ...': ("*a: int has no name", "no *args"),
    '@get("/x") \nasync def f(self, **a: int) -> int: ...': ("**a: int has no name", "no *args"),
    '@get("/x") \nasync def f(self, a: int, /) -> int: ...': ("a: int has no name", "or `/`"),
    "async def f(self) -> int: ...": ("has no decorator", "Put @get("),
    "def f(self) -> int: ...": ("has no decorator", "begin its name with _"),
    # --- The path ---
    '@get("x") \nasync def f(self) -> int: ...': ("'x' does not begin with /", 'Write "/x"'),
    '@get("/x?a=1") \nasync def f(self) -> int: ...': ("more than a path", "Leave out query"),
    '@get("/x#a") \nasync def f(self) -> int: ...': ("more than a path", "fragment"),
    '@get("/x//a") \nasync def f(self) -> int: ...': ("more than a path", "empty segments"),
    '@get("/x y") \nasync def f(self) -> int: ...': ("more than a path", "spaces"),
    '@get("/x/{a}.pdf") \nasync def f(self, a: int) -> int: ...': (
        "'{a}.pdf' mixes text and braces",
        "fill a whole segment",
    ),
    '@get("/x/{a") \nasync def f(self, a: int) -> int: ...': ("'{a' mixes", "whole segment"),
    '@get("/x/{a}/{a}") \nasync def f(self, a: int) -> int: ...': ("{a} stands twice", "Rename"),
    '@get("/x/{b}") \nasync def f(self, a: int) -> int: ...': (
        "{b}, which is no parameter",
        "Add `b: int`",
    ),
    '@get("/x/{a:int}") \nasync def f(self, a: int) -> int: ...': (
        "{a:int}, which is no name",
        "its type stands in the method",
    ),
    '@get("/x/{}") \nasync def f(self, a: int) -> int: ...': ("{}, which is no name", "{order_id}"),
    # --- The options ---
    '@get("/x", fauls=[]) \nasync def f(self) -> int: ...': ("no option fauls=", "Write faults="),
    '@get("/x", frob=1) \nasync def f(self) -> int: ...': ("no option frob=", "There are status,"),
    '@get("/x", faults=Gone) \nasync def f(self) -> int: ...': ("faults=", "a list such as"),
    '@get("/x", faults=[int]) \nasync def f(self) -> int: ...': (
        "is no Fault",
        "derive from Fault",
    ),
    '@get("/x", faults=[Gone()]) \nasync def f(self) -> int: ...': ("is no Fault", "List classes"),
    '@get("/x", faults=[Gone, Lost]) \nasync def f(self) -> int: ...': (
        "Lost and Gone are both 'gone'",
        'with kind="..."',
    ),
    '@get("/x", allow=role) \nasync def f(self) -> int: ...': ("allow=", 'role("admin")'),
    '@get("/x", scopes="a:b") \nasync def f(self) -> int: ...': ("scopes='a:b'", "a list such as"),
    '@get("/x", tags="shop") \nasync def f(self) -> int: ...': ("tags='shop'", "a list such as"),
    '@get("/x", status="201") \nasync def f(self) -> int: ...': ("status='201'", "a number"),
    '@get("/x", status=404) \nasync def f(self) -> int: ...': (
        "404 is not one of success",
        "200 to",
    ),
    '@get("/x", status=101) \nasync def f(self) -> int: ...': (
        "101 is not one of success",
        "200 to",
    ),
    '@get("/x", timeout="2") \nasync def f(self) -> int: ...': ("timeout='2'", "seconds"),
    '@get("/x", timeout=0) \nasync def f(self) -> int: ...': (
        "0 is not above zero",
        "Give seconds",
    ),
    '@get("/x", timeout=-1.5) \nasync def f(self) -> int: ...': (
        "-1.5 is not above",
        "Give seconds",
    ),
    '@get("/x", sunset="2031-01-01") \nasync def f(self) -> int: ...': ("sunset=", "datetime.date"),
    '@post("/x", etag=True) \nasync def f(self) -> int: ...': ("etag= is for get", "if_match="),
    '@get("/x", idempotent=False) \nasync def f(self) -> int: ...': (
        "what is safe is idempotent",
        "or say safe=False",
    ),
    '@post("/x", keyed="yes") \nasync def f(self) -> int: ...': ("keyed='yes'", "True or False"),
    # --- What is no operation ---
    "f = Event(list[int])": ("carries one struct type", "Write Event(OrderPlaced)"),
    "@on(Payload) \nasync def f(self, event: Payload) -> None: ...": (
        "which is no event of a contract",
        "@on(Orders.placed)",
    ),
    "@on(Orders.placed) \ndef f(self, event: Payload) -> None: ...": (
        "a listener is awaited",
        "put @blocking over it",
    ),
    "@on(Orders.placed) \nasync def f(self) -> None: ...": (
        "a listener is given the event's payload",
        "self, event: OrderPlaced",
    ),
    "@on_start \ndef f(self) -> None: ...": ("a start hook is awaited", "Write `async def`"),
    "@seed \nasync def f(self, database: int) -> None: ...": ("is given nothing", "Write `self`"),
}

# The same, told when the types resolve.
TYPES: dict[str, tuple[str, str]] = {
    '@get("/x") \nasync def f(self, a: "Nowhere") -> int: ...': ("'Nowhere' is not", "Import or"),
    '@get("/x") \nasync def f(self) -> "datetime.dat": ...': ("no attribute 'dat'", "define it"),
    '@get("/x") \nasync def f(self, a: "1 +") -> int: ...': ("does not resolve", "Import or"),
    # --- Types that cannot travel ---
    '@get("/x") \nasync def f(self, a: complex) -> int: ...': ("a: values of complex", "msgspec"),
    '@post("/x") \nasync def f(self, a: Thing) -> int: ...': ("a: values of Thing", "msgspec"),
    '@post("/x") \nasync def f(self, a: list[Holder]) -> int: ...': (
        "a: values of Thing",
        "msgspec",
    ),
    '@get("/x") \nasync def f(self) -> Thing: ...': ("the result: values of Thing", "msgspec"),
    '@get("/x") \nasync def f(self) -> dict[str, Holder | None]: ...': (
        "the result: values of Thing",
        "msgspec",
    ),
    '@post("/x") \nasync def f(self, a: Payload | Holder) -> int: ...': ("a: ", "msgspec"),
    '@post("/x") \nasync def f(self, a: AsyncIterator[str]) -> int: ...': (
        "a streams other things",
        "AsyncIterator[bytes]",
    ),
    '@get("/x") \nasync def f(self) -> AsyncIterator[Payload]: ...': (
        "the result streams other things",
        "Encode each item",
    ),
    "f = Event(Holder)": ("the payload: values of Thing", "msgspec"),
    '@post("/x") \nasync def f(self, a: Sku | list[str]) -> int: ...': (
        "a: a text with a pattern shares a union with a list",
        "msgspec",
    ),
    '@get("/x") \nasync def f(self) -> dict[str, Sku | dict[str, int] | None]: ...': (
        "the result: a text with a pattern shares a union",
        "msgspec",
    ),
    # --- Places that cannot carry them ---
    '@get("/x") \nasync def f(self, a: Payload) -> int: ...': ("a has parts", "List its fields"),
    '@get("/x") \nasync def f(self, a: dict[str, int]) -> int: ...': (
        "a has parts",
        "List its fields",
    ),
    '@get("/x") \nasync def f(self, a: list[Payload]) -> int: ...': ("a has parts", "List its"),
    '@get("/x") \nasync def f(self, a: set[tuple[int, ...]]) -> int: ...': ("a has parts", "List"),
    '@get("/x") \nasync def f(self, a: tuple[int, list[int]]) -> int: ...': ("a has parts", "List"),
    '@get("/x") \nasync def f(self, a: Annotated[Payload, Header()]) -> int: ...': (
        "the header carries plain values",
        "List its fields",
    ),
    '@get("/x/{a}") \nasync def f(self, a: Payload) -> int: ...': ("the path carries", "List its"),
    '@get("/x/{a}") \nasync def f(self, a: list[int]) -> int: ...': (
        "a is a list in the path",
        "from the query",
    ),
    '@get("/x/{a}") \nasync def f(self, a: int = 1) -> int: ...': ("a has a default", "Drop"),
    '@get("/x/{a}") \nasync def f(self, a: Annotated[int, Path("b")]) -> int: ...': (
        "the braces name it already",
        "Write Path(), and {a}",
    ),
    '@get("/x/{a}") \nasync def f(self, a: Annotated[int, Query()]) -> int: ...': (
        "is marked Query, the path says otherwise",
        "agree",
    ),
    '@get("/x") \nasync def f(self, a: Annotated[int, Path()]) -> int: ...': (
        "is marked Path, the path says otherwise",
        "agree",
    ),
    '@get("/x") \nasync def f(self, a: Annotated[Payload, Body()]) -> int: ...': (
        "a is a body, which GET does not have",
        "Use post, put or patch",
    ),
    '@delete("/x") \nasync def f(self, a: Annotated[int, Body()]) -> int: ...': (
        "which DELETE does not have",
        "Use post",
    ),
    '@post("/x") \nasync def f(self, a: Payload, b: Payload) -> int: ...': (
        "a and b would each be the whole body",
        "one struct",
    ),
    '@post("/x") \nasync def f(self, a: Payload, b: Upload) -> int: ...': (
        "a is the body and b a form field",
        "make all of them Form",
    ),
    '@get("/x") \nasync def f(self, a: AsyncIterator[bytes]) -> int: ...': (
        "a stream that is not the whole body",
        "in post or put",
    ),
    "@call() \nasync def f(self, a: Annotated[str, Header()]) -> int: ...": (
        "a is marked Header, but a call is all one body",
        "@post",
    ),
    '@get("/x") \nasync def f(self, a: int, b: Annotated[int, Query("a")]) -> int: ...': (
        "a and b are both query 'a'",
        "another name",
    ),
    '@get("/x") \nasync def f(self, a: Annotated[str, Header("X-A")],'
    ' b: Annotated[str, Header("x-a")]) -> int: ...': ("are both header 'x-a'", "another name"),
    # --- Results ---
    '@get("/x", status=204) \nasync def f(self) -> int: ...': ("promises no body", "Say `-> None`"),
    '@get("/x") \nasync def f(self) -> Annotated[Payload, Content("text/xml")]: ...': (
        "would be JSON, not text/xml",
        "Return bytes or str",
    ),
    '@get("/x") \nasync def f(self) -> Page[Payload]: ...': (
        "nobody can ask for the next",
        "cursor",
    ),
    # --- Rules and tags ---
    '@get("/x", allow=owner("user_id")) \nasync def f(self, a: int) -> int: ...': (
        "reads user_id, which is no parameter",
        "Name one of: a",
    ),
    '@get("/x", allow=role("a") | owner("b.c")) \nasync def f(self) -> int: ...': (
        "reads b.c, which is no parameter",
        "none",
    ),
    '@put("/x", keyed=True) \nasync def f(self) -> int: ...': ("it is idempotent", "Drop keyed"),
    '@post("/x", keyed=True) \nasync def f(self) -> AsyncIterator[bytes]: ...': (
        "a stream cannot be told",
        "Drop keyed, or take and return bytes",
    ),
    '@put("/x", if_match="g") \nasync def f(self) -> int: ...': ("names no get", "Name one"),
    '@put("/x", if_match="plain") \nasync def f(self) -> int: ...': ("no entity tag", "etag=True"),
    '@put("/x", if_match="tagged") \nasync def f(self) -> int: ...': (
        "needs order_id, which this operation does not have",
        "Share the name",
    ),
}

_MODULE = """
class Thing: ...
class Payload(Struct): ...
class Holder(Struct):
    thing: Thing
Sku = Annotated[str, Meta(pattern="^[A-Z]+$")]
class Gone(Fault): ...
class Lost(Fault, kind="gone"): ...
class Orders(Contract, version="1.0"):
    placed = Event(Payload)
"""

_OTHERS = """
@get("/plain")
async def plain(self) -> int: ...
@get("/tagged/{order_id}", etag=True)
async def tagged(self, order_id: int) -> int: ...
"""


def problems(source: str) -> tuple[Problem, ...]:
    """The mistakes in a module, made or described."""
    with pytest.raises(ContractError) as caught:
        described(source)
    assert str(caught.value).count("\n  - ") == len(caught.value.problems)
    return caught.value.problems


def described(source: str) -> None:
    """Make what the module defines, and describe its contracts."""
    for value in executed(source).values():
        if isinstance(value, type) and issubclass(value, Contract) and "__promise__" in vars(value):
            describe(value)


def body(operations: str) -> str:
    """A module with a contract of these operations."""
    members = textwrap.indent(operations + _OTHERS, "    ")
    return f'{_MODULE}\nclass Shop(Contract, version="1.0"):\n{members}'


@pytest.mark.parametrize("operation", [*STRUCTURE, *TYPES])
def test_a_mistake_is_told_with_place_and_remedy(operation: str) -> None:
    """Class, operation, file and line; what is wrong; what to write instead."""
    what, remedy = {**STRUCTURE, **TYPES}[operation]
    [problem] = problems(body(operation))
    assert what in problem.what
    assert remedy in problem.remedy
    function = "def" in operation
    place = r"Shop\._?f \(orders\.py:\d+\)" if function else r"Shop\.f"
    assert re.fullmatch(place, problem.where)


@pytest.mark.parametrize("table", [STRUCTURE, TYPES], ids=["structure", "types"])
def test_all_mistakes_are_told_at_once(table: dict[str, tuple[str, str]]) -> None:
    """One run tells everything there is to mend, in every operation of the contract."""
    made = [_numbered(operation, number) for number, operation in enumerate(table)]
    told = {problem.what for problem in problems(body("\n".join(made)))}
    missing = [what for what, _ in table.values() if not any(what in each for each in told)]
    assert missing == []


def _numbered(operation: str, number: int) -> str:
    operation = re.sub(r"\b(_?)f( =|\()", rf"\1f{number}\2", operation)
    return operation.replace('"/x', f'"/x{number}')


# module -> what is wrong, how to mend it
CLASSES: dict[str, tuple[str, str]] = {
    # --- Contracts ---
    "class Shop(Contract): ...": ("neither says a version", 'class Shop(Contract, version="1.0")'),
    "class Shop(Service): ...": ("neither says a version", 'class Shop(Service, version="1.0")'),
    'class Shop(Contract, version="one"): ...': ("version 'one' is not", 'version="1.0"'),
    'class Shop(Contract, version="1.0.0.0"): ...': ("'1.0.0.0' is not", 'version="1.0"'),
    'class Shop(Contract, version="v1"): ...': ("'v1' is not", 'version="1.0"'),
    "class Shop(Contract, version=1.0): ...": ("version 1.0 is not", 'version="1.0"'),
    'class Shop(Contract, version=""): ...': ("version '' is not", 'version="1.0"'),
    'class Shop(Contract, version="1.0", name="My Shop"): ...': ("'My Shop' is no name", "small"),
    'class Shop(Contract, version="1.0", name="shop/eu"): ...': ("'shop/eu' is no name", "small"),
    """
    class Shop(Contract, version="1.0"):
        @get("/order/{order_id}")
        async def order(self, order_id: int) -> int: ...
        @get("/order/{number}")
        async def numbered(self, number: int) -> int: ...
    """: ("GET /order/{number} is also the route of order", "another path"),
    """
    class Old(Contract, version="1.0"):
        @get("/order")
        async def order(self) -> int: ...
    class Shop(Old, version="2.0"):
        async def order(self, lines: bool = False) -> int: ...
    """: ("redefines an operation without a decorator", "Repeat the decorator"),
    """
    class Old(Contract, version="1.0"):
        @get("/order")
        async def order(self) -> int: ...
    class Shop(Old, Service, version="2.0"):
        @get("/orders")
        async def orders(self) -> int: ...
    """: ("operation Old.order is missing", "Write `async def order(self) -> int`"),
    # --- Implementations ---
    "class Shop(Orders): ...": ("operation Orders.place is missing", "or say abstract=True"),
    "class Shop(Orders):\n    place = None": ("place is an operation", "Write `async def place("),
    """
    class Shop(Orders):
        def place(self, product_id: int, count: int = 1) -> int: ...
    """: ("place is a plain method", "put @blocking over it"),
    """
    class Shop(Orders):
        async def place(self, product_id: int, count: int = 1) -> AsyncIterator[bytes]: yield b""
    """: ("place yields", "Return the iterator"),
    """
    class Shop(Orders):
        async def place(self, product: int = 1, count: int = 1) -> int: ...
    """: ("parameter product_id of the contract is missing", "Call it product_id"),
    """
    class Shop(Orders):
        async def place(self, product_id: int, count: int, user: int) -> int: ...
    """: ("parameter user is not in the contract", "Give it a default"),
    """
    class Shop(Orders):
        async def place(self, user: int, **arguments: int) -> int: ...
    """: ("parameter user is not in the contract", "add it to the contract"),
    """
    class Shop(Orders):
        async def place(self, product_id: int, /, count: int = 1) -> int: ...
    """: ("parameter product_id has no name for its callers", "Drop the `/`"),
    """
    class Shop(Orders, name="shop"):
        async def place(self, product_id: int, count: int = 1) -> int: ...
    """: ("name='shop' belongs to a contract", "callers know it as orders 1.0"),
    """
    class Shop(Orders):
        async def place(self, product_id: int, count: int = 1) -> int: ...
        @get("/more")
        async def more(self) -> int: ...
    """: ("its decorator stands in an implementation", "Move it to the contract"),
    """
    class Shop(Orders):
        async def place(self, product_id: int, count: int = 1) -> int: ...
        dropped = Event(Struct)
    """: ("its event stands in an implementation", "Move it to the contract"),
    """
    class Shop(Orders):
        async def place(self, product_id: int, count: int = 1) -> int: ...
        @on_stop
        def close(self) -> None: ...
    """: ("a stop hook is awaited", "Write `async def`"),
    # --- Faults ---
    'class Shop(Fault):\n    """{id}."""\n    name: str': (
        "{id}, which is no field",
        "Declare `id",
    ),
    'class Shop(Fault):\n    """{}."""\n    name: str': (
        "{}, which is no field",
        "double the braces",
    ),
    'class Shop(Fault):\n    """{x:{width}}."""\n    x: str': ("{width}, which", "Declare `width"),
    'class Shop(Fault):\n    """{0}."""\n    name: str': ("{0}, which is no field", "double the"),
    'class Shop(Fault):\n    """Only {left."""\n    left: int': (
        "does not parse",
        "Double the brace",
    ),
    "class Shop(Fault, status=200): ...": ("200 does not tell an error", "Use 400 to 499"),
    "class Shop(Fault, status=600): ...": ("600 does not tell an error", "500 to 599"),
    'class Shop(Fault, code="not_found"): ...': ("none of the sixteen", "Code.NOT_FOUND"),
    'class Shop(Fault, kind="Out of stock"): ...': ("no name for the wire", 'kind="out-of-stock"'),
    "class Shop(Fault):\n    _left: int": ("'_left' hides an attribute", "Rename it"),
    **{
        f"class Shop(Fault):\n    {name}: str": (f"{name!r} is a member of every", "another name")
        for name in ("type", "title", "status", "detail", "instance", "code", "trace_id")
    },
    **{
        f"class Shop(Fault):\n    {name}: str": (f"{name!r} hides an attribute", "Rename it")
        for name in ("kind", "message", "values", "wire", "from_wire", "args", "add_note")
    },
    # --- Decorators ---
    """
    class Shop(Contract, version="1.0"):
        @get
        async def order(self) -> int: ...
    """: ("@get needs the path", 'Write `@get("/orders")`'),
    """
    class Shop(Contract, version="1.0"):
        @get("/order")
        @blocking
        async def order(self) -> int: ...
    """: ("stands over an `async def`", "Take it away"),
}

_ORDERS = """
class Orders(Contract, version="1.0"):
    @post("/orders")
    async def place(self, product_id: int, count: int = 1) -> int: ...
"""


@pytest.mark.parametrize("source", CLASSES)
def test_a_class_that_cannot_work_is_never_made(source: str) -> None:
    """Contract, implementation or fault: the class statement itself says what to mend."""
    what, remedy = CLASSES[source]
    for problem in problems(_ORDERS + textwrap.dedent(source)):
        assert what in problem.what
        assert remedy in problem.remedy
        assert problem.where.startswith("Shop")


def test_an_implementation_hears_of_everything_it_lacks() -> None:
    """Of every contract it keeps, in one error."""
    told = problems(
        _ORDERS
        + """
class Audit(Contract, version="1.0"):
    @get("/audit")
    async def trail(self) -> list[str]: ...
    @get("/audit/{day}")
    async def day(self, day: datetime.date) -> list[str]: ...

class Shop(Orders, Audit):
    def place(self, product: int, count: int = 1) -> int: ...
    async def day(self, day: datetime.date, user: int) -> list[str]: ...
"""
    )
    assert [(problem.where.split(" ")[0], problem.what) for problem in told] == [
        ("Shop.place", "place is a plain method, and would stop every other call"),
        ("Shop.place", "parameter product_id of the contract is missing"),
        ("Shop.place", "parameter product is not in the contract, so nobody can give it"),
        ("Shop", "operation Audit.trail is missing"),
        ("Shop.day", "parameter user is not in the contract, so nobody can give it"),
    ]


def test_a_missing_operation_is_told_as_it_must_be_written() -> None:
    """The remedy can be copied."""
    [problem] = problems(_ORDERS + "class Shop(Orders): ...")
    assert "`async def place(self, product_id: int, count: int = 1) -> int`" in problem.remedy


def test_what_is_half_done_may_say_so() -> None:
    """With `abstract=True` nothing is missing yet; its subclass must have everything."""
    executed(_ORDERS + "class Half(Orders, abstract=True): ...")
    source = _ORDERS + "class Half(Orders, abstract=True): ...\nclass Shop(Half): ..."
    [problem] = problems(source)
    assert "operation Orders.place is missing" in problem.what


RIGHT: list[str] = [
    '@get("/x/{a}") \nasync def f(self, a: int, b: int = 1) -> None: ...',
    '@get("/") \nasync def f(self) -> None: ...',
    '@get("/x/{a}/y/{b}/") \nasync def f(self, a: int, b: str) -> None: ...',
    '@get("/x", status=301) \nasync def f(self) -> None: ...',
    '@get("/x", safe=False, idempotent=False) \nasync def f(self) -> None: ...',
    '@post("/x", faults=(Gone, Gone), scopes={"a"}) \nasync def f(self) -> None: ...',
    '@post("/x") \nasync def f(self, a: Upload, b: Annotated[str, Form()]) -> None: ...',
    '@put("/x/{order_id}", if_match="tagged") \nasync def f(self, order_id: int) -> None: ...',
    "async def _f(self) -> None: ...",
    "f = Event(Payload)",
    "f = 1",
]


@pytest.mark.parametrize("operation", RIGHT)
def test_what_is_right_is_not_refused(operation: str) -> None:
    """Control: the same contract with a right operation is made and described."""
    shop: Callable[..., Any] = executed(body(operation))["Shop"]
    assert isinstance(shop, type)
    assert describe(shop).name == "shop"
