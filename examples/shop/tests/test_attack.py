"""The shop under attack: whatever is sent, it answers as its document says.

A sample, the same each time; `make attack` goes on for as long as one likes.
"""

from pathlib import Path

import pytest

from coterie.testing import running
from shop.contracts.inventory import Product
from shop.services.inventory import InventoryService
from shop_attack import SHOP, attack


@pytest.mark.promise("S2-51")
@pytest.mark.parametrize("known", [True, False], ids=["as its users", "as nobody"])
async def test_schemathesis_finds_nothing(known: bool, tmp_path: Path) -> None:
    """No server error, nothing undocumented, nothing invalid taken, nobody let in who must not."""
    async with running(SHOP, profile="test") as system:
        outcome = await attack(system.url, tmp_path, examples=15, known=known)
    assert outcome.clean, outcome.told
    assert outcome.cases > 500


async def broken(self: InventoryService, id: int) -> Product:
    """Answers what nobody promised."""
    if id % 2:
        raise RuntimeError("a defect")
    return Product(id, "sku", "name", "expensive", "EUR", 1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def test_control_what_is_wrong_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: a service that fails, and answers something else, turns it red."""
    monkeypatch.setattr(InventoryService, "product", broken)
    async with running(SHOP, profile="test") as system:
        outcome = await attack(
            system.url,
            tmp_path,
            examples=10,
            known=False,
            arguments=("--include-operation-id", "inventory.product", "--phases", "fuzzing"),
        )
    assert not outcome.clean
    assert "Server error" in outcome.told
    assert "Response violates schema" in outcome.told
