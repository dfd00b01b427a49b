"""require(): a contract's rules, asked inside a method."""

import pytest

from coterie.call import Failure, Principal, calling, require
from coterie.contract import Code, anyone, owner, role

MINE = owner("user_id") | role("admin")


@pytest.mark.parametrize(
    "principal", [Principal("7"), Principal("8", roles=frozenset({"admin"}))], ids=repr
)
def test_whoever_the_rule_lets_in_passes(principal: Principal) -> None:
    with calling(principal=principal):
        require(MINE, user_id=7)


def test_another_is_refused() -> None:
    """With the rule in words: what it would take."""
    with calling(principal=Principal("8")), pytest.raises(Failure) as caught:
        require(MINE, user_id=7)
    assert caught.value.code is Code.PERMISSION_DENIED
    assert caught.value.message == "This is for the owner (user_id) or role admin"


def test_a_stranger_is_asked_to_log_in() -> None:
    with pytest.raises(Failure, match="Log in first: this is for the owner") as caught:
        require(MINE, user_id=7)
    assert caught.value.code is Code.UNAUTHENTICATED


def test_a_stranger_passes_where_anyone_may() -> None:
    require(anyone)
