"""Passwords: hashed well, checked in equal time, and never at the cost of everybody else."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from coterie.call import Failure
from coterie.contract import Code
from coterie.identity.passwords import CHEAP, RFC9106, Cost, Passwords


@pytest.fixture
def passwords() -> Passwords:
    return Passwords(CHEAP)


async def test_the_right_password_matches_and_a_wrong_one_does_not(passwords: Passwords) -> None:
    stored = await passwords.hash("correct horse")
    assert await passwords.verify(stored, "correct horse")
    assert not await passwords.verify(stored, "correct horsf")
    assert not await passwords.verify(stored, "")


async def test_what_is_stored_tells_its_cost_and_not_the_password(passwords: Passwords) -> None:
    """PHC format, Argon2id, a fresh salt for each."""
    one, other = await passwords.hash("secret"), await passwords.hash("secret")
    assert one.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert "secret" not in one
    assert one != other


async def test_the_default_cost_is_the_one_rfc_9106_recommends() -> None:
    """Section 4, second choice: 3 passes over 64 MiB in 4 lanes, 128-bit salt, 256-bit tag."""
    stored = await Passwords().hash("secret")
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    salt, tag = stored.split("$")[-2:]
    assert (len(salt), len(tag)) == (22, 43)
    assert Passwords().needs_rehash(stored) is False


async def test_a_hash_of_another_cost_asks_to_be_made_anew(passwords: Passwords) -> None:
    """And still matches until then."""
    stored = await Passwords(Cost(memory=16, passes=1, lanes=1)).hash("secret")
    assert passwords.needs_rehash(stored)
    assert await passwords.verify(stored, "secret")
    assert not passwords.needs_rehash(await passwords.hash("secret"))


async def test_nobody_has_no_password(passwords: Passwords) -> None:
    """Where there is no such user, nothing matches."""
    for password in ("", "secret", "\0"):
        assert not await passwords.verify(None, password)


async def test_a_login_of_nobody_takes_as_long_as_one_of_somebody() -> None:
    """Time does not tell who has an account. Control: an answer without work is far quicker.

    The quickest of several is measured, so that a busy machine does not decide.
    """
    passwords = Passwords(Cost(memory=8 * 1024, passes=2, lanes=1))
    stored = await passwords.hash("secret")

    async def quickest(known: str | None, password: str) -> float:
        times: list[float] = []
        for _ in range(7):
            start = time.perf_counter()
            assert not await passwords.verify(known, password)
            times.append(time.perf_counter() - start)
        return min(times)

    somebody = await quickest(stored, "wrong")
    nobody = await quickest(None, "wrong")
    assert 0.5 < nobody / somebody < 2
    too_long = await quickest(None, "x" * 5000)
    assert 0.5 < too_long / somebody < 2
    passwords._nobody = await Passwords(CHEAP).hash("wrong password")
    assert await quickest(None, "wrong") < somebody / 2


async def test_one_password_can_be_written_in_several_ways(passwords: Passwords) -> None:
    """A letter with an accent is one character on one keyboard and two on another (RFC 8265)."""
    stored = await passwords.hash("caf\u00e9")
    assert await passwords.verify(stored, "cafe\u0301")
    assert not await passwords.verify(stored, "cafe")


@pytest.mark.parametrize(
    "password", ["x" * 1025, "\u20ac" * 400, "\ud800"], ids=["long", "wide", "no text"]
)
async def test_what_is_no_password_is_neither_stored_nor_matched(
    passwords: Passwords, password: str
) -> None:
    """Control: 1,024 bytes are taken."""
    stored = await passwords.hash("x" * 1024)
    assert await passwords.verify(stored, "x" * 1024)
    assert not await passwords.verify(stored, password)
    assert not await passwords.verify(await passwords.hash(""), password)
    with pytest.raises(ValueError, match="at most 1024 bytes") as caught:
        await passwords.hash(password)
    assert password not in str(caught.value)


@pytest.mark.parametrize(
    "stored", ["", "plain", "$2b$12$abcdefghijklmnopqrstuv", "$argon2id$v=19$"]
)
async def test_a_stored_hash_of_another_kind_is_an_error(passwords: Passwords, stored: str) -> None:
    """Not a wrong password: whoever imported the users has to know."""
    with pytest.raises(ValueError, match="no Argon2 hash"):
        await passwords.verify(stored, "secret")
    with pytest.raises(ValueError, match="no Argon2 hash"):
        passwords.needs_rehash(stored)


class Slow:
    """Stands for Argon2: takes until it is let go, and counts how many are at it."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.lock = threading.Lock()
        self.running = 0
        self.most = 0

    def hash(self, secret: bytes) -> str:
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
        self.go.wait(30)
        with self.lock:
            self.running -= 1
        return "done"


def slow(passwords: Passwords) -> Slow:
    hasher = Slow()
    stand_in: Any = hasher
    passwords._hasher = stand_in
    return hasher


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0)


async def test_a_flood_of_logins_is_bounded_and_the_rest_told_to_come_back() -> None:
    """Two at a time, three in line, the sixth refused at once; then there is room again.

    Control: with more room the sixth is taken.
    """
    passwords = Passwords(CHEAP, parallel=2, waiting=3)
    hasher = slow(passwords)
    taken = [asyncio.create_task(passwords.hash("x")) for _ in range(5)]
    await until(lambda: hasher.running == 2)
    with pytest.raises(Failure) as caught:
        await passwords.hash("x")
    assert caught.value.code is Code.RESOURCE_EXHAUSTED
    assert caught.value.retry_after == 1.0
    hasher.go.set()
    assert await asyncio.gather(*taken) == ["done"] * 5
    assert hasher.most == 2
    assert await passwords.hash("x") == "done"

    roomy = Passwords(CHEAP, parallel=2, waiting=4)
    hasher = slow(roomy)
    taken = [asyncio.create_task(roomy.hash("x")) for _ in range(6)]
    await until(lambda: hasher.running == 2)
    hasher.go.set()
    assert await asyncio.gather(*taken) == ["done"] * 6


async def test_giving_up_does_not_let_more_work_in_than_there_is_room_for() -> None:
    """A thread cannot be interrupted: its place stays taken until it is done."""
    passwords = Passwords(CHEAP, parallel=1, waiting=0)
    hasher = slow(passwords)
    given_up = asyncio.create_task(passwords.hash("x"))
    await until(lambda: hasher.running == 1)
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    with pytest.raises(Failure):
        await passwords.hash("x")
    hasher.go.set()
    await until(lambda: passwords._places._value == 1)
    assert await passwords.hash("x") == "done"


async def test_others_are_served_while_a_password_is_hashed() -> None:
    """The event loop goes on turning."""
    turns = 0
    hashing = asyncio.create_task(Passwords(RFC9106).hash("secret"))
    while not hashing.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 100


def test_a_service_without_passwords_needs_no_argon2() -> None:
    """And one with passwords is told what to install."""
    program = """
import sys
sys.modules["argon2"] = None
import coterie.identity
try:
    import coterie.identity.passwords
except ModuleNotFoundError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == "passwords need argon2-cffi: run `pip install 'coterie[passwords]'`\n"
