"""Whatever the parts do: in time, as specified, and nothing is left running."""

import asyncio
from collections.abc import Awaitable
from typing import Literal, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from coterie.call import Failure, calling
from coterie.composition.composite import Gathered, first_of, optional, quorum, together
from coterie.contract import Code, Fault
from tests.composition.parts import Gone, Stage, Watch, others

LATE = 0.1
"""Seconds that an answer may come after its deadline."""

SHORT, LONG = 0.03, 30.0
"""Seconds until the deadline of the whole."""

HURRIED = (0.0, 0.005)
"""Seconds of a part's own in which it may or may not do what it does."""

PASSING = {Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED, Code.RESOURCE_EXHAUSTED, Code.CANCELLED}


class Play(NamedTuple):
    """What one part does."""

    does: Literal["gives", "fails", "faults", "breaks", "hangs"]
    code: Code
    turns: int
    required: bool
    within: float | None


plays = st.builds(
    Play,
    st.sampled_from(["gives", "gives", "fails", "faults", "breaks", "hangs"]),
    st.sampled_from(list(Code)),
    st.integers(0, 6),
    st.booleans(),
    st.sampled_from([None, *HURRIED, 60.0]),
)
mixes = st.lists(plays, min_size=1, max_size=6)

examples = settings(deadline=None, max_examples=100)


class Broken(Exception):
    """A defect."""


def played(stage: Stage, place: int, play: Play) -> Awaitable[int]:
    async def part() -> int:
        for _ in range(play.turns):
            await asyncio.sleep(0)
        if play.does == "hangs":
            return await stage.hangs(place, stubborn=play.turns)
        if play.does == "fails":
            raise Failure(play.code, f"part {place}")
        if play.does == "faults":
            raise Gone(f"part {place}")
        if play.does == "breaks":
            raise Broken(f"part {place}")
        return place

    return part()


def ends_all(play: Play) -> bool:
    """Whether there is no answer because of it."""
    if play.required:
        return play.does != "gives"
    return play.does in {"faults", "breaks"} or (play.does == "fails" and play.code not in PASSING)


class Outcome(NamedTuple):
    """What it gave or raised, and whether its deadline had come by then."""

    ended: object
    late: bool


async def outcome(asked: Awaitable[object], *, hangs: bool) -> Outcome:
    """Whatever it is, it is in time, and nothing is left running.

    Only what has to wait for its deadline is given a short one: on a busy machine the others may
    be slow.
    """
    timeout = SHORT if hangs else LONG
    with Watch() as watch:
        try:
            with calling(timeout=timeout):
                ended: object = await asked
        except Exception as error:  # noqa: BLE001  # the outcome is what is looked at
            ended = error
    assert watch.took < timeout + LATE
    assert others() == set()
    exceeded = isinstance(ended, Failure) and ended.code is Code.DEADLINE_EXCEEDED
    late = exceeded and watch.seconds >= timeout
    return Outcome(ended, late)


@examples
@given(mixes)
async def test_together_keeps_its_word(mix: list[Play]) -> None:
    """All values or defaults in their order and a note of each default; or one of the errors."""
    stage = Stage()
    parts = [
        played(stage, place, play)
        if play.required
        else optional(played(stage, place, play), default=-1, within=play.within, name=f"{place}")
        for place, play in enumerate(mix)
    ]
    hurried = [not play.required and play.within in HURRIED for play in mix]
    spoilt = [ends_all(play) and not hurry for play, hurry in zip(mix, hurried, strict=True)]
    quick = any(spoils and play.does != "hangs" for play, spoils in zip(mix, spoilt, strict=True))
    hangs = any(play.does == "hangs" for play in mix) and not quick
    ended, late = await outcome(together(*parts), hangs=hangs)
    if isinstance(ended, Gathered):
        assert not any(spoilt)
        missing = {int(name): why.code for name, why in ended.missing.items()}
        assert list(ended) == [-1 if place in missing else place for place in range(len(mix))]
        for place, play in enumerate(mix):
            if play.does != "gives":
                assert place in missing
            elif place in missing:
                assert hurried[place] or hangs
                assert missing[place] is Code.DEADLINE_EXCEEDED
    else:
        assert isinstance(ended, Broken | Failure | Fault)
        assert late or any(map(ends_all, mix))


@examples
@given(mixes, st.sampled_from([None, 0.0, 0.001]))
async def test_first_of_keeps_its_word(mix: list[Play], stagger: float | None) -> None:
    """A value if any part gives one and none is broken; else an error of theirs, or the deadline."""
    stage = Stage()
    does = {play.does for play in mix}
    calls = [played(stage, place, play) for place, play in enumerate(mix)]
    hangs = "hangs" in does and "gives" not in does
    ended, late = await outcome(first_of(*calls, stagger=stagger), hangs=hangs)
    if isinstance(ended, int):
        assert mix[ended].does == "gives"
    elif isinstance(ended, Broken):
        assert "breaks" in does
    elif hangs:
        assert late
    else:
        assert "gives" not in does
        assert isinstance(ended, Fault if "faults" in does else Failure)


@examples
@given(mixes, st.data())
async def test_quorum_keeps_its_word(mix: list[Play], data: st.DataObject) -> None:
    """So many values in their order; else an error of theirs, or the deadline."""
    stage = Stage()
    needed = data.draw(st.integers(1, len(mix)))
    calls = [played(stage, place, play) for place, play in enumerate(mix)]
    does = [play.does for play in mix]
    given = does.count("gives")
    hangs = given < needed <= given + does.count("hangs")
    ended, late = await outcome(quorum(needed, *calls), hangs=hangs)
    if isinstance(ended, list):
        assert len(ended) == needed
        assert ended == sorted(ended)
        assert {does[place] for place in ended} == {"gives"}
    elif isinstance(ended, Broken):
        assert "breaks" in does
    else:
        assert given < needed
        assert late if hangs else isinstance(ended, Failure | Fault)


async def test_a_whole_that_leaves_something_running_is_noticed() -> None:
    """Control: what these tests look at is seen, with the standard library in place of ours."""
    stage = Stage()
    mix = [Play("hangs", Code.UNKNOWN, 0, True, None), Play("breaks", Code.UNKNOWN, 1, True, None)]
    try:
        await outcome(
            asyncio.gather(*(played(stage, n, play) for n, play in enumerate(mix))), hangs=True
        )
    except AssertionError:
        assert len(others()) == 1
    else:
        raise AssertionError("it went unnoticed")
    finally:
        stage.go.set()


async def test_an_answer_that_comes_late_is_noticed() -> None:
    """Control: time spent waiting counts, only that of a busy machine does not."""
    with Watch() as watch:
        await asyncio.sleep(8 * LATE)
    assert watch.took > SHORT + LATE
