"""together(): all at once, one deadline, and nothing left behind."""

import asyncio
from time import monotonic

import pytest

from coterie.call import Failure, calling, current
from coterie.composition.composite import Batcher, Gathered, Kept, optional, together
from coterie.contract import Code
from tests.client.http1.peer import until
from tests.composition.parts import Gone, Stage, Watch, others


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def test_values_come_in_the_order_of_the_parts(stage: Stage) -> None:
    """However long each takes; the result is a tuple, and says that nothing is missing."""
    found = await together(stage.gives("slow", 5), stage.gives(2), stage.gives(None, 1))
    assert found == ("slow", 2, None)
    slow, two, none = found
    assert (slow, two, none) == ("slow", 2, None)
    assert found.missing == {}


async def test_a_list_of_calls_is_a_list_of_values(stage: Stage) -> None:
    """Any number of parts, none among them."""
    assert list(await together(*(stage.gives(n, 9 - n) for n in range(9)))) == list(range(9))
    assert await together() == ()


async def test_parts_run_at_once(stage: Stage) -> None:
    """Each waits for the other to begin: one after the other would never end."""
    met = asyncio.Barrier(2)
    await together(met.wait(), met.wait(), within=5)


async def test_a_required_part_that_fails_is_raised_itself_and_ends_the_others(
    stage: Stage,
) -> None:
    """The very failure, in no group; the others have ended before it is seen."""
    with pytest.raises(Failure) as caught:
        await together(stage.hangs(1, stubborn=3), stage.fails(Code.INTERNAL, 2))
    assert caught.value.code is Code.INTERNAL
    assert stage.stopped == ["hangs 1"]
    assert others() == set()


async def test_gathering_by_hand_leaves_the_others_running(stage: Stage) -> None:
    """Control: `asyncio.gather` goes on with calls that nobody waits for."""
    with pytest.raises(Failure):
        await asyncio.gather(stage.hangs(1), stage.fails(Code.INTERNAL, 2))
    assert stage.stopped == []
    assert len(others()) == 1
    stage.go.set()


@pytest.mark.parametrize(
    "error", [Gone("hotel"), ValueError("a defect"), Failure(Code.INTERNAL, "")]
)
async def test_whatever_a_required_part_raises_is_raised(stage: Stage, error: Exception) -> None:
    """Faults, failures and defects alike."""
    with pytest.raises(type(error)) as caught:
        await together(stage.raises(error), stage.hangs(1))
    assert caught.value is error
    assert others() == set()


@pytest.mark.parametrize(
    "code",
    [Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED, Code.RESOURCE_EXHAUSTED, Code.CANCELLED],
)
async def test_an_optional_part_that_is_not_to_be_had_is_left_out(stage: Stage, code: Code) -> None:
    """Its default stands in its place, and what is missing is told, with the reason."""
    found = await together(stage.gives(1), optional(stage.fails(code), default="none"))
    assert found == (1, "none")
    assert [(name, why.code) for name, why in found.missing.items()] == [("Stage.fails", code)]


async def test_a_required_part_that_is_not_to_be_had_fails_the_whole(stage: Stage) -> None:
    """Control: without `optional` there is no answer."""
    with pytest.raises(Failure, match="it is unavailable"):
        await together(stage.gives(1), stage.fails())


@pytest.mark.parametrize(
    "error",
    [
        Failure(Code.INVALID_ARGUMENT, "no such date"),
        Failure(Code.INTERNAL, "a defect there"),
        Failure(Code.PERMISSION_DENIED, "not for you"),
        TypeError("a defect here"),
        TimeoutError("of something else"),
        Gone("review"),
    ],
)
async def test_an_optional_part_hides_no_mistake(stage: Stage, error: Exception) -> None:
    """A wrong argument, a defect or a declared answer would be lost in a default."""
    with pytest.raises(type(error)) as caught:
        await together(stage.hangs(1), optional(stage.raises(error), default=None))
    assert caught.value is error
    assert others() == set()


