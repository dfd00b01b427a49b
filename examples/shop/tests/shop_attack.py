"""Schemathesis before the shop: every check it has, none left out.

``python examples/shop/tests/shop_attack.py --cases 10000`` attacks one service after the other,
as its users and as nobody, until each has answered that many requests. `test_attack` does a
little of the same every time.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from asyncio.subprocess import PIPE, STDOUT
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coterie.client.http1 import Pool
from coterie.testing import running
from shop_web import Web

SHOP = Path(__file__).parent.parent
SERVICES = ("users", "orders", "inventory")

# A conditional request that names another state is refused with 412, as a duplicate is with 409:
# right in itself, and wrong at the moment. All else are the values schemathesis comes with.
#
# Which answer feeds which request it learns from `Location`. From the words of answers it would
# guess: {"response": "User added to the system."} has one member, so that must be the id.
#
# Half of the numbers are small, so that users, orders and products are often some that there are.
CONFIGURATION = """
hooks = {hooks}

[dictionaries.small]
values = [1, 2, 3, 4, 5, 6]

[generation.dictionaries.integer]
dictionary = "small"
probability = 0.5

[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "412", "429", "5xx"]

[phases.stateful.inference]
algorithms = ["location-headers"]
"""

# Two customers who must not see each other's things, and somebody who may do everything.
IDENTITIES = """
[auth.wfc]
path = {identities}
peers = ["alice", "bob"]
"""


@dataclass(frozen=True)
class Outcome:
    """How an attack ended: what was sent, whether nothing was found, and what schemathesis says."""

    cases: int
    clean: bool
    told: str


async def attack(
    url: str,
    folder: Path,
    *,
    examples: int,
    seed: int = 1,
    known: bool = True,
    document: str = "/openapi.json",
    arguments: tuple[str, ...] = (),
) -> Outcome:
    """Attack the shop at ``url`` through all that ``document`` describes.

    ``examples`` are those of each operation and phase; ``known`` asks as customers and
    administrator, else as nobody. ``folder`` takes what schemathesis reads and reports.
    """
    report = folder / "report.json"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "schemathesis.cli"]
    command += ["--config-file", str(await _configured(url, folder, known=known)), "--no-color"]
    command += ["run", url + document, "--url", url, "--checks", "all"]
    command += ["--max-examples", str(examples), "--seed", str(seed), "--continue-on-failure"]
    command += ["--generation-database", "none", "--report", "json"]
    command += ["--report-json-path", str(report), *arguments]
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=STDOUT, cwd=folder)
    told, _ = await process.communicate()
    cases = json.loads(report.read_text()) if report.exists() else {}
    return Outcome(_generated(cases), process.returncode == 0, told.decode())


async def _configured(url: str, folder: Path, *, known: bool) -> Path:
    """The configuration, and where wanted who asks: users of the shop with orders of their own."""
    hooks = Path(__file__).with_name("attack_words.py")
    text = CONFIGURATION.format(hooks=json.dumps(str(hooks)))
    if known:
        identities = folder / "identities.json"
        identities.write_text(json.dumps(await _identities(url)))
        text += IDENTITIES.format(identities=json.dumps(str(identities)))
    configuration = folder / "schemathesis.toml"
    configuration.write_text(text)
    return configuration


async def _identities(url: str) -> dict[str, Any]:
    """As Web Fuzzing Commons writes them down."""
    async with Pool(url) as pool:
        web = Web(pool)
        alice, bob = await web.customer(), await web.customer()
        for customer in (alice, bob):
            for product in (1, 2, 3):
                await customer.ordered(product, 1)
        tokens = {"alice": alice.token, "bob": bob.token, "admin": (await web.admin()).token}
    return {
        "schemaVersion": "0.2.0",
        "auth": [
            {
                "name": name,
                "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {token}"}],
            }
            for name, token in tokens.items()
        ],
    }


def _generated(report: dict[str, Any]) -> int:
    return int(report.get("test_cases", {}).get("generated", 0))


async def alone(service: str, *, examples: int, seed: int, known: bool) -> Outcome:
    """Attack one service of a shop of its own: nobody finds it as others have left it."""
    with tempfile.TemporaryDirectory(prefix="attack-") as folder:
        async with running(SHOP, profile="test") as system:
            return await attack(
                system.url,
                Path(folder),
                examples=examples,
                seed=seed,
                known=known,
                document=f"/openapi/{service}.json",
            )


async def main(cases: int, seed: int) -> bool:
    """Attack each service until it has answered ``cases`` requests; whether nothing was found."""
    clean = True
    for service in SERVICES:
        sent, run = 0, seed
        while sent < cases:
            before = sent
            for known in (True, False):
                examples = max(10, cases // 8)
                outcome = await alone(service, examples=examples, seed=run, known=known)
                sent += outcome.cases
                clean = clean and outcome.clean
                whom = "as its users" if known else "as nobody"
                print(f"{service} {whom}, seed {run}: {outcome.cases} requests", flush=True)
                if not outcome.clean:
                    print(outcome.told, flush=True)
            if sent == before:
                return False  # nothing was sent at all: schemathesis said why
            run += 1
    return clean


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000, help="requests a service, at least")
    parser.add_argument("--seed", type=int, default=1, help="the first of the runs")
    given = parser.parse_args()
    sys.exit(0 if asyncio.run(main(given.cases, given.seed)) else 1)
