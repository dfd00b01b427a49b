"""Handlers, policies and components are shapes: whatever fits is one."""

# pyright: reportUnusedVariable=false, reportUnusedClass=false, reportUnusedExpression=false

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar, assert_type

from msgspec import structs

from coterie.call import (
    Call,
    Component,
    Context,
    Failure,
    Handler,
    Policy,
    Principal,
    Reply,
    Spawner,
    calling,
    chain,
    current,
    spawn,
)
from coterie.contract import Caller, Code, Operation, Rule, Wire, anyone

T = TypeVar("T")


async def answer(call: Call) -> Reply:
    return Reply(call.arguments["name"])


def timed(handler: Handler) -> Handler:
    async def handle(call: Call) -> Reply:
        with calling(timeout=1.0) as context:
            assert_type(context, Context)
            return await handler(structs.replace(call, context=context))

    return handle


class Transport:
    """Both a handler (its method) and a component."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def handle(self, call: Call) -> Reply:
        return Reply()


class Owner:
    def spawn(self, work: Coroutine[Any, Any, T], name: str | None) -> "asyncio.Task[T]":
        return asyncio.create_task(work)


class Shelf:
    async def emit(self, event: object, payload: Any) -> None: ...


async def right() -> None:
    policy: Policy = timed
    component: Component = Transport()
    handler: Handler = Transport().handle
    spawner: Spawner = Owner()
    wire: Wire = Shelf()
    caller: Caller = Principal("ann")
    assert_type(chain([policy, timed], answer), Handler)
    assert_type(await handler(_a_call()), Reply)
    assert_type(current().principal, Principal | None)
    assert_type(current().deadline, float | None)
    assert_type(await spawn(_one(), name="one"), int)
    assert_type(_a_call().operation, Operation)
    assert_type(Failure(Code.NOT_FOUND, "x").retryable, bool)
    assert_type(anyone.allows(caller, {}), bool)
    rule: Rule = anyone | anyone & anyone


def _a_call() -> Call: ...


async def _one() -> int:
    return 1


class NoStop:
    async def start(self) -> None: ...


class PlainStart:
    def start(self) -> None: ...
    def stop(self) -> None: ...


class Nobody:
    subject = 7
    scopes = frozenset[str]()
    roles = frozenset[str]()


def plain_answer(call: Call) -> Reply:
    return Reply()


async def no_reply(call: Call) -> None: ...


def wrong_shapes() -> None:
    handler: Handler = plain_answer  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    another: Handler = no_reply  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    policy: Policy = answer  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    component: Component = NoStop()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    plain: Component = PlainStart()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    caller: Caller = Nobody()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    chain([answer], answer)  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    chain([timed], timed)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    spawn(_one)  # type: ignore[arg-type, unused-awaitable]  # pyright: ignore[reportArgumentType]


def wrong_values(context: Context, call: Call) -> None:
    context.deadline = 1.0  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    call.context = context  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    Failure("not_found", "x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Failure(Code.NOT_FOUND)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Failure(Code.NOT_FOUND, "x", "y")  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportCallIssue]
    Principal()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Principal("ann", ["read"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    calling(1.0)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    calling(timeout="1s")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    calling(principal="ann")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
