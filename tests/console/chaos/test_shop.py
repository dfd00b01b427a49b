"""The shop under chaos: half a minute of what `coterie chaos examples/shop --minutes 5` does longer."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.console.process import Command

pytestmark = pytest.mark.alone

SHOP = Path(__file__).parents[3] / "examples" / "shop"
SAMPLE = ("chaos", SHOP, "--seconds", "25", "--number", "42", "--json")


def told(*more: str) -> tuple[int, dict[str, Any]]:
    """Exit code and document of the sample."""
    with Command(*SAMPLE, *more) as command:
        code = command.ends(85)
        assert command.out.text, command.err.text
        return code, json.loads(command.out.text)


def test_no_order_is_lost_and_none_is_there_twice() -> None:
    """While services, gateway, broker, console and fork server are killed; and the goods add up."""
    code, report = told()
    assert (code, report["right"]) == (0, True), report
    assert (report["lost"], report["duplicated"], report["unexpected"]) == ([], [], [])
    assert report["acknowledged"] >= 20, report
    assert report["injected"]["kill"] >= 4, report
    planned, again = told("--plan")[1], told("--plan")[1]
    assert planned == again
    assert report["plan"] == planned["plan"]
    assert sum(report["injected"].values()) + report["missed"] == len(planned["strikes"])
