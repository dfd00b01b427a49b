"""Who calls: from the token alone, or from a caller in the same process."""

from types import MappingProxyType

import pytest

from coterie.call import Call, Failure, Principal, Reply, current, entered
from coterie.contract import Code
from coterie.identity import SigningKeys, TokenIssuer, TokenVerifier
from coterie.policy import Verifier, authenticate

from .shop import a_call, answer

KEYS = SigningKeys.generate()
VERIFIER: Verifier = TokenVerifier(KEYS.public, "https://shop.example", "shop")
TOKEN = (
    TokenIssuer(KEYS, "https://shop.example", "shop")
    .issue("42", ["orders:read"], ["customer"])
    .access_token
)


class Known:
    """A verifier that knows one word."""

    def __init__(self) -> None:
        self.asked = 0

    def verify(self, token: str) -> Principal:
        self.asked += 1
        if token != "word":
            raise Failure(Code.UNAUTHENTICATED, "who?")
        return Principal("42", claims=MappingProxyType({"by": "word"}))


async def test_the_token_tells_who_calls() -> None:
    """For the policies within, for the method, and for `current()`. Control: without it, nobody."""
    seen: list[Principal | None] = []

    async def look(call: Call) -> Reply:
        seen.append(call.context.principal)
        seen.append(current().principal)
        return Reply()

    call = a_call(token=TOKEN)
    with entered(call.context):
        await look(call)
        assert seen == [None, None]
        await authenticate(VERIFIER)(look)(call)
        assert current().principal is None
    assert seen[2] == seen[3]
    assert seen[2] is not None
    assert seen[2].subject == "42"
    assert seen[2].roles == {"customer"}


async def test_everything_else_of_the_call_stays() -> None:
    call = a_call("user", {"user_id": 7}, token="word", deadline=1e12)
    reply = await authenticate(Known())(answer)(call)
    assert reply.value.arguments == {"user_id": 7}
    assert reply.value.operation is call.operation
    assert reply.value.context.token == "word"
    assert reply.value.context.deadline == 1e12
    assert reply.value.context.trace == call.context.trace


@pytest.mark.parametrize("operation", ["silent", "open", "known"])
@pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], TOKEN + "A", "a.b.c"])
async def test_a_bad_token_is_refused_even_where_none_is_needed(operation: str, token: str) -> None:
    """Whoever means to be somebody is not served as nobody. Control: the good token is taken."""
    policy = authenticate(VERIFIER)

    async def never(call: Call) -> Reply:
        raise AssertionError("the method ran")

    with pytest.raises(Failure) as caught:
        await policy(never)(a_call(operation, token=token))
    assert caught.value.code is Code.UNAUTHENTICATED
    reply = await policy(answer)(a_call(operation, token=TOKEN))
    assert reply.value.context.principal.subject == "42"


async def test_a_call_without_a_token_goes_on_as_it_is() -> None:
    """As nobody, or as whom a caller in this process has proved."""
    verifier = Known()
    for principal in (None, Principal("7")):
        call = a_call(principal=principal)
        reply = await authenticate(verifier)(answer)(call)
        assert reply.value is call
    assert verifier.asked == 0


async def test_a_principal_that_was_proved_is_not_proved_again() -> None:
    """A wire carries no principal, so whoever hands one along is in this process and proved it."""
    call = a_call(token="word", principal=Principal("7", roles=frozenset({"admin"})))
    verifier = Known()
    reply = await authenticate(verifier)(answer)(call)
    assert reply.value.context.principal.subject == "7"
    assert verifier.asked == 0
