"""Calls through handlers and policies: order, refusal, replacement."""

from collections.abc import Awaitable, Callable

import pytest
from msgspec import structs

from coterie.call import Call, Context, Failure, Handler, Policy, Reply, Trace, chain
from coterie.contract import Code, Contract, describe, post


class Users(Contract, version="1.0"):
    @post("/login")
    async def login(self, name: str, password: str) -> str: ...


[LOGIN] = describe(Users).operations


def a_call() -> Call:
    arguments = {"name": "ann", "password": "correct-horse"}
    return Call(LOGIN, arguments, Context(Trace.root(), token="secret-token"))


def noting(name: str, notes: list[str]) -> Policy:
    """A policy that notes when a call goes in and when its reply comes out."""

    def policy(handler: Handler) -> Handler:
        async def handle(call: Call) -> Reply:
            notes.append(f"{name} in")
            reply = await handler(call)
            notes.append(f"{name} out")
            return reply

        return handle

    return policy


async def answer(call: Call) -> Reply:
    return Reply(call.arguments["name"])


async def test_the_first_policy_is_outermost() -> None:
    """A call passes them in the order they are written, a reply in the reverse."""
    notes: list[str] = []
    handler = chain([noting("trace", notes), noting("deadline", notes)], answer)
    assert (await handler(a_call())).value == "ann"
    assert notes == ["trace in", "deadline in", "deadline out", "trace out"]


async def test_without_policies_the_handler_is_alone() -> None:
    assert chain([], answer) is answer


async def test_policies_may_come_from_anywhere() -> None:
    """A generator is read once, while the chain is made."""
    notes: list[str] = []
    handler = chain((noting(name, notes) for name in "ab"), answer)
    await handler(a_call())
    await handler(a_call())
    assert notes == ["a in", "b in", "b out", "a out"] * 2


async def test_a_policy_may_refuse() -> None:
    """What is inside it never sees the call."""
    notes: list[str] = []

    def refuse(_: Handler) -> Handler:
        async def handle(_: Call) -> Reply:
            raise Failure(Code.PERMISSION_DENIED, "Not today")

        return handle

    handler = chain([noting("outer", notes), refuse, noting("inner", notes)], answer)
    with pytest.raises(Failure, match="Not today"):
        await handler(a_call())
    assert notes == ["outer in"]


async def test_a_policy_may_pass_on_another_call_and_another_reply() -> None:
    """Calls are frozen: a changed one is a copy, and the outer policies keep theirs."""

    def shouting(handler: Handler) -> Handler:
        async def handle(call: Call) -> Reply:
            louder = {**call.arguments, "name": call.arguments["name"].upper()}
            reply = await handler(structs.replace(call, arguments=louder))
            return structs.replace(reply, status=203)

        return handle

    call = a_call()
    reply = await chain([shouting], answer)(call)
    assert (reply.value, reply.status) == ("ANN", 203)
    assert call.arguments["name"] == "ann"


async def test_a_handler_may_be_any_callable() -> None:
    """A bound method, say: the type is a shape, not a class."""

    class Transport:
        def __init__(self, send: Callable[[Call], Awaitable[Reply]]) -> None:
            self.send = send

        async def handle(self, call: Call) -> Reply:
            return await self.send(call)

    assert (await chain([], Transport(answer).handle)(a_call())).value == "ann"


def test_a_call_shows_neither_arguments_nor_token() -> None:
    """A password must not reach a log by way of a call; which operation it was, does."""
    call = a_call()
    shown = f"{call!r} {call.__rich_repr__()}"
    assert "correct-horse" not in shown
    assert "secret-token" not in shown
    assert "users.login" in shown


def test_a_reply_within_a_process_is_its_value() -> None:
    """Bytes and headers are for a wire."""
    assert Reply("ann") == Reply("ann", 200, (), b"")
