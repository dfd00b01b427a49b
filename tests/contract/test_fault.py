"""Faults: declared as a dataclass, raised as an exception, the same on both sides of a wire."""

import copy
import datetime
import pickle
import traceback
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, ClassVar
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coterie.contract import Code, ContractError, Fault, Meta, Struct


class OutOfStock(Fault, code=Code.FAILED_PRECONDITION, status=409):
    """Only {available} left of product {product_id}.

    Order less, or wait.
    """

    product_id: int
    available: int = 0


class Discontinued(OutOfStock):
    """Product {product_id} is gone since {since:%d %B %Y}."""

    since: datetime.date = datetime.date(2024, 2, 29)


class NotFound(Fault, code=Code.NOT_FOUND):
    """There is no such thing."""


class UserFault(Fault):
    """It is about user {user_id}."""

    user_id: int


class NoSuchUser(NotFound, UserFault):
    """There is no user {user_id}."""


class Bare(Fault): ...


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Line(Struct, frozen=True):
    product_id: int
    colour: Colour | None = None


class Refused(Fault, kind="order-refused"):
    """A bit of everything."""

    id: UUID
    lines: list[Line]
    total: Decimal
    at: datetime.datetime
    day: datetime.date
    wait: datetime.timedelta
    proof: bytes
    notes: dict[str, int | str | None]
    left: dict[int, int]
    ratio: float
    marks: frozenset[Colour] = frozenset()
    percent: Annotated[int, Meta(ge=0, le=100)] = 0


# --- Message ---


def test_the_message_is_the_docstring_with_the_fields_filled_in() -> None:
    """The first paragraph, for people; the rest of the docstring is for developers."""
    assert OutOfStock(7, 3).message == "Only 3 left of product 7."
    assert str(OutOfStock(7, 3)) == "Only 3 left of product 7."


def test_the_message_may_format_and_look_into_fields() -> None:
    """What a format string can do: dates, padding, attributes, items, doubled braces."""

    class Late(Fault):
        """{line.product_id}, {day:%Y}, {prices[net]:.2f}, {name!r:>{width}}, {{literal}}."""

        line: Line
        day: datetime.date
        prices: dict[str, float]
        name: str
        width: int

    fault = Late(Line(7), datetime.date(2024, 2, 29), {"net": 1.5}, "a", 5)
    assert fault.message == "7, 2024, 1.50,   'a', {literal}."


def test_what_users_wrote_is_never_a_template() -> None:
    """Braces inside a value stay as they are: nobody formats their way into an object."""

    class Taken(Fault):
        """The name {name} is taken."""

        name: str

    assert Taken("{name.__class__} {0}").message == "The name {name.__class__} {0} is taken."


def test_a_value_that_does_not_format_hides_no_fault() -> None:
    """A wrong value in a message shows the template; the fault is still the one raised."""
    unset: Any = None
    template = "Product {product_id} is gone since {since:%d %B %Y}."
    assert Discontinued(7, since=unset).message == template


def test_a_fault_without_a_docstring_says_its_name() -> None:
    assert Bare().message == "Bare"


def test_a_fault_shows_its_fields() -> None:
    """In a log or a traceback one sees which fault it was, and about what."""
    assert repr(OutOfStock(7)) == "OutOfStock(product_id=7, available=0)"
    [line] = traceback.format_exception_only(OutOfStock(7))
    assert line.endswith("OutOfStock: Only 0 left of product 7.\n")


# --- Making one ---


def test_fields_are_given_by_position_or_by_name() -> None:
    """In the order of declaration, with defaults, as in a dataclass."""
    by_position, by_name = OutOfStock(7, 3), OutOfStock(available=3, product_id=7)
    assert by_position == by_name
    assert (by_name.product_id, by_name.available) == (7, 3)
    assert OutOfStock(7).available == 0
    assert OutOfStock(7, 3).values() == {"product_id": 7, "available": 3}


@pytest.mark.parametrize(
    ("args", "named", "words"),
    [
        ((), {}, "OutOfStock needs product_id="),
        ((1, 2, 3), {}, "OutOfStock takes 2 values, 3 given"),
        ((1,), {"product_id": 2}, "OutOfStock got 'product_id' twice"),
        ((1,), {"product": 2}, "OutOfStock has no field 'product'; it has .*'product_id'"),
    ],
)
def test_a_fault_made_wrongly_says_how(
    args: tuple[int, ...], named: dict[str, int], words: str
) -> None:
    with pytest.raises(TypeError, match=words):
        OutOfStock(*args, **named)


