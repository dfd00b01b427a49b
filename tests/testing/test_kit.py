"""The test kit: what users build their own tests on."""

from pathlib import Path
from typing import Any, cast

import pytest

from coterie.call import Failure, Principal, calling, current
from coterie.contract import (
    Contract,
    Event,
    Fault,
    Service,
    Struct,
    call,
    get,
    on_start,
    on_stop,
    post,
)
from coterie.testing import recording, running


class Said(Struct):
    """Something was said."""

    words: str


class Mute(Fault):
    """There is nothing to say."""


class Speech(Contract, version="1.0"):
    """Says things."""

    said = Event(Said)
    shouted = Event(Said)

    @post("/say", faults=[Mute])
    async def say(self, words: str) -> str: ...


class Counting(Contract, version="1.0"):
    """Counts things."""

    @call()
    async def count(self) -> int: ...


class Speaker(Speech, Counting):
    """Both."""

    def __init__(self) -> None:
        self.log: list[str] = []

    @on_start
    async def begin(self) -> None:
        self.log.append("start")

    @on_stop
    async def end(self) -> None:
        self.log.append("stop")

    async def say(self, words: str) -> str:
        if not words:
            raise Mute
        await self.said(Said(words))
        if words.isupper():
            await self.shouted(Said(words))
        principal = current().principal
        return principal.subject if principal else "nobody"

    async def count(self) -> int:
        return len(self.log)


async def test_a_service_is_recorded_alone() -> None:
    """Its hooks run, its events are told apart, its faults come out as they are."""
    speaker = Speaker()
    async with recording(speaker) as (client, events):
        assert await client.say("hello") == "nobody"
        with calling(principal=Principal("7")):
            assert await client.say("HELLO") == "7"
        with pytest.raises(Mute):
            await client.say("")
        assert await client.count() == 1
    assert speaker.log == ["start", "stop"]
    assert events.of(Speech.said) == [Said("hello"), Said("HELLO")]
    assert events.of(Speech.shouted) == [Said("HELLO")]
    assert [event.name for event, _ in events.all] == ["said", "said", "shouted"]


async def test_bytes_in_between_can_be_left_out() -> None:
    """As for any caller in the same process."""
    async with recording(Speaker(), serialise=False) as (client, _):
        with calling(principal=Principal("7")):
            assert await client.say("hello") == "7"


async def test_what_cannot_travel_is_found() -> None:
    """A result of another type than promised fails as it would over a wire."""

    class Liar(Service, version="1.0"):
        @get("/truth")
        async def truth(self) -> Said:
            lie: Any = "a lie"
            return cast(Said, lie)

    async with recording(Liar()) as (client, _):
        with pytest.raises(Failure):
            await client.truth()


async def test_after_the_block_nothing_is_served() -> None:
    """The service is stopped, and says so."""
    async with recording(Speaker()) as (client, _):
        pass
    with pytest.raises(Failure, match="stopped"):
        await client.say("hello")


TOML = """
[system]
name = "kit"

[service.speaker]
implements = "kit_speaker:Speaker"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A system of one service, in a folder of its own."""
    (tmp_path / "coterie.toml").write_text(TOML)
    (tmp_path / "kit_speaker.py").write_text(
        "from coterie import Service, post\n\n\n"
        'class Speaker(Service, version="1.0"):\n'
        '    """Speaks."""\n\n'
        '    @post("/say")\n'
        "    async def say(self, words: str) -> str:\n"
        "        return words.upper()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


async def test_a_system_runs_in_a_test(folder: Path) -> None:
    """In this process and over HTTP, on a free port, leaving nothing in its folder."""
    async with running(folder) as system, running(folder) as other:
        speaker: Any = system.assembly.host("speaker").descriptions[0].contract
        assert await system.client(speaker).say("a") == "A"
        async with other.connect(speaker) as client:
            assert await client.say("b") == "B"
        assert system.url != other.url
        assert system.system.state.exists()
        state = system.system.state
    assert not state.exists()
    assert not (folder / ".coterie").exists()


async def test_the_plugin_gives_the_system_of_the_project(
    folder: Path, pytester: pytest.Pytester
) -> None:
    """One line in conftest.py, and tests ask for `system`."""
    pytester.makepyfile(
        conftest='pytest_plugins = ["coterie.testing.plugin"]\n',
        test_it="async def test_it(system):\n    assert system.url.startswith('http://127.0.0.1')\n",
    )
    pytester.makeini(f"[pytest]\nasyncio_mode = auto\ncoterie_system = {folder}\n")
    pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider").assert_outcomes(passed=1)
