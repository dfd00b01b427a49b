"""URL scheme -> engine, and the two rooms whose vendors only some systems need.

A system without a database must start without SQLAlchemy being installed, one without identity
without loading a cryptography library. So the files of this room that speak to those rooms are
imported by name, here, by systems that ask for them.
"""

import importlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from msgspec import Struct

from coterie.call import Policy, Principal
from coterie.policy import Keys

from .specs import IdentitySpec
from .tables import near

__all__ = [
    "DATABASES",
    "Databases",
    "Engine",
    "Identity",
    "Unfit",
    "databases",
    "engine_of",
    "identity",
    "scheme_problem",
]


class Engine(Struct, frozen=True):
    """One engine: its name, the schemes of its URLs, and the extra that installs its driver."""

    name: str
    schemes: tuple[str, ...]
    extra: str


DATABASES = (
    Engine("SQLite", ("sqlite", "sqlite+aiosqlite"), "sql"),
    Engine("PostgreSQL", ("postgresql", "postgres", "postgresql+asyncpg"), "postgres"),
)


def engine_of(url: str) -> Engine | None:
    """The database engine that ``url`` means, or ``None`` if its scheme is not known."""
    scheme = url.partition("://")[0].lower()
    return next((engine for engine in DATABASES if scheme in engine.schemes), None)


def scheme_problem(url: str) -> tuple[str, str] | None:
    """What is wrong with the scheme of ``url``, and the remedy. Never quotes more than that."""
    if engine_of(url) is not None:
        return None
    scheme, separator, _ = url.partition("://")
    known = [engine.schemes[0] for engine in DATABASES]
    if not separator:
        return "a database URL has no ://", f"Begin it with {' or '.join(f'{k}://' for k in known)}"
    meant = near(scheme, known)
    remedy = f"Did you mean {meant}://?" if meant else f"There are {', '.join(known)}"
    return f"no database engine is known by {scheme[:40]}://", remedy


class Databases(Protocol):
    """The databases of one system, as the rest of this room sees them."""

    def refusal(self, url: str) -> str | None:
        """Why ``url`` cannot be opened, as far as can be told without opening it."""
        ...

    def at(self, url: str) -> Any:
        """The database at ``url``: the same one for every service that shares it."""
        ...

    def policy(self, url: str) -> Policy:
        """The unit of work round each call of a service at ``url``."""
        ...

    def keys(self, url: str, service: str) -> Keys:
        """Where the idempotency keys of ``service``, whose database is at ``url``, are kept."""
        ...

    async def migrate(self, url: str, service: str, folder: Path | None) -> tuple[str, ...]:
        """Open the database at ``url`` and bring the tables of ``service`` up to its code.

        What was applied now, oldest first. Raises `Unfit`.
        """
        ...

    async def sow(
        self, url: str, service: str, seeds: Sequence[tuple[str, Callable[[], Awaitable[None]]]]
    ) -> None:
        """Run each seed that the database has not had yet. Raises `Unfit`, and what a seed does."""
        ...

    async def write(
        self, url: str, service: str, folder: Path, message: str, modules: Sequence[ModuleType]
    ) -> Path | None:
        """Write the migration that leads to the tables which ``modules`` know; see `Unfit`.

        ``None`` where nothing changed.
        """
        ...

    async def stop(self) -> None:
        """Close all."""
        ...


class Identity(Protocol):
    """Who issues and verifies the tokens of one system."""

    @property
    def issuer(self) -> Any:
        """The `TokenIssuer` for services that log users in."""
        ...

    @property
    def verifier(self) -> "Verifier":
        """What the policy asks, and services that verify tokens themselves."""
        ...

    def jwks(self) -> Mapping[str, Any]:
        """The public keys (RFC 7517)."""
        ...


class Verifier(Protocol):
    """Tells whom a token speaks for."""

    def verify(self, token: str) -> Principal:
        """Raises a `Failure` for a token that proves nothing."""
        ...


class Unfit(Exception):
    """An engine that cannot be used as it is; the message says why and what to do."""


def databases() -> Databases:
    """No databases yet. Raises `ImportError` naming what to install."""
    made: Databases = importlib.import_module("coterie.system.databases").Shelf()
    return made


def identity(spec: IdentitySpec, folder: Path) -> Identity:
    """The identity of a system whose keys are kept in ``folder``. Raises `Unfit`."""
    made: Identity = importlib.import_module("coterie.system.identities").Keyring(spec, folder)
    return made
