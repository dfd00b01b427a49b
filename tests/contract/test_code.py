"""Codes: sixteen, each with the status it travels as."""

from http import HTTPStatus

import pytest

from coterie.contract import Code

# The table of the Connect protocol, which is also gRPC's.
CODES = {
    "canceled": 499,
    "unknown": 500,
    "invalid_argument": 400,
    "deadline_exceeded": 504,
    "not_found": 404,
    "already_exists": 409,
    "permission_denied": 403,
    "resource_exhausted": 429,
    "failed_precondition": 400,
    "aborted": 409,
    "out_of_range": 400,
    "unimplemented": 501,
    "internal": 500,
    "unavailable": 503,
    "data_loss": 500,
    "unauthenticated": 401,
}


def test_names_and_statuses_are_the_standards() -> None:
    assert {code.value: code.status for code in Code} == CODES


def test_only_what_passes_by_itself_is_worth_a_second_try() -> None:
    """Unavailable, or over a limit: nothing else changes when the same call is sent again."""
    assert {code for code in Code if code.retryable} == {Code.UNAVAILABLE, Code.RESOURCE_EXHAUSTED}


@pytest.mark.parametrize("code", Code)
def test_a_status_leads_back_to_a_code_of_the_same_status_or_kind(code: Code) -> None:
    """A foreign answer is told by its status alone: never as success, never as another class."""
    back = Code.of_status(code.status)
    assert back.status // 100 == code.status // 100


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, Code.UNAUTHENTICATED),
        (403, Code.PERMISSION_DENIED),
        (404, Code.NOT_FOUND),
        (408, Code.DEADLINE_EXCEEDED),
        (409, Code.ABORTED),
        (412, Code.FAILED_PRECONDITION),
        (429, Code.RESOURCE_EXHAUSTED),
        (502, Code.UNAVAILABLE),
        (503, Code.UNAVAILABLE),
        (504, Code.DEADLINE_EXCEEDED),
        (302, Code.UNKNOWN),
        (418, Code.UNKNOWN),
        (500, Code.INTERNAL),
        (507, Code.INTERNAL),
        (599, Code.INTERNAL),
    ],
)
def test_a_foreign_status_has_a_code(status: int, code: Code) -> None:
    assert Code.of_status(status) is code


def test_every_status_has_a_code() -> None:
    """Whatever a foreign service answers."""
    assert all(isinstance(Code.of_status(status), Code) for status in map(int, HTTPStatus))
