"""The systems that the bench brings up: one service, or twenty, and the shop of the examples."""

from pathlib import Path

from bench.setting import ROOT

ORDERS = '[service.orders]\nimplements = "bench.apps.coterie_orders:Orders"\n'
TARGET = '[service.target]\nimplements = "bench.apps.coterie_target:Target"\n'
MEMBER = f"""[service.member]
wsgi = "bench.apps.member_flask:app"
directory = "{ROOT}"
threads = 8
"""
"""A Flask program, as it is; where it is routed, or what it promises, is to be added."""
NATIVE = """contracts = ["bench.apps.coterie_native:Orders"]
[service.native]
implements = "bench.apps.coterie_native:Native"
[policy]
timeout = 60.0
"""
"""What follows `MEMBER` where a service of ours calls it."""
SHOP = ROOT / "examples" / "shop"


def system(folder: Path, services: str) -> Path:
    """A new system in `folder`, of services that its file describes."""
    folder.mkdir(parents=True)
    (folder / "coterie.toml").write_text(f'[system]\nname = "{folder.name}"\n\n{services}')
    return folder


_SMALL = '''"""Service {number} of a system of small ones."""

import os

from msgspec import Struct

from coterie.contract import Service, anyone, get


class Pong(Struct):
    """Who answered."""

    pid: int


class Small{number}(Service, version="1.0"):
    """A small service."""

    @get("/api/s{number}/ping", allow=anyone)
    async def ping(self) -> Pong:
        """Answer."""
        return Pong(os.getpid())
'''


def small(folder: Path, count: int) -> Path:
    """A new system in `folder` of `count` small services, `s1` and so on, a module each."""
    numbers = range(1, count + 1)
    told = (f'[service.s{n}]\nimplements = "parts.small{n}:Small{n}"\n' for n in numbers)
    system(folder, "\n".join(told))
    parts = folder / "parts"
    parts.mkdir()
    (parts / "__init__.py").touch()
    for number in numbers:
        (parts / f"small{number}.py").write_text(_SMALL.format(number=number))
    return folder
