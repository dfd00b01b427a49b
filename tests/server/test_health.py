"""Health and metrics: what those who watch over a service read."""

import re
from collections.abc import Iterator

import pytest

from coterie.client import proxy
from coterie.contract import Code, Service, get
from coterie.server import App, Host, HttpServer, Meter, State
from coterie.server.meter import BOUNDS, exposition
from tests.server.kit import Lab, LabService, Missing, Site, Talk, a_call, request, site_of, until

_METRIC = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
_SAMPLE = re.compile(rf"({_METRIC})(?:\{{({_LABEL}(?:,{_LABEL})*)\}})? (-?[0-9.e+-]+|\+Inf|NaN)")
_PAIR = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"')

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def parsed(text: str) -> tuple[dict[str, str], Samples]:
    """Types and samples, by the text format 0.0.4; whatever is not in it raises."""
    assert text.endswith("\n")
    types: dict[str, str] = {}
    helped: set[str] = set()
    samples: Samples = {}
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            name = line.split(" ", 3)[2]
            assert name not in helped, f"{name} is told twice"
            helped.add(name)
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in types, f"{name} is typed twice"
            assert kind in {"counter", "gauge", "histogram", "summary", "untyped"}
            types[name] = kind
        else:
            match = _SAMPLE.fullmatch(line)
            assert match is not None, line
            name, labels, value = match.groups()
            family = re.sub(r"_(bucket|sum|count)$", "", name)
            assert list(types)[-1] in (name, family), f"{line} stands outside of its family"
            key = (name, frozenset(_PAIR.findall(labels or "")))
            assert key not in samples, f"{line} stands there twice"
            samples[key] = float(value)
    return types, samples


def histograms(samples: Samples) -> Iterator[tuple[dict[str, str], dict[float, float], float]]:
    """Labels, cumulative buckets and count of each."""
    for (name, labels), count in samples.items():
        if name == "coterie_call_seconds_count":
            buckets = {
                float(dict(other)["le"]): value
                for (other_name, other), value in samples.items()
                if other_name == "coterie_call_seconds_bucket" and labels < other
            }
            yield dict(labels), buckets, count


