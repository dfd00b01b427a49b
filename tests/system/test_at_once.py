"""Processes that start on one empty state folder at once: one makes what all of them then use."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.store.conftest import empty_postgres, postgres

__all__ = ["empty_postgres", "postgres"]

SHOP = Path(__file__).parents[2] / "examples" / "shop"

_START = """
import asyncio, sys
from coterie.system import assemble, load

async def told(app, path):
    parts = []
    async def receive():
        return {"type": "http.request"}
    async def send(message):
        parts.append(message.get("body", b""))
    scope = {"type": "http", "method": "GET", "raw_path": path, "query_string": b"", "headers": []}
    await app(scope, receive, send)
    return b"".join(parts).decode()

async def main():
    folder, state, database = sys.argv[1:]
    environment = {"DATABASE_URL": database} if database else {}
    system = load(folder, state=state, profile="central", environment=environment)
    print("ready", flush=True)
    sys.stdin.readline()
    assembly = assemble(system, access=False)
    await assembly.start()
    print(await told(assembly.app, b"/api/products"))
    print(await told(assembly.app, b"/.well-known/jwks.json"))
    await assembly.stop()

asyncio.run(main())
"""


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_four_replicas_start_on_nothing(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """All of them come up, on one set of tables, with goods put in once, and with the same key."""
    database = "" if engine == "sqlite" else request.getfixturevalue("empty_postgres")
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", _START, SHOP, tmp_path / "state", database,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(4)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None
        line = await process.stdout.readline()
        assert line == b"ready\n", (await process.communicate())[1].decode()
    results = await asyncio.gather(*(process.communicate(b"\n") for process in processes))
    assert [process.returncode for process in processes] == [0] * 4, results
    (told,) = {out for out, _ in results}
    goods, keys = map(json.loads, told.splitlines())
    names = [product["name"] for product in goods["items"]]
    assert len(names) == len(set(names)) > 0
    assert len(keys["keys"]) == 1
