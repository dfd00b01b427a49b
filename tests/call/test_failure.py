"""Failures: anything that goes wrong and was not declared."""

import copy
import pickle
from typing import Any

import msgspec
import pytest

from coterie.call import Failure, Sent, Violation
from coterie.contract import Code, ContractError, Fault


def _pickled(failure: Failure) -> Any:
    return pickle.loads(pickle.dumps(failure))  # noqa: S301  # our own bytes


def test_a_failure_is_a_code_and_a_message() -> None:
    """It came from the other side, unless it says otherwise."""
    failure = Failure(Code.NOT_FOUND, "There is no order 7")
    assert str(failure) == failure.message == "There is no order 7"
    assert repr(failure) == "Failure(not_found, 'There is no order 7')"
    assert failure.sent is Sent.ANSWERED
    assert failure.violations == ()
    assert failure.members == {}
    assert failure.headers == ()
    assert failure.retry_after is None
    assert failure.fault is None


@pytest.mark.parametrize("code", Code)
def test_a_failure_travels_as_its_codes_status(code: Code) -> None:
    """Unless it has one of its own: 406 and 415 share a code with 400."""
    assert Failure(code, "x").status == code.status
    assert Failure(code, "x", status=415).status == 415


@pytest.mark.parametrize("sent", Sent)
@pytest.mark.parametrize("code", Code)
def test_whether_a_second_try_may_succeed_is_the_codes_to_say(code: Code, sent: Sent) -> None:
    """A wrong argument stays wrong though it never left; a service that is down comes back."""
    again = code in (Code.UNAVAILABLE, Code.RESOURCE_EXHAUSTED)
    assert Failure(code, "x", sent=sent).retryable is again


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, _pickled])
def test_a_failure_survives_copying_and_pickling(again: Any) -> None:
    """With everything it knows, and the notes put on it."""
    failure = Failure(
        Code.RESOURCE_EXHAUSTED,
        "Come back later",
        sent=Sent.UNKNOWN,
        violations=(Violation("too many", "#/items", "body"),),
        retry_after=1.5,
        fault="quota-used-up",
        members={"limit": 10},
        status=503,
        headers=(("x-limit", "10"),),
    )
    failure.add_note("while ordering")
    copied = again(failure)
    assert vars(copied) == vars(failure)
    assert copied.__notes__ == ["while ordering"]
    assert (type(copied), str(copied), copied.code) == (Failure, str(failure), failure.code)


def test_a_subclass_survives_too() -> None:
    """Whoever tells failures apart by class keeps the class over a process boundary."""
    assert type(_pickled(Late("x"))) is Late


class Late(Failure):
    """A failure with a constructor of its own."""

    def __init__(self, message: str) -> None:
        super().__init__(Code.DEADLINE_EXCEEDED, message)

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.message,), self.__dict__)


def test_the_three_kinds_of_error_stay_apart() -> None:
    """`except Failure` catches no fault, `except Fault` no failure, neither a wrong declaration."""
    for one, other in ((Failure, Fault), (Fault, Failure), (Failure, ContractError)):
        assert not issubclass(one, other)


def test_a_violation_is_written_as_problem_details_have_it() -> None:
    """`in`, `pointer` and `detail` (RFC 9457, 3): the field as a JSON pointer."""
    violation = Violation("Expected `int`", "#/items/0/quantity", "query")
    written = {"detail": "Expected `int`", "pointer": "#/items/0/quantity", "in": "query"}
    assert msgspec.to_builtins(violation) == written
    assert msgspec.convert(written, Violation) == violation
    assert Violation("x", "#").where == "body"
