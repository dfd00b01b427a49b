"""Programs of other frameworks that call services of ours, in the context of their requests."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import flask
import pytest
from msgspec import Struct
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from coterie.call import current
from coterie.contract import Code, Contract, Fault, get
from coterie.members.joined import Joined, NotJoined
from coterie.members.program import Wsgi
from coterie.server import App, Host, HttpServer
from tests.members.program.kit import PARENT, TRACE, surrounded


class Seen(Struct):
    number: int
    trace_id: str
    token: str | None
    left: float | None
    tenant: str


class NoSuchUser(Fault, code=Code.NOT_FOUND):
    """There is no user {number}."""

    number: int


class Users(Contract, version="1.0"):
    """Who there is."""

    @get("/users/{number}", faults=[NoSuchUser])
    async def user(self, number: int) -> Seen:
        """What the service sees of a call."""
        ...


class UserService(Users):
    async def user(self, number: int) -> Seen:
        if number == 404:
            raise NoSuchUser(number=number)
        now = current()
        return Seen(
            number, now.trace.trace_id, now.token, now.remaining, now.baggage.get("tenant", "")
        )


@asynccontextmanager
async def users() -> AsyncGenerator[dict[str, str]]:
    """The service at an address; what a program finds in its environment."""
    host = Host(UserService())
    server = HttpServer(App([host]))
    await host.start()
    await server.start()
    try:
        yield {"USERS_URL": server.url}
    finally:
        await server.stop()
        await host.stop()


TRAVELS = {
    "traceparent": PARENT,
    "authorization": "Bearer abc",
    "coterie_timeout_ms": "9000",
    "baggage": "tenant=blue",
}


def flask_program(joined: Joined) -> flask.Flask:
    app = flask.Flask("flask_program")

    @app.get("/<int:number>")
    def show(number: int) -> Any:
        try:
            user = joined.blocking(Users).user(number)
        except NoSuchUser as missing:
            return str(missing), 404
        typed: Seen = joined.wait(joined.client(Users).user(number=number))
        assert typed.trace_id == user.trace_id
        seen = {name: getattr(user, name) for name in user.__struct_fields__}
        return {**seen, "here": current().trace.trace_id}

    app.wsgi_app = joined.wsgi(app.wsgi_app)  # type: ignore[method-assign]
    return app


def check(told: dict[str, Any]) -> None:
    assert (told["number"], told["trace_id"], told["token"]) == (7, TRACE, "abc")
    assert told["tenant"] == "blue"
    assert 0 < told["left"] < 9


async def test_a_flask_program_calls_with_what_its_request_came_with() -> None:
    async with users() as environment:
        joined = Joined(environment)
        app = Wsgi(flask_program(joined))
        async with surrounded(app, app) as site:
            check(await site.json("/7", **TRAVELS))
            missing = await site.ask("/404")
            assert (missing.status, missing.body) == (404, b"There is no user 404.")

        await asyncio.to_thread(joined.stop)


async def test_it_does_so_alone_too_and_one_request_says_nothing_of_the_next() -> None:
    """Without anything of ours round it, as under ``flask run``."""
    async with users() as environment:
        joined = Joined(environment)
        client = flask_program(joined).test_client()
        said = {name.replace("_", "-"): value for name, value in TRAVELS.items()}

        def ask() -> tuple[Any, Any]:
            with client:
                return client.get("/7", headers=said).json, client.get("/7").json

        first, second = await asyncio.to_thread(ask)
        check(first)
        assert first["here"] == TRACE
        assert (second["token"], second["tenant"]) == (None, "")
        assert second["trace_id"] == second["here"] != TRACE
        await asyncio.to_thread(joined.stop)


async def test_an_asgi_program_awaits_its_calls() -> None:
    async with users() as environment:
        joined = Joined(environment)

        async def show(request: Request) -> JSONResponse:
            user = await joined.client(Users).user(7)
            with pytest.raises(RuntimeError, match="await the call instead"):
                joined.blocking(Users).user(7)
            return JSONResponse({name: getattr(user, name) for name in user.__struct_fields__})

        app = Starlette(routes=[Route("/", show)], middleware=[Middleware(joined.asgi)])
        async with surrounded(app) as site:
            check(await site.json("/", **TRAVELS))
        await joined.close()


def test_an_address_that_nobody_told_is_asked_for() -> None:
    joined = Joined({"PEOPLE_EU_URL": "http://127.0.0.1:1"})
    with pytest.raises(NotJoined, match=r"USERS_URL does not say where.*set USERS_URL, such as"):
        joined.client(Users)
    assert joined.client(Users, service="people-eu") is joined.client(Users, service="people-eu")
    with pytest.raises(ValueError, match=r"no URL|http"):
        Joined({"USERS_URL": "nonsense"}).client(Users)
