"""first_of(): the first success counts, and the others end with it."""

import asyncio

import pytest

from coterie.call import Failure, calling
from coterie.composition.composite import first_of
from coterie.contract import Code
from tests.client.http1.peer import until
from tests.composition.parts import Gone, Stage, others


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def test_the_first_success_is_given_and_the_others_are_ended(stage: Stage) -> None:
    """Ended, not merely told to end."""
    given = await first_of(stage.hangs(1, stubborn=5), stage.gives(2, 3), stage.hangs(3))
    assert given == 2
    assert sorted(stage.stopped) == ["hangs 1", "hangs 3"]
    assert others() == set()


async def test_the_first_that_ends_is_not_the_first_that_succeeds(stage: Stage) -> None:
    """A fault or a failure leaves it to the others."""
    assert await first_of(stage.raises(Gone("it")), stage.fails(), stage.gives("late", 9)) == "late"


async def test_awaiting_the_first_that_ends_gives_its_failure(stage: Stage) -> None:
    """Control: `asyncio.wait` for the first to end finds the one that failed."""
    tasks = [asyncio.ensure_future(c) for c in (stage.fails(), stage.gives("late", 9))]
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    with pytest.raises(Failure):
        await done.pop()
    await tasks[1]


@pytest.mark.parametrize(
    ("errors", "told"),
    [
        ([Failure(Code.UNAVAILABLE, ""), Gone("it"), Failure(Code.NOT_FOUND, "")], 1),
        ([Failure(Code.UNAVAILABLE, ""), Failure(Code.NOT_FOUND, "")], 1),
        ([Failure(Code.CANCELLED, ""), Failure(Code.UNAVAILABLE, "")], 1),
        ([Failure(Code.DEADLINE_EXCEEDED, ""), Failure(Code.INTERNAL, "")], 1),
        ([Failure(Code.UNAVAILABLE, "a"), Failure(Code.UNAVAILABLE, "b")], 0),
    ],
)
async def test_when_all_fail_the_most_telling_is_raised(
    stage: Stage, errors: list[Exception], told: int
) -> None:
    """What was declared before what went wrong, an answer before silence; the rest as notes."""
    with pytest.raises(type(errors[told])) as caught:
        await first_of(*map(stage.raises, errors))
    assert caught.value is errors[told]
    assert len(caught.value.__notes__) == len(errors)


async def test_a_defect_is_raised_at_once(stage: Stage) -> None:
    """A `TypeError` of one's own is nothing that another answer mends."""
    with pytest.raises(TypeError, match="a defect"):
        await first_of(stage.hangs("1"), stage.raises(TypeError("a defect")))
    assert others() == set()


async def test_staggered_the_next_begins_when_the_one_before_is_slow(stage: Stage) -> None:
    """And what was not needed was never sent."""
    assert await first_of(stage.hangs(1), stage.gives(2), stage.gives(3), stagger=0.02) == 2
    assert stage.begun == ["hangs 1", "gives 2"]
    assert stage.stopped == ["hangs 1"]


async def test_staggered_the_next_begins_at_once_when_the_one_before_failed(stage: Stage) -> None:
    """Nobody waits for what has already failed."""
    assert await first_of(stage.fails(), stage.gives("b"), stagger=60, within=5) == "b"


async def test_all_at_once_all_are_sent(stage: Stage) -> None:
    """Control: without a staggered start each is asked, though the first answers."""
    assert await first_of(stage.gives(1, 3), stage.hangs(2), stage.hangs(3)) == 1
    assert len(stage.begun) == 3


async def test_there_is_a_deadline(stage: Stage) -> None:
    """Of its own or the caller's, whichever is nearer."""
    for within, timeout in ((0.05, 60.0), (60.0, 0.05)):
        with calling(timeout=timeout), pytest.raises(Failure) as caught:
            await asyncio.wait_for(first_of(stage.hangs(1), stage.fails(), within=within), 5)
        assert caught.value.code is Code.DEADLINE_EXCEEDED
    assert others() == set()


async def test_cancelled_it_ends_all(stage: Stage) -> None:
    """Those that were not begun are never sent."""
    asked = asyncio.ensure_future(first_of(stage.hangs(1), stage.hangs(2), stagger=60))
    await until(lambda: stage.begun)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert stage.begun == stage.stopped == ["hangs 1"]
    assert others() == set()


async def test_somebody_has_to_be_asked() -> None:
    """Of nobody there is no first."""
    with pytest.raises(ValueError, match="at least one call"):
        await first_of()
