"""Passwords: kept as Argon2id hashes (RFC 9106), checked in equal time whoever asks.

Import it by its own name, ``coterie.identity.passwords``: it needs an extra, and says which.
"""

import asyncio
import base64
import secrets
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, TypeVarTuple

from msgspec import Struct

from coterie.call import Failure
from coterie.contract import Code

try:
    from argon2 import PasswordHasher, Type
    from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        "passwords need argon2-cffi: run `pip install 'coterie[passwords]'`", name=missing.name
    ) from None

__all__ = ["CHEAP", "RFC9106", "Cost", "Passwords"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

# A login form sends less; hashing and normalising more is only work for an attacker to give us.
_LARGEST = 1024


class Cost(Struct, frozen=True):
    """What one guess costs. ``memory`` is in KiB."""

    memory: int
    passes: int
    lanes: int


RFC9106 = Cost(memory=64 * 1024, passes=3, lanes=4)
"""The second recommended choice of RFC 9106, 4, and our default: about 0.1 s of one core."""

CHEAP = Cost(memory=8, passes=1, lanes=1)
"""For tests alone: protects nothing, takes 20 microseconds."""


class Passwords:
    """Hashes and verifies passwords in threads of its own.

    At most ``parallel`` at a time, so memory is bounded by ``parallel`` times ``cost.memory``,
    and at most ``waiting`` more in line: beyond that a `Failure` (``resource_exhausted``) is
    raised at once, for a flood of logins must not drown the rest of the service.
    """

    def __init__(self, cost: Cost = RFC9106, *, parallel: int = 2, waiting: int = 64) -> None:
        if parallel < 1 or waiting < 0:
            raise ValueError(f"parallel={parallel}, waiting={waiting}: take 1 or more, 0 or more")
        self._hasher = PasswordHasher(
            time_cost=cost.passes,
            memory_cost=cost.memory,
            parallelism=cost.lanes,
            type=Type.ID,
        )
        self._nobody = _nobody(cost)
        self._places = threading.BoundedSemaphore(parallel + waiting)
        # Threads start with the first password, so making one is safe before a fork.
        self._threads = ThreadPoolExecutor(parallel, thread_name_prefix="passwords")

    async def hash(self, password: str) -> str:
        """The hash to store: PHC format, with its cost and a fresh salt.

        Raises `ValueError` for a password of more than 1,024 bytes or that is no Unicode text.
        """
        secret = _prepared(password)
        if secret is None:
            raise ValueError(f"a password is Unicode text of at most {_LARGEST} bytes: shorten it")
        return await self._threaded(self._hasher.hash, secret)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether ``password`` is the one that was ``stored``.

        Pass ``None`` where there is no such user: the same work is done, and the answer is
        ``False``, so that time does not tell who has an account. Raises `ValueError` when
        ``stored`` is no Argon2 hash.
        """
        secret = _prepared(password)
        known = stored is not None and secret is not None
        matches = await self._threaded(
            self._matches, stored if stored is not None else self._nobody, secret or b""
        )
        return matches and known

    def needs_rehash(self, stored: str) -> bool:
        """Whether ``stored`` was made at another cost: hash the password anew after a login.

        Until then a login of that user takes another time than one of nobody.
        Raises `ValueError` when ``stored`` is no Argon2 hash.
        """
        try:
            return self._hasher.check_needs_rehash(stored)
        except InvalidHashError as error:
            raise ValueError(_NO_HASH) from error

    def _matches(self, stored: str, secret: bytes) -> bool:
        try:
            return self._hasher.verify(stored, secret)
        except VerifyMismatchError:
            return False
        except (VerificationError, InvalidHashError) as error:
            raise ValueError(_NO_HASH) from error

    async def _threaded(self, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
        if not self._places.acquire(blocking=False):
            raise Failure(
                Code.RESOURCE_EXHAUSTED,
                "Too many passwords are being checked: try again in a second",
                retry_after=1.0,
            )
        # A thread cannot be interrupted: the place stays taken until the work itself is done,
        # also when the caller has given up.
        job = self._threads.submit(work, *arguments)
        job.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(job)


_NO_HASH = "a stored password is no Argon2 hash that can be checked: have it set anew"


def _prepared(password: str) -> bytes | None:
    """The bytes to hash: one for all ways to write the same letters (RFC 8265, 4.2: NFC)."""
    if len(password) > _LARGEST:
        return None
    try:
        secret = unicodedata.normalize("NFC", password).encode()
    except UnicodeEncodeError:
        return None
    return secret if len(secret) <= _LARGEST else None


def _nobody(cost: Cost) -> str:
    """A well-formed hash of this cost that no password matches; made without doing the work."""
    salt, digest = (
        base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (16, 32)
    )
    return f"$argon2id$v=19$m={cost.memory},t={cost.passes},p={cost.lanes}${salt}${digest}"
