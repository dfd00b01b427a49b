"""Health and metrics: what those who watch over a service read."""

import pytest

from coterie.client import proxy
from coterie.contract import Service, get
from coterie.server import App, Host, HttpServer, State
from coterie.telemetry import BOUNDS
from tests.server.kit import Lab, LabService, Site, Talk, request, site_of, until
from tests.telemetry.prometheus import histograms, parsed


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
    assert types["coterie_call_seconds"] == "histogram"
    assert types["coterie_calls_in_flight"] == "gauge"
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
