"""What the gate lets in: on an event loop of paper, where a second takes no time."""

import pytest

from coterie.policy import Gate, Priority, Shedding

from .turns import Steps, run

THINKS: Steps = (0.005,)
READS: Steps = (0.0025, -0.01, 0.0025)
WAITS: Steps = (-0.1, 0.0002)
SLEEPS: Steps = (-5.0,)
DEADLINE = 1.0

SHAPES = [
    pytest.param([THINKS], 200, id="thinking"),
    pytest.param([READS], 200, id="reading between"),
    pytest.param([THINKS, WAITS], 380, id="some only wait"),
    pytest.param([(0.0005,)], 1800, id="light"),
]
"""What calls do, and how many a second the processor can do."""


@pytest.mark.parametrize(("shapes", "most"), SHAPES)
@pytest.mark.parametrize("times", [2, 10])
def test_as_much_is_done_under_any_load(shapes: list[Steps], most: int, times: int) -> None:
    """Nine tenths of what can be done at most, and who is refused hears of it soon."""
    told = run([(6, most * times)], shapes)
    refusing = 30e-6 * most * (times - 1)
    assert told.good(DEADLINE, since=1) >= 0.9 * 5 * most * (1 - refusing)
    assert told.slowest_refusal(since=1) <= 0.05


@pytest.mark.parametrize(("shapes", "most"), SHAPES)
def test_control_without_it_nothing_is_done_in_time(shapes: list[Steps], most: int) -> None:
    """Control: at twice the load answers come, and each of them too late."""
    told = run([(6, most * 2)], shapes, on=False)
    assert told.good(DEADLINE, since=1) <= 0.5 * 5 * most


@pytest.mark.parametrize(("shapes", "most"), SHAPES)
def test_nobody_is_refused_while_there_is_time_for_all(shapes: list[Steps], most: int) -> None:
    """At half of what can be done, with all the chance there is in when calls come."""
    assert not run([(20, most * 0.5)], shapes).refused


@pytest.mark.parametrize("at_once", [[(1.0, 500)], [(1 + i / 100, 5) for i in range(100)]])
def test_calls_that_wait_for_long_are_no_load(at_once: list[tuple[float, int]]) -> None:
    """Five hundred that sleep for five seconds, while the processor is idle: all are served."""
    told = run([], [SLEEPS], at_once=at_once)
    assert (len(told.answered), len(told.refused)) == (500, 0)


def test_who_sleeps_keeps_nobody_out() -> None:
    """Hundreds asleep in the midst of too much to do: as much is done as without them."""
    told = run([(10, 500)], [THINKS, SLEEPS])
    took = [took for _, took in told.answered if took < 1]
    assert len(took) >= 0.9 * 10 * 200
    assert told.most > 500


def test_a_burst_is_taken_in() -> None:
    """A hundred at once on a quiet process are no jam, whatever each takes."""
    told = run([(9, 40)], [THINKS], at_once=[(0.0, 100), (4.0, 100), (7.0, 100)])
    assert not told.refused


@pytest.mark.parametrize("work", [0.0001, 0.002, 0.01, 0.02])
def test_so_few_callers_are_never_refused(work: float) -> None:
    """Thirty-two, each of whom asks again when it has its answer, wear nothing out."""
    told = run([], [(work,)], at_once=[(0.0, 32)], again=3.0)
    assert not told.refused
    assert len(told.answered) > 0.8 * 3 / (work + 0.0001)


@pytest.mark.parametrize(("shapes", "most"), SHAPES)
def test_all_is_normal_again_soon(shapes: list[Steps], most: int) -> None:
    """Two seconds after ten times too much, nobody is refused any more."""
    told = run([(2, most * 0.5), (3, most * 10), (8, most * 0.5)], shapes)
    assert any(2 < due < 5 for due, _ in told.refused)
    assert not [due for due, _ in told.refused if due > 7]
    assert not told.gate.pressed


def test_high_ones_go_first_and_low_ones_last() -> None:
    """At twice the load, a twentieth of it high and half of it low."""
    normal: list[Priority] = ["normal"]
    low: list[Priority] = ["low"]
    told = run([(6, 400)], [THINKS], priorities=["high", *normal * 9, *low * 10])
    refused = told.gate.refused
    assert refused["high"] == 0
    assert refused["low"] / (0.5 * 2400) > 1.5 * refused["normal"] / (0.45 * 2400)


def test_there_is_an_end_to_how_many_are_under_way() -> None:
    """Also where none of them takes anything: memory is bounded."""
    told = run([(2, 500)], [SLEEPS], settings=Shedding(most=100))
    assert told.most == 100
    assert told.gate.refused["normal"] > 0


def test_who_leaves_before_its_turn_leaves_its_place() -> None:
    """Or those who give up would keep everybody else out."""
    gate = Gate(Shedding(most=4), clock=lambda: 0.0)
    for _ in range(100):
        assert gate.takes("normal", 0)
        gate.left()
    assert gate.waiting == 0


@pytest.mark.parametrize(
    ("values", "remedy"),
    [
        ({"wait": 0.0}, "such as 0.1"),
        ({"wait": -1.0}, "such as 0.1"),
        ({"wait": float("nan")}, "such as 0.1"),
        ({"least": 0}, "such as 32"),
        ({"most": 0}, "such as 1000"),
    ],
)
def test_senseless_values_are_refused(values: dict[str, float], remedy: str) -> None:
    """With what to write instead."""
    with pytest.raises(ValueError, match=remedy):
        Shedding(**values)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
