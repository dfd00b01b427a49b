"""Rooms of one floor do not know each other: what one asks for, the other fits by its shape."""

# pyright: reportUnusedVariable=false, reportUnusedClass=false, reportUnusedExpression=false

from coterie.call import Component, Handler, Policy, Principal, Spawner
from coterie.client import Http
from coterie.contract import Caller
from coterie.identity import TokenIssuer, TokenVerifier
from coterie.policy import Keys, Tally, Verifier, authenticate, untold
from coterie.server import Host, HttpServer
from coterie.store import Database, KeyStore, unit_of_work
from coterie.system.databases import Shelf
from coterie.system.engines import Databases, Identity
from coterie.system.identities import Keyring
from coterie.telemetry import Meter


def components(host: Host, http: Http, database: Database, server: HttpServer) -> list[Component]:
    return [host, http, database, server]


def handlers(host: Host, http: Http) -> list[Handler]:
    return [host.handle, http.handle]


def policies(verifier: TokenVerifier, database: Database) -> list[Policy]:
    return [authenticate(verifier), unit_of_work(database)]


def verifier(tokens: TokenVerifier) -> Verifier:
    return tokens


def tallies(meter: Meter) -> list[Tally]:
    return [meter.tally, untold]


def keys(store: KeyStore) -> Keys:
    return store


def databases(shelf: Shelf) -> Databases:
    return shelf


def identity(keyring: Keyring) -> Identity:
    return keyring


def spawner(host: Host) -> Spawner:
    return host


def caller(principal: Principal) -> Caller:
    return principal


def wrong(issuer: TokenIssuer, host: Host, meter: Meter, shelf: Shelf) -> None:
    verifier: Verifier = issuer  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    component: Component = issuer  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    handler: Handler = host  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    policy: Policy = host.handle  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    spawner: Spawner = issuer  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    caller: Caller = issuer  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    tally: Tally = meter.note  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    keys: Keys = shelf  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    databases: Databases = meter  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