async def test_what_more_is_forgiven_is_named(stage: Stage) -> None:
    """A declared fault, or a code; alone or several."""
    found = await together(
        optional(stage.raises(Gone("a")), default=1, forgives=Gone, name="a"),
        optional(stage.fails(Code.INTERNAL), default=2, forgives=(Gone, Code.INTERNAL), name="b"),
        optional(stage.fails(), default=3, forgives=Gone, name="c"),
    )
    assert found.missing["a"] == Gone("a")
    assert list(found.missing) == ["a", "b", "c"]
    assert found == (1, 2, 3)


async def test_two_parts_of_one_name_are_told_apart(stage: Stage) -> None:
    """The same operation asked twice is missing twice."""
    found = await together(*(optional(stage.fails(), default=0) for _ in range(3)))
    assert list(found.missing) == ["Stage.fails", "Stage.fails (2)", "Stage.fails (3)"]


async def test_what_is_left_out_is_logged_without_its_message(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """The name and the code: a message may quote what somebody asked for."""
    with caplog.at_level("INFO", "coterie.composite"):
        await together(optional(stage.fails(), default=0))
    assert caplog.messages == ["left out of an answer: Stage.fails (unavailable)"]


async def test_an_optional_part_has_its_own_time(stage: Stage) -> None:
    """A slow one does not make the answer slow."""
    with Watch() as watch:
        found = await together(stage.gives(1), optional(stage.hangs(2), default=0, within=0.05))
    assert watch.took < 0.15
    assert found == (1, 0)
    assert found.missing["Stage.hangs"].code is Code.DEADLINE_EXCEEDED
    assert stage.stopped == ["hangs 2"]


async def test_without_its_own_time_a_slow_part_is_waited_for(stage: Stage) -> None:
    """Control: the same part, given no time of its own, holds the answer up."""
    whole = asyncio.ensure_future(
        together(stage.gives(1), optional(stage.hangs(2), default=0)),
    )
    done, _ = await asyncio.wait([whole], timeout=0.1)
    assert done == set()
    stage.go.set()
    assert await whole == (1, 2)


async def test_an_answer_without_the_optional_parts_is_still_in_time(stage: Stage) -> None:
    """They end a little before the deadline of all, or the caller would have no answer at all."""
    with calling(timeout=1.0):
        deadline = current().deadline
        assert deadline is not None
        found = await together(stage.gives(1), optional(stage.hangs(2), default=0))
        assert monotonic() < deadline
    assert found == (1, 0)


async def test_the_deadline_of_the_whole_names_what_was_not_done(stage: Stage) -> None:
    """A required part that hangs fails the whole, by the deadline and not much later."""
    with Watch() as watch, pytest.raises(Failure, match=r"^Stage\.hangs was not done") as caught:
        await together(stage.gives(1), stage.hangs(2), within=0.1)
    assert caught.value.code is Code.DEADLINE_EXCEEDED
    assert watch.seconds >= 0.1
    assert watch.took < 0.2
    assert others() == set()
    assert caught.value.origin == "Stage.hangs"  # so a service does not tell whom it has asked


async def test_parts_see_one_trace_and_the_nearest_deadline(stage: Stage) -> None:
    """What they call knows it too. A longer time never lengthens the caller's."""
    with calling(timeout=1) as context:
        await together(
            stage.gives(1),
            optional(stage.gives(2), default=0),
            optional(stage.gives(3), default=0, within=0.2),
            within=60,
        )
    required, left_out, own = stage.contexts
    assert required.deadline == context.deadline
    assert context.deadline is not None
    assert context.deadline - 0.11 < (left_out.deadline or 0) < context.deadline - 0.09
    assert own.deadline == pytest.approx(context.deadline - 0.8, abs=0.05)
    assert {each.trace.trace_id for each in stage.contexts} == {context.trace.trace_id}


async def test_parts_made_outside_of_calls_share_a_trace(stage: Stage) -> None:
    """A script's fan-out is one thing to look at too."""
    await together(stage.gives(1), stage.gives(2))
    assert len({each.trace.trace_id for each in stage.contexts}) == 1
    assert {each.deadline for each in stage.contexts} == {None}


async def test_nothing_begins_after_the_deadline(stage: Stage) -> None:
    """No part is sent whose answer comes too late."""
    with calling(timeout=-1), pytest.raises(Failure) as caught:
        await together(stage.gives(1), optional(stage.gives(2), default=0))
    assert caught.value.code is Code.DEADLINE_EXCEEDED
    assert stage.begun == []


async def test_cancelling_the_whole_ends_every_part(stage: Stage) -> None:
    """Also those that take their time to end, and also when it is cancelled again meanwhile."""
    whole = asyncio.ensure_future(together(stage.hangs(1, stubborn=50), stage.hangs(2)))
    await until(lambda: len(stage.begun) == 2)
    whole.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    whole.cancel()
    with pytest.raises(asyncio.CancelledError):
        await whole
    assert sorted(stage.stopped) == ["hangs 1", "hangs 2"]
    assert others() == set()


async def test_a_part_cancelled_from_elsewhere_does_not_cancel_the_caller(stage: Stage) -> None:
    """It is a failure like any other: forgiven where the part is optional."""
    task = asyncio.ensure_future(stage.hangs(1))
    asyncio.get_running_loop().call_soon(task.cancel)
    with pytest.raises(Failure, match="from elsewhere") as caught:
        await together(task, stage.gives(2))
    assert caught.value.code is Code.CANCELLED
    again = asyncio.ensure_future(stage.hangs(1))
    asyncio.get_running_loop().call_soon(again.cancel)
    assert await together(optional(again, default=0), stage.gives(2)) == (0, 2)


async def test_composites_are_parts_of_composites(stage: Stage) -> None:
    """An answer made of answers; an optional one may fail as a whole."""
    found = await together(
        stage.gives(1),
        optional(together(stage.gives(2), stage.fails()), default=None, name="inner"),
    )
    assert list(found.missing) == ["inner"]
    assert found == (1, None)


async def test_an_optional_part_can_be_awaited_alone(stage: Stage) -> None:
    """One call with a default, and a time of its own."""
    assert await optional(stage.gives(1), default=0) == 1
    assert await optional(stage.fails(), default=0) == 0
    assert await optional(stage.hangs(1), default=0, within=0.02) == 0
    with pytest.raises(Gone):
        await optional(stage.raises(Gone("it")), default=0)
    assert others() == set()


@pytest.mark.parametrize("seconds", [-1.0, float("inf"), float("nan")])
async def test_a_time_that_is_none_is_refused(stage: Stage, seconds: float) -> None:
    """Before anything began."""
    with pytest.raises(ValueError, match="take a number of seconds"):
        await together(stage.gives(1), within=seconds)
    with pytest.raises(ValueError, match="take a number of seconds"):
        await optional(stage.gives(1), default=0, within=seconds)
    assert stage.begun == []


async def test_what_cannot_be_awaited_is_refused(stage: Stage) -> None:
    """Such as a value: the `await` was written one too early. Nothing begins."""
    with pytest.raises(TypeError, match="without `await`"):
        await together(stage.gives(1), await stage.gives(2))  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    assert stage.begun == ["gives 2"]


async def test_the_result_is_typed_as_a_tuple(stage: Stage) -> None:
    """It can be compared, unpacked and indexed like one."""
    found = await together(stage.gives(1), stage.gives("a"))
    assert isinstance(found, Gathered)
    assert isinstance(found, tuple)
    assert found[1] == "a"


async def test_a_part_is_called_the_same_wherever_it_was_defined() -> None:
    """A function within a function by its own name, a method by its class's and its own."""

    async def reviews(*_: object) -> str:
        raise Failure(Code.UNAVAILABLE, "not today")

    class Partner:
        async def near(self, hotel: int) -> str:
            raise Failure(Code.UNAVAILABLE, f"nothing near {hotel}")

    async def many(keys: list[int]) -> dict[int, str]:
        raise Failure(Code.UNAVAILABLE, f"none of {keys}")

    async def rates() -> str:
        raise Failure(Code.UNAVAILABLE, "not today")

    found = await together(
        optional(reviews(), default=""),
        optional(asyncio.create_task(reviews()), default=""),
        optional(Partner().near(7), default=""),
        optional(Batcher(many)(3), default=""),
        optional(Kept(rates, keep=1.0)(), default=""),
    )
    assert list(found.missing) == ["reviews", "reviews (2)", "Partner.near", "many", "rates"]
    assert str(found.missing["reviews"]) == "not today"