@pytest.mark.promise("P2.12-1")
async def test_a_service_says_whether_it_lives_and_whether_it_is_ready() -> None:
    """Live while it answers at all; ready from the end of its start to the begin of its stop."""
    host = Host(LabService(), name="lab")
    server = HttpServer(App([host]))
    site = Site(LabService(), App([host]), server, None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await server.start()
    try:
        for state in State:
            host.state = state
            live = await site.ask("GET", "/health/live")
            assert (live.status, live.json) == (200, {"status": "live"})
            ready = await site.ask("GET", "/health/ready")
            if state is State.READY:
                assert (ready.status, ready.json) == (200, {"status": "ready"})
            else:
                assert (ready.status, ready["retry-after"]) == (503, "1")
                assert ready["content-type"] == "application/problem+json"
                assert ready.json["detail"] == "Not ready: lab"
    finally:
        await server.stop()


@pytest.mark.promise("P2.12-1", "P2.12-10")
async def test_readiness_goes_first_and_calls_under_way_are_finished() -> None:
    """A balancer is told before anybody is refused; who waits gets the answer."""
    async with site_of() as site, await site.talk() as talk:
        talk.say(request("GET", "/waits"))
        await until(lambda: site.lab.waiting)
        site.app.draining = True
        ready = await site.ask("GET", "/health/ready")
        assert (ready.status, ready.json["detail"]) == (503, "Not ready: lab")
        assert (await site.ask("GET", "/text")).status == 200
        assert (await site.ask("GET", "/health/live")).status == 200
        site.lab.go.set()
        assert (await talk.answer()).json == "done"


async def test_one_of_several_services_not_ready_is_named() -> None:
    """The gateway is ready when all behind it are."""

    class Other(Service, version="1.0"):
        @get("/other")
        async def other(self) -> str:
            return "other"

    async with site_of() as site:
        site.app.hosts = (*site.app.hosts, Host(Other(), name="other"))
        ready = await site.ask("GET", "/health/ready")
        assert (ready.status, ready.json["detail"]) == (503, "Not ready: other")


@pytest.mark.promise("P2.12-2")
async def test_calls_their_times_and_their_ends_can_be_read() -> None:
    """In the format of Prometheus, parsed strictly: by service, operation and code."""
    async with site_of() as site:
        for target in ["/notes/1", "/notes/1", "/notes/9", "/text", "/nowhere", "/fails?how=x"]:
            await site.ask("GET", target)
        answer = await site.ask("GET", "/metrics")
    assert answer["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    types, samples = parsed(answer.body.decode())
    assert types == {"coterie_call_seconds": "histogram", "coterie_calls_in_flight": "gauge"}
    found = {(h["operation"], h["code"]): count for h, _, count in histograms(samples)}
    assert found == {
        ("lab.note", "ok"): 2,
        ("lab.note", "not_found"): 1,
        ("lab.text", "ok"): 1,
        ("lab.fails", "internal"): 1,
    }
    for labels, buckets, count in histograms(samples):
        assert labels["service"] == "lab"
        assert sorted(buckets) == [*BOUNDS, float("inf")]
        values = [buckets[bound] for bound in sorted(buckets)]
        assert values == sorted(values)
        assert values[-1] == count
        key = ("coterie_call_seconds_sum", frozenset(labels.items()))
        assert 0 <= samples[key] < 10


async def test_calls_under_way_can_be_read() -> None:
    """As they begin and end."""
    async with site_of() as site:

        async def in_flight() -> float:
            text = (await site.ask("GET", "/metrics")).body.decode()
            return parsed(text)[1]["coterie_calls_in_flight", frozenset({("service", "lab")})]

        assert await in_flight() == 0
        talks: list[Talk] = [await site.talk() for _ in range(3)]
        for talk in talks:
            talk.say(request("GET", "/waits"))
        await until(lambda: site.lab.waiting == 3)
        assert await in_flight() == 3
        site.lab.go.set()
        for talk in talks:
            async with talk:
                await talk.answer()
        assert await in_flight() == 0


async def test_calls_within_the_process_count_like_any() -> None:
    """The meter is the host's, whatever way a call came."""
    host = Host(LabService())
    await host.start()
    await proxy(Lab, host.handle).text()
    assert host.meter.calls("lab.text") == 1


def test_a_time_falls_into_the_bucket_that_holds_it() -> None:
    """Bounds are inclusive: `le` is less than or equal."""
    meter = Meter()
    for seconds in (0.0005, 0.00051, 10.0, 11.0):
        meter.note(a_call("text"), None, seconds)
    _, samples = parsed(exposition([("lab", meter, 0)]).decode())
    ((_, buckets, count),) = histograms(samples)
    assert (buckets[0.0005], buckets[0.001], buckets[5.0], buckets[10.0]) == (1, 2, 2, 3)
    assert (buckets[float("inf")], count) == (4, 4)


def test_names_cannot_break_the_format() -> None:
    """A service may be called anything."""
    meter = Meter()
    meter.note(a_call("text"), Missing.code, 1.0)
    name = 'a "quoted"\\ \n name'
    _, samples = parsed(exposition([(name, meter, 1)]).decode())
    assert ("service", 'a \\"quoted\\"\\\\ \\n name') in {p for _, ps in samples for p in ps}


def test_without_calls_the_metrics_are_there_and_empty() -> None:
    """A scrape of a fresh service parses too."""
    types, samples = parsed(exposition([("lab", Meter(), 0)]).decode())
    assert (len(types), len(samples)) == (2, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        'a{b="c"} one\n',
        'a{b="c} 1\n',
        'a{b="c"d} 1\n',
        "a 1",
        "# TYPE a gauge\na 1\na 1\n",
        "# TYPE a gauge\nb 1\n",
    ],
)
def test_control_the_parser_is_strict(wrong: str) -> None:
    """Control: what is not in the format does not parse."""
    with pytest.raises((AssertionError, IndexError)):
        parsed(wrong)


def test_codes_are_counted_apart() -> None:
    """Each outcome is a series of its own."""
    meter = Meter()
    for code in (None, None, Code.INTERNAL):
        meter.note(a_call("text"), code, 0.1)
    assert (meter.calls("lab.text"), meter.calls("lab.text", Code.INTERNAL)) == (2, 1)
    assert meter.calls("lab.note") == 0
