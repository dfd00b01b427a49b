"""Faults in the words of other programs: fields called otherwise on the wire, and bare ones."""

import copy
import pickle
from typing import Any

import msgspec
import pytest

from coterie.contract import Code, ContractError, Fault, field


class UserNotFound(Fault, code=Code.NOT_FOUND, bare=True):
    """{error}"""  # noqa: D415  # the program's own words, as they are

    error: str


class Gone(UserNotFound, status=410):
    """{error}, since {since}."""

    since: int = field(name="status", default=0)


class Refused(Fault, bare=True):
    """{said} ({detail})."""

    said: str = field(name="message")
    detail: str | None = None
    why: list[str] = field(name="errors", default_factory=list)


def test_a_field_has_its_own_name_here_and_another_on_the_wire() -> None:
    """`status`, `message` and the like are taken in Python, and common on the wire."""
    fault = Refused("No", why=["late"])
    assert fault.values() == {"said": "No", "detail": None, "why": ["late"]}
    assert fault.message == "No (None)."
    sent = msgspec.to_builtins(Refused.wire()(**fault.values()))
    assert sent == {"message": "No", "detail": None, "errors": ["late"]}
    assert Refused.from_wire(sent) == fault
    assert Refused.from_wire({"message": "No"}) == Refused("No")


def test_problem_details_take_other_names_too() -> None:
    """It is no privilege of bare faults."""

    class Left(Fault):
        """{available}."""

        available: int = field(name="availableUnits")

    assert Left.from_wire({"availableUnits": 3}) == Left(3)
    assert not Left.bare


def test_what_gives_a_name_is_no_value() -> None:
    """A field without a default is required, and nothing stands on the class in its place."""
    with pytest.raises(TypeError, match="Refused needs said="):
        Refused()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    assert not hasattr(Refused, "said")


def test_a_default_that_is_made_is_made_anew() -> None:
    """The list of one fault is not that of the next."""
    Refused("No").why.append("late")
    assert Refused("No").why == []


def test_children_are_as_bare_as_their_parents() -> None:
    """With their parents' names; ``bare=False`` takes it back."""
    assert Gone.bare
    assert Gone.from_wire({"error": "x", "status": 7}) == Gone("x", 7)

    class Told(UserNotFound, bare=False): ...

    assert not Told.bare
    assert UserNotFound.bare


@pytest.mark.parametrize("again", [copy.deepcopy, lambda fault: pickle.loads(pickle.dumps(fault))])  # noqa: S301  # our own bytes
def test_names_survive_copying_and_pickling(again: Any) -> None:
    assert again(Gone("x", 7)) == Gone("x", 7)


def test_members_of_problem_details_are_free_where_there_are_none() -> None:
    """FastAPI and Django REST framework say `detail`, others `title` or `type`."""

    class Missing(Fault, code=Code.NOT_FOUND, bare=True):
        """{detail}"""  # noqa: D415

        detail: str
        title: str = ""
        type: str = ""
        instance: str = ""
        trace_id: str = ""

    assert Missing.from_wire({"detail": "Item not found"}).message == "Item not found"


def test_mistakes_say_what_to_write() -> None:
    """Each with its remedy, all at once."""
    with pytest.raises(ContractError) as caught:

        class Told(Fault):  # pyright: ignore[reportUnusedClass]
            """No."""

            said: str = field(name="detail")

    assert "field 'said', 'detail', is a member of every" in str(caught.value)
    assert "or say bare=True" in str(caught.value)
    with pytest.raises(ContractError) as caught:

        class Bare(Fault, bare=True):  # pyright: ignore[reportUnusedClass]
            """No."""

            code: str  # type: ignore[assignment, misc]  # pyright: ignore[reportIncompatibleVariableOverride]
            one: int = field(name="x")
            two: int = field(name="x")

    assert "field 'code' hides an attribute" in str(caught.value)
    assert "Rename it; field(name='code') is for the wire" in str(caught.value)
    assert "two fields travel as 'x'. Give each a name of its own" in str(caught.value)
