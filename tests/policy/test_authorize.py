"""May they: every operation against every kind of caller."""

from typing import Any

import pytest

from coterie.call import Call, Failure, Principal, Reply
from coterie.contract import Code, Rule, anyone, authenticated, role
from coterie.policy import authorize

from .shop import NewOrder, a_call, answer


def who(*, roles: str = "", scopes: str = "", subject: str = "42") -> Principal:
    return Principal(subject, frozenset(scopes.split()), frozenset(roles.split()))


CALLERS: dict[str, Principal | None] = {
    "nobody": None,
    "42": who(),
    "43": who(subject="43"),
    "admin": who(subject="1", roles="admin"),
    "reader": who(subject="2", scopes="orders:read"),
    "writer": who(subject="3", scopes="orders:read orders:write"),
    "role named as a scope": who(subject="4", roles="orders:read orders:write"),
    "scope named as a role": who(subject="5", scopes="admin"),
    "Admin": who(subject="6", roles="Admin administrator"),
}

OPERATIONS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "open": ({}, set(CALLERS)),
    "known": ({}, set(CALLERS) - {"nobody"}),
    "silent": ({}, set(CALLERS) - {"nobody"}),
    "admin": ({}, {"admin"}),
    "scoped": ({}, {"writer"}),
    "either": ({}, {"reader", "writer", "admin"}),
    "user": ({"user_id": 42}, {"42", "admin"}),
    "place": ({"order": NewOrder(42)}, {"42"}),
}


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("operation", OPERATIONS)
async def test_exactly_those_whom_the_rule_names_may_call(operation: str, caller: str) -> None:
    """Others are told 401 or 403, and nothing runs. Control: without the policy all may call."""
    arguments, allowed = OPERATIONS[operation]
    call = a_call(operation, arguments, principal=CALLERS[caller])
    ran: list[Call] = []

    async def run(call: Call) -> Reply:
        ran.append(call)
        return Reply()

    await run(call)
    handler = authorize(authenticated)(run)
    if caller in allowed:
        await handler(call)
        assert ran == [call, call]
        return
    with pytest.raises(Failure) as caught:
        await handler(call)
    assert ran == [call]
    code = Code.UNAUTHENTICATED if caller == "nobody" else Code.PERMISSION_DENIED
    assert caught.value.code is code


@pytest.mark.parametrize(("default", "served"), [(anyone, True), (role("x"), False)], ids=str)
async def test_an_operation_without_a_rule_has_the_systems(default: Rule, served: bool) -> None:
    """That it is open is somebody's choice, made where the policy is put."""
    handler = authorize(default)(answer)
    if served:
        await handler(a_call("silent"))
    else:
        with pytest.raises(Failure, match="Log in first: this is for role x"):
            await handler(a_call("silent"))
    await handler(a_call("open"))


async def test_a_refusal_says_what_would_be_enough() -> None:
    """RFC 6750, 3.1: a client may ask for the scopes it lacks."""
    handler = authorize(authenticated)(answer)
    with pytest.raises(Failure, match="scope orders:write") as caught:
        await handler(a_call("scoped", principal=who(scopes="orders:read")))
    expected = 'Bearer error="insufficient_scope", scope="orders:write"'
    assert caught.value.headers == (("www-authenticate", expected),)
    with pytest.raises(Failure, match=r"^This is for role admin$") as caught:
        await handler(a_call("admin", principal=who()))
    assert caught.value.headers == ()
    with pytest.raises(Failure, match="Log in first: this is for the owner") as caught:
        await handler(a_call("user", {"user_id": 42}))


@pytest.mark.parametrize("value", [None, 4, 420, -42, "042", " 42", "42 "], ids=repr)
async def test_an_owner_is_the_same_to_the_letter(value: object) -> None:
    """Control: 42 and "42" are the caller's own."""
    handler = authorize(authenticated)(answer)
    for own in (42, "42"):
        await handler(a_call("user", {"user_id": own}, principal=who()))
    with pytest.raises(Failure):
        await handler(a_call("user", {"user_id": value}, principal=who()))
    with pytest.raises(Failure):
        await handler(a_call("user", {}, principal=who()))
