"""quorum(): enough voices, and no more waiting than for those."""

import asyncio
from operator import eq

import pytest

from coterie.call import Failure
from coterie.composition.composite import quorum
from coterie.contract import Code
from tests.composition.parts import Gone, Stage, others


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def test_enough_is_enough(stage: Stage) -> None:
    """Two of three: the third is ended. Values are in the order of the calls."""
    assert await quorum(2, stage.gives("slow", 5), stage.hangs("never"), stage.gives("quick")) == [
        "slow",
        "quick",
    ]
    assert stage.stopped == ["hangs 'never'"]
    assert others() == set()


async def test_waiting_for_all_waits_for_the_slowest(stage: Stage) -> None:
    """Control: three of three wait for the one that hangs."""
    with pytest.raises(Failure) as caught:
        await quorum(3, stage.gives(1), stage.gives(2), stage.hangs(3), within=0.05)
    assert caught.value.code is Code.DEADLINE_EXCEEDED
    assert others() == set()


async def test_a_failure_is_one_voice_less(stage: Stage) -> None:
    """It does not matter while there are enough others."""
    assert await quorum(2, stage.fails(), stage.gives("a"), stage.gives("b", 3)) == ["a", "b"]


async def test_it_gives_up_when_there_cannot_be_enough(stage: Stage) -> None:
    """At once, with the most telling of the failures; nobody waits for the last voice."""
    with pytest.raises(Gone) as caught:
        await quorum(2, stage.fails(), stage.raises(Gone("it")), stage.hangs(""))
    assert caught.value.__notes__ == [
        "Stage.fails failed too: unavailable",
        "of 2 that were asked, Stage.raises said most",
    ]
    assert stage.stopped == ["hangs ''"]


async def test_only_those_that_agree_count_together(stage: Stage) -> None:
    """One that is behind does not make up the number."""
    calls = (stage.gives(1), stage.gives(2), stage.gives(2, 4))
    assert await quorum(2, *calls, agree=eq) == [2, 2]


async def test_without_agreement_any_two_count(stage: Stage) -> None:
    """Control: the one that is behind makes up the number."""
    assert await quorum(2, stage.gives(1), stage.gives(2), stage.gives(2, 4)) == [1, 2]


async def test_too_much_disagreement_is_a_failure(stage: Stage) -> None:
    """As soon as no two can agree any more."""
    with pytest.raises(Failure, match="Only 1 agreed where 3 of 4") as caught:
        await quorum(3, stage.gives(1), stage.gives(2), stage.fails(), stage.hangs(2), agree=eq)
    assert caught.value.code is Code.ABORTED
    assert caught.value.__notes__ == ["Stage.fails failed: unavailable"]
    assert stage.stopped == ["hangs 2"]


async def test_a_defect_is_raised_at_once(stage: Stage) -> None:
    """Also one of the function that compares."""
    with pytest.raises(TypeError, match="a defect"):
        await quorum(1, stage.hangs(""), stage.raises(TypeError("a defect")))
    with pytest.raises(ZeroDivisionError):
        await quorum(
            2, stage.gives(0), stage.gives(0), stage.hangs(1), agree=lambda a, b: a / b > 0
        )
    assert others() == set()


async def test_cancelled_it_ends_all(stage: Stage) -> None:
    """Nothing goes on behind the caller's back."""
    asked = asyncio.ensure_future(quorum(1, stage.hangs(1), stage.hangs(2)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert len(stage.stopped) == 2
    assert others() == set()


@pytest.mark.parametrize("needed", [0, -1, 3])
async def test_the_number_makes_sense(stage: Stage, needed: int) -> None:
    """From one to as many as are asked; nothing begins otherwise."""
    with pytest.raises(ValueError, match="take a number from 1 to 2"):
        await quorum(needed, stage.gives(1), stage.gives(2))
    assert stage.begun == []
