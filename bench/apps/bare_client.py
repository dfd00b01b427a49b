"""The floor of a call: the connection pool our transport uses, with bytes made beforehand.

No types, no context, no policies: what it lacks against the typed client is what those cost.
"""

import json
import sys
from typing import Any

import uvloop

from bench import orders
from bench.drive import TOTALS, drive
from coterie.client.http1 import Pool

BODIES = [
    json.dumps(orders.order(kind), separators=(",", ":")).encode() for kind in range(orders.KINDS)
]
HEADERS = (("content-type", "application/json"), ("accept", "application/json"))


class Client:
    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.totals: dict[bytes, int] = {}  # answers seen whole and right, by their bytes

    async def call(self, kind: int) -> int:
        answer = await self.pool.request("POST", orders.PATH, HEADERS, BODIES[kind])
        return self.totals.get(answer.body, 0)

    async def plain(self, kind: int) -> dict[str, Any]:
        answer = await self.pool.request("POST", orders.PATH, HEADERS, BODIES[kind])
        self.totals[answer.body] = TOTALS[kind]
        value: dict[str, Any] = json.loads(answer.body)
        return value

    async def refused(self) -> bool:
        wrong = json.dumps(orders.wrong()).encode()
        return (await self.pool.request("POST", orders.PATH, HEADERS, wrong)).status in (400, 422)


async def main(port: int) -> None:
    # Less than the 5 s after which uvicorn closes an idle connection.
    async with Pool(f"http://127.0.0.1:{port}", idle_timeout=4.0) as pool:
        await drive(Client(pool))


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
