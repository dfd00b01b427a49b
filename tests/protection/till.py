"""A till in processes of its own, and customers who press the button again and again.

``python -m tests.protection.till serve URL on|off`` takes payments into the database at URL, with
idempotency keys or without, and says its port. ``python -m tests.protection.till storm URL`` is the
whole storm: 1,000 keys, 20 payments each at the same time, at two tills, one or the other of
which is killed now and then. Options: ``--keys``, ``--tries``, ``--kills``, ``--off``.
"""

import argparse
import asyncio
import json
import random
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from pathlib import Path
from time import monotonic

from sqlalchemy import func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from coterie.client.http1 import NotSent, Pool, Response, Unknown
from coterie.contract import Contract, Struct, anyone, post
from coterie.policy import authorize, deadline, idempotency
from coterie.server import App, Host, HttpServer
from coterie.store import Database, KeyStore, metadata, unit_of_work

__all__ = ["Storm", "storm"]

_random = random.Random()  # noqa: S311  # not for secrets
_BUSY = 3

LONGEST = 1.0
"""Seconds that a payment may take, and so, nearly, that a killed till blocks its keys."""


class Model(DeclarativeBase):
    metadata = metadata()


class Paid(Model):
    __tablename__ = "paid"

    id: Mapped[int] = mapped_column(primary_key=True)
    what: Mapped[str]


class Bill(Struct):
    what: str


class Receipt(Struct):
    number: int
    what: str


class Till(Contract, version="1.0"):
    """Takes payments."""

    @post("/payments", timeout=LONGEST)
    async def pay(self, bill: Bill) -> Receipt: ...


class TillService(Till):
    def __init__(self, database: Database) -> None:
        self.database = database

    async def pay(self, bill: Bill) -> Receipt:
        await asyncio.sleep(_random.random() * 0.01)  # as if it asked another service first
        entry = Paid(what=bill.what)
        self.database.add(entry)
        await self.database.flush()
        return Receipt(entry.id, bill.what)


async def serve(url: str, *, keyed: bool) -> None:
    """Take payments until the standard input ends."""
    async with Database(url) as database:
        keys = [idempotency(KeyStore(database, "till"))] if keyed else []
        policies = [deadline(), authorize(anyone), *keys, unit_of_work(database)]
        host = Host(TillService(database), policies=policies)
        server = HttpServer(App([host]))
        await host.start()
        await server.start()
        print(server.port, flush=True)
        await asyncio.to_thread(sys.stdin.buffer.read)
        await server.stop()
        await host.stop()


class Storm(Struct):
    """What became of it: payments made by key, answers by status, different replies to one key."""

    paid: list[int]
    statuses: dict[int, int]
    lost: int
    """Requests that no answer came for."""
    kills: int
    mixed: int
    fresh: int
    """Answers that were no replays."""
    seconds: float

    def __str__(self) -> str:
        doubles = sum(number > 1 for number in self.paid)
        return (
            f"{len(self.paid)} keys: {sum(self.paid)} payments, {doubles} keys paid twice or more,"
            f" {self.mixed} answered differently; {self.kills} kills, {self.lost} requests without"
            f" answer, {self.statuses}; {self.seconds:.1f} s"
        )


class _Running:
    """A till, and how many customers stand before it."""

    def __init__(self, process: Process, pool: Pool) -> None:
        self.process = process
        self.pool = pool
        self.busy = 0


