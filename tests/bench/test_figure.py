"""Medians, ratios and verdicts."""

import msgspec
import pytest

from bench.contestant import compete, started
from bench.figure import Figure, Goal, ranked
from bench.round import Round, Score
from bench.server import ServerError
from bench.setting import Pace

PACE = Pace(rounds=5, seconds=1.0, warm=0.1)


def one(count: int, **errors: int) -> Round:
    return Round.of(count, 1.0, [0.001] * count, errors=errors, total=count, busy=0.5)


class Fake:
    """A contestant that answers what it is told, and notes when it was asked."""

    def __init__(self, name: str, counts: list[int], asked: list[str]) -> None:
        self.name = name
        self.rounds = [one(count) for count in counts]
        self.asked = asked
        self.running = False

    async def start(self) -> None:
        if not self.rounds:
            raise ServerError("no such program")
        self.running = True

    async def run(self, in_flight: int, seconds: float) -> Round:
        self.asked.append(self.name)
        return self.rounds.pop(0)

    async def stop(self) -> None:
        self.running = False


def verdict(ours: int, floor: int, peer: int, **errors: int) -> Figure:
    scores = [
        Score.of("coterie", [one(ours, **errors)]),
        Score.of("asgi", [one(floor)]),
        Score.of("fastapi", [one(peer)]),
    ]
    return ranked("f", "1/s", scores, {}, floor=Goal("asgi", 0.85), peers=[Goal("fastapi", 3.5)])


def test_a_score_is_the_median_of_its_rounds() -> None:
    """One slow or fast round does not decide; the warm-up adds its errors and no speed."""
    score = Score.of("x", [one(n) for n in (10, 90, 30, 20, 40)], [one(1_000, late=2)])
    assert (score.rate, score.low, score.high, score.rounds) == (30, 10, 90, 5)
    assert score.errors == {"late": 2}


def test_times_are_ranked() -> None:
    """The 50th and 99th percentile of the times, in seconds."""
    times = [number / 1000 for number in range(100, 0, -1)]
    done = Round.of(100, 2.0, times, errors={}, total=100, busy=0.0)
    assert (done.rate, done.p50, done.p99) == (50, 0.051, 0.1)


def test_a_figure_is_met_when_floor_and_every_peer_are() -> None:
    """At the goal is met, below one of them is not."""
    assert verdict(850, 1000, 242).ok
    assert not verdict(849, 1000, 242).ok
    assert not verdict(850, 1000, 243).ok
    assert verdict(900, 1000, 100).ratio == 0.9


def test_a_figure_with_wrong_answers_is_not_met() -> None:
    """Speed with errors is no speed."""
    figure = verdict(2000, 1000, 100, wrong=1)
    assert not figure.ok
    assert figure.errors == {"coterie": {"wrong": 1}}


@pytest.mark.parametrize("missing", ["coterie", "asgi", "fastapi"])
def test_a_figure_without_one_of_its_contestants_is_not_met(missing: str) -> None:
    """What was not measured was not met; the reason is told."""
    scores = [
        Score.of(name, [one(count)])
        for name, count in (("coterie", 2000), ("asgi", 1000), ("fastapi", 100))
        if name != missing
    ]
    figure = ranked(
        *("f", "1/s", scores, {missing: "not installed"}),
        floor=Goal("asgi", 0.85),
        peers=[Goal("fastapi", 3.5)],
    )
    assert not figure.ok
    assert figure.why == {missing: "not installed"}


def test_a_figure_is_one_json_line() -> None:
    """With the members that readers of the line rely on."""
    line = msgspec.json.encode(verdict(900, 1000, 100))
    assert b"\n" not in line
    wanted = {"name", "value", "unit", "floor", "ratio", "goal", "ok"}
    assert wanted <= set(msgspec.json.decode(line))


async def test_contestants_take_turns_and_are_stopped() -> None:
    """Each round begins with another contestant; one that cannot start stops nobody else."""
    asked: list[str] = []
    first, second = Fake("a", [9, 1, 2, 3, 4, 5], asked), Fake("b", [9, 5, 5, 5, 5, 5], asked)
    async with started([first, second, Fake("c", [], asked)]) as (running, absent):
        scores = await compete(running, 32, PACE)
    assert "".join(asked) == "ab" + "ab" + "ba" + "ab" + "ba" + "ab"
    assert [score.rate for score in scores] == [3, 5]
    assert absent == {"c": "no such program"}
    assert not first.running
    assert not second.running