def test_a_default_that_can_change_belongs_to_one_fault_alone() -> None:
    """Adding to the list in one fault adds nothing to the next."""

    class Several(Fault):
        """{ids}."""

        ids: list[int] = [1]  # noqa: RUF012  # a field, as in a dataclass

    first = Several()
    first.ids.append(2)
    assert Several().ids == [1]
    assert Several.from_wire({}) == Several()


def test_class_variables_are_no_fields() -> None:
    """However they are written."""

    class Priced(Fault):
        """{price}."""

        price: int
        currency: ClassVar[str] = "EUR"
        unit: "ClassVar[str]" = "piece"

    assert Priced(3).values() == {"price": 3}


# --- Code, status, kind ---


def test_a_fault_has_code_status_and_name_on_the_wire() -> None:
    """Unless it says otherwise: a failed precondition, its code's status, its class's name."""
    assert (Bare.code, Bare.status, Bare.kind) == (Code.FAILED_PRECONDITION, 400, "bare")
    assert (NotFound.code, NotFound.status, NotFound.kind) == (Code.NOT_FOUND, 404, "not-found")
    assert (OutOfStock.code, OutOfStock.status) == (Code.FAILED_PRECONDITION, 409)
    assert Refused.kind == "order-refused"


@pytest.mark.parametrize("code", Code)
def test_every_code_may_be_a_faults(code: Code) -> None:
    """A fault's status is its code's."""

    class Coded(Fault, code=code): ...

    assert (Coded.code, Coded.status) == (code, code.status)


# --- Inheritance ---


def test_a_fault_inherits_fields_code_and_status_but_no_name() -> None:
    """It is caught as its parent, told apart on the wire."""
    fault = Discontinued(7)
    assert fault.values() == {
        "product_id": 7,
        "available": 0,
        "since": datetime.date(2024, 2, 29),
    }
    assert (fault.code, fault.status, fault.kind) == (OutOfStock.code, 409, "discontinued")
    assert fault.message == "Product 7 is gone since 29 February 2024."
    with pytest.raises(OutOfStock):
        raise fault


def test_a_fault_with_two_parents_has_the_fields_of_both() -> None:
    fault = NoSuchUser(42)
    assert fault.code is Code.NOT_FOUND
    assert fault.user_id == 42
    assert fault.message == "There is no user 42."
    assert isinstance(fault, NotFound)
    assert isinstance(fault, UserFault)


def test_a_child_that_says_a_code_has_that_codes_status() -> None:
    """The parent's own status belonged to the parent's code."""

    class Withdrawn(OutOfStock, code=Code.NOT_FOUND):
        """{product_id}."""

    assert Withdrawn.status == 404


# --- Being a value ---


def test_faults_are_equal_when_class_and_fields_are() -> None:
    """Tests compare them directly; sets hold each once."""
    assert OutOfStock(7, 3) == OutOfStock(7, 3)
    assert OutOfStock(7, 3) != OutOfStock(7, 4)
    assert NotFound() != Bare()
    assert OutOfStock(7) != Discontinued(7)
    assert OutOfStock(7) != "OutOfStock"
    assert {OutOfStock(7, 3), OutOfStock(7, 3), Bare()} == {OutOfStock(7, 3), Bare()}


def test_a_fault_with_a_list_can_be_hashed() -> None:
    """Exceptions are put into sets by the tools around them."""

    class Several(Fault):
        """{ids}."""

        ids: list[int]

    assert {Several([1]), Several([1])} == {Several([1])}


def _pickled(fault: Fault) -> Any:
    return pickle.loads(pickle.dumps(fault))  # noqa: S301  # our own bytes


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, _pickled])
def test_a_fault_survives_copying_and_pickling(again: Any) -> None:
    """It crosses threads, processes and test runners, with the notes put on it."""
    fault = Discontinued(7, 3)
    fault.add_note("while ordering")
    copied = again(fault)
    assert copied is not fault
    assert copied == fault
    assert copied.message == fault.message
    assert copied.__notes__ == ["while ordering"]


