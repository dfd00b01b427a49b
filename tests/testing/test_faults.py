"""Faults in a test: put in force for a block, and gone after it."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from textwrap import dedent
from time import monotonic

import pytest

from coterie.call import Failure, Sent, calling
from coterie.contract import Code
from coterie.testing import RunningSystem, abort, delay, drop, failure, running, slow

TOML = """
[system]
name = "kit"

[service.stock]
implements = "kit_faults:StockService"
"""
SERVICE = """
    from coterie import Contract, anyone, get, post

    class Goods(Contract, version="1.0"):
        @post("/take", allow=anyone)
        async def take(self) -> int: ...

        @get("/taken", allow=anyone)
        async def taken(self) -> int: ...

    class StockService(Goods):
        def __init__(self) -> None:
            self.count = 0

        async def take(self) -> int:
            self.count += 1
            return self.count

        async def taken(self) -> int:
            return self.count
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A system of one service, whose contract has another name."""
    found = tmp_path_factory.mktemp("faults")
    (found / "coterie.toml").write_text(TOML)
    (found / "kit_faults.py").write_text(dedent(SERVICE))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(found)
        yield found


async def test_calls_meet_what_the_block_says(folder: Path) -> None:
    """Each kind in turn; control: before and after it nothing goes wrong."""
    contract = import_module("kit_faults").Goods
    async with running(folder) as system, system.connect(contract) as goods:
        assert await goods.take() == 1
        with system.faults(failure("stock.take", Code.RESOURCE_EXHAUSTED)) as met:
            with pytest.raises(Failure) as told:
                await goods.take()
            assert told.value.code is Code.RESOURCE_EXHAUSTED
            assert await goods.taken() == 1
            assert met == {"failure": 1}
        with system.faults(abort("stock")), pytest.raises(Failure) as told:
            await goods.take()
        assert told.value.sent is Sent.UNKNOWN
        assert await goods.taken() == 2, "it was carried out all the same"
        hurried = calling(timeout=0.1)
        with system.faults(drop("stock.take")), hurried, pytest.raises(Failure) as told:
            await goods.take()
        assert told.value.code is Code.DEADLINE_EXCEEDED
        began = monotonic()
        with system.faults(delay("goods.taken", 0.1), slow("goods.taken", 10)) as met:
            assert await goods.taken() == 2
        assert monotonic() - began >= 0.2
        assert met == {"delay": 1, "slow": 1}
        assert await goods.take() == 3


async def test_a_number_strikes_the_same_calls_again(folder: Path) -> None:
    """In another process, on another day; another number strikes others."""
    contract = import_module("kit_faults").Goods

    async def struck(system: RunningSystem, number: int) -> list[int]:
        found = []
        client = system.client(contract)
        with system.faults(failure("stock.take", probability=0.5), number=number):
            for nth in range(30):
                try:
                    await client.take()
                except Failure:
                    found.append(nth)
        return found

    async with running(folder) as first:
        seven = await struck(first, 7)
    async with running(folder) as second:
        assert await struck(second, 7) == seven
        assert await struck(second, 8) != seven
