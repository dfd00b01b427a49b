"""Rooms of one floor do not know each other: what one asks for, the other fits by its shape."""

# pyright: reportUnusedVariable=false, reportUnusedClass=false, reportUnusedExpression=false

from coterie.call import Component, Handler, Policy, Principal, Spawner
from coterie.client import Http
from coterie.contract import Caller
from coterie.identity import TokenIssuer, TokenVerifier
from coterie.policy import Verifier, authenticate
from coterie.server import Host, HttpServer
from coterie.store import Database, unit_of_work


def components(host: Host, http: Http, database: Database, server: HttpServer) -> list[Component]:
    return [host, http, database, server]


def handlers(host: Host, http: Http) -> list[Handler]:
    return [host.handle, http.handle]


def policies(verifier: TokenVerifier, database: Database) -> list[Policy]:
    return [authenticate(verifier), unit_of_work(database)]


def verifier(tokens: TokenVerifier) -> Verifier:
    return tokens


def spawner(host: Host) -> Spawner:
    return host


def caller(principal: Principal) -> Caller:
    return principal


def wrong(issuer: TokenIssuer, host: Host) -> None:
    verifier: Verifier = issuer  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    component: Component = issuer  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    handler: Handler = host  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    policy: Policy = host.handle  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    spawner: Spawner = issuer  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    caller: Caller = issuer  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