def test_a_fault_is_raised_and_chained_as_any_exception() -> None:
    """`raise ... from ...` keeps the cause; nothing of a fault is frozen."""
    with pytest.raises(OutOfStock, match="Only 3 left") as caught:
        raise OutOfStock(7, 3) from KeyError("7")
    assert isinstance(caught.value.__cause__, KeyError)
    assert caught.value.__traceback__ is not None


# --- On the wire ---


@pytest.mark.parametrize(
    "fault",
    [OutOfStock(7, 3), Discontinued(1), NotFound(), NoSuchUser(1), Bare()],
    ids=repr,
)
def test_a_fault_comes_back_as_it_left(fault: Fault) -> None:
    """The same class with the same values, from the members of a problem-details object."""
    sent = msgspec.json.encode(type(fault).wire()(**fault.values()))
    members = {"type": "x", "title": "x", "status": 409, **msgspec.json.decode(sent)}
    assert type(fault).from_wire(members) == fault


_values = st.none() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=5)
_refusals = st.builds(
    Refused,
    id=st.uuids(),
    lines=st.lists(
        st.builds(Line, product_id=st.integers(0, 9), colour=st.none() | st.sampled_from(Colour)),
        max_size=3,
    ),
    total=st.decimals(allow_nan=False, allow_infinity=False),
    at=st.datetimes(timezones=st.just(datetime.UTC)),
    day=st.dates(),
    wait=st.timedeltas(datetime.timedelta(days=-9000), datetime.timedelta(days=9000)),
    proof=st.binary(max_size=8),
    notes=st.dictionaries(st.text(max_size=5), _values, max_size=3),
    left=st.dictionaries(st.integers(0, 9), st.integers(0, 9), max_size=3),
    ratio=st.floats(allow_nan=False, allow_infinity=False),
    marks=st.frozensets(st.sampled_from(Colour)),
    percent=st.integers(0, 100),
)


@settings(deadline=None)
@given(_refusals)
def test_any_fault_comes_back_as_it_left(fault: Refused) -> None:
    """Dates, decimals, bytes, structs, lists, mappings: nothing is lost on the way."""
    sent = msgspec.json.encode(Refused.wire()(**fault.values()))
    assert Refused.from_wire(msgspec.json.decode(sent)) == fault


def test_members_nobody_declared_are_passed_over() -> None:
    """A newer service may tell more of its fault than this caller knows."""
    assert OutOfStock.from_wire({"product_id": 7, "available": 3, "warehouse": "x"}) == OutOfStock(
        7, 3
    )


def test_a_default_stands_in_for_a_member_an_older_service_does_not_send() -> None:
    assert OutOfStock.from_wire({"product_id": 7}) == OutOfStock(7, 0)


@pytest.mark.parametrize("members", [{}, {"product_id": "many"}, {"product_id": None}])
def test_members_that_do_not_fit_are_no_fault(members: dict[str, Any]) -> None:
    """The caller hears that it did not fit instead of catching a fault with wrong values."""
    with pytest.raises(msgspec.ValidationError):
        OutOfStock.from_wire(members)


def test_the_struct_on_the_wire_is_made_once_for_each_class() -> None:
    assert OutOfStock.wire() is OutOfStock.wire()
    assert Discontinued.wire() is not OutOfStock.wire()


class Local:
    """A class of the service that no wire knows."""


class Unsendable(Fault):
    """{thing}."""

    thing: Local


class Misspelt(Fault):
    """{thing}."""

    thing: "Nowhere"  # type: ignore[name-defined]  # noqa: F821  # pyright: ignore[reportUndefinedVariable]


@pytest.mark.parametrize(
    ("fault", "words"), [(Unsendable, "values of Local cannot be"), (Misspelt, "'Nowhere' is not")]
)
def test_a_fault_that_no_wire_carries_says_so_before_it_is_raised(
    fault: type[Fault], words: str
) -> None:
    """At first use, when its types resolve, with what to use instead."""
    with pytest.raises(ContractError, match=words) as caught:
        fault.wire()
    assert "Use types that msgspec encodes" in str(caught.value)