class _Tills:
    """Two of them, at ports that change when one is killed and replaced."""

    def __init__(self, url: str, *, keyed: bool) -> None:
        self._command = ("-m", __spec__.name, "serve", url, "on" if keyed else "off")
        self.running: list[_Running] = []
        self.kills = 0

    async def start(self) -> None:
        self.running = list(await asyncio.gather(self._one(), self._one()))

    async def _one(self) -> _Running:
        root = Path(__file__).parents[2]
        process = await asyncio.create_subprocess_exec(
            sys.executable, *self._command, stdin=PIPE, stdout=PIPE, cwd=root
        )
        assert process.stdout is not None
        async with asyncio.timeout(30):
            port = int(await process.stdout.readline())
        pool = Pool(f"http://127.0.0.1:{port}", connections=64)
        await pool.start()
        return _Running(process, pool)

    async def pay(self, number: int) -> Response:
        """One try, at one of them; raises what the pool does."""
        till = _random.choice(self.running)
        body = json.dumps({"what": f"bill {number}"}).encode()
        headers = (("content-type", "application/json"), ("idempotency-key", f'"{number}"'))
        till.busy += 1
        try:
            return await till.pool.request(
                "POST", "/payments", headers, body, deadline=monotonic() + 5
            )
        finally:
            till.busy -= 1

    @property
    def queue(self) -> int:
        """How many stand before the busier one."""
        return max(till.busy for till in self.running)

    async def replace(self) -> None:
        """Kill the busier one as rudely as can be; then another takes its place."""
        till = max(self.running, key=lambda one: one.busy)
        till.process.send_signal(signal.SIGKILL)
        self.kills += 1
        await till.process.communicate(b"")  # to the end of its pipes, too
        self.running.remove(till)
        await till.pool.stop()
        self.running.append(await self._one())

    async def stop(self) -> None:
        for till in self.running:
            await till.pool.stop()
            async with asyncio.timeout(20):
                await till.process.communicate(b"")


async def storm(url: str, *, keys: int, tries: int, kills: int, keyed: bool = True) -> Storm:
    """``tries`` payments at once for each of ``keys``, all repeated until they are answered."""
    async with Database(url) as database:
        async with database.transaction():
            connection = await (await database.session()).connection()
            await connection.run_sync(Model.metadata.create_all)
        tills = _Tills(url, keyed=keyed)
        await tills.start()
        found = Storm([], {}, 0, 0, 0, 0, 0.0)
        try:
            await _weather(tills, found, keys, tries, kills)
        finally:
            await tills.stop()
        async with database.transaction(read_only=True):
            rows = await database.execute(select(Paid.what, func.count()).group_by(Paid.what))
        by_key = {what: number for what, number in rows.all()}  # noqa: C416  # rows are no pairs
        found.paid = [by_key.get(f"bill {number}", 0) for number in range(keys)]
    return found


async def _weather(tills: _Tills, found: Storm, keys: int, tries: int, kills: int) -> None:
    began, statuses, waiting = monotonic(), Counter[int](), asyncio.Semaphore(16)

    async def pay(number: int) -> bytes:
        while True:
            try:
                async with waiting:
                    answer = await tills.pay(number)
            except (NotSent, Unknown, RuntimeError):
                found.lost += 1
            else:
                statuses[answer.status] += 1
                if answer.status == 200:
                    found.fresh += ("idempotency-replayed", "true") not in answer.headers
                    return answer.body
                assert answer.status in (409, 503, 504), answer
            await asyncio.sleep(0.02 + _random.random() * 0.05)

    async def one(number: int) -> None:
        bodies = await asyncio.gather(*(pay(number) for _ in range(tries)))
        found.mixed += len(set(bodies)) > 1

    killing = asyncio.create_task(_kill(tills, statuses, keys * tries, kills))
    await asyncio.gather(*(one(number) for number in range(keys)))
    await killing  # one that is being replaced is waited for
    found.statuses, found.kills = dict(statuses), tills.kills
    found.seconds = monotonic() - began


async def _kill(tills: _Tills, statuses: Counter[int], payments: int, kills: int) -> None:
    """So many, spread over all that is paid, each when many stand there."""
    for number in range(kills):
        due = payments * (number + 0.5) / (kills + 2)
        while statuses[200] < due or tills.queue < _BUSY:  # numbers have no event
            if statuses[200] >= payments:
                return
            await asyncio.sleep(0.001)
        await tills.replace()


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.protection.till")
    parser.add_argument("what", choices=["serve", "storm"])
    parser.add_argument("url")
    parser.add_argument("mode", nargs="?", default="on")
    parser.add_argument("--keys", type=int, default=1000)
    parser.add_argument("--tries", type=int, default=20)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--off", action="store_true")
    said = parser.parse_args()
    if said.what == "serve":
        asyncio.run(serve(said.url, keyed=said.mode == "on"))
        return
    found = asyncio.run(
        storm(said.url, keys=said.keys, tries=said.tries, kills=said.kills, keyed=not said.off)
    )
    print(found)
    sys.exit(0 if said.off or (set(found.paid) == {1} and not found.mixed) else 1)


if __name__ == "__main__":
    _main()
