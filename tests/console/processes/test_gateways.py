"""Each engine of the gateway: the small system end to end, groups, and TLS with certificates."""

import json
import os
import ssl
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from coterie.client.http1 import NotSent, Pool

from .lab import Lab, eventually, lab, running_lab
from .load import load

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["envoy", "inprocess"])
async def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Lab]:
    """The lab behind either engine, with a certificate of its own making."""
    toml = f'[gateway]\nengine = "{request.param}"\ntls = "self-signed"'
    async with running_lab(lab(tmp_path_factory.mktemp("lab"), toml)) as started:
        yield started


def trusting(certificate: Path) -> ssl.SSLContext:
    """Who believes that certificate and no other, and looks at the name."""
    return ssl.create_default_context(cafile=str(certificate))


async def test_the_gateway_proves_who_it_is(running: Lab) -> None:
    """By its own certificate, for this machine's names; the key is nobody else's to read."""
    folder = running.state / "tls"
    assert running.url.startswith("https://127.0.0.1:")
    async with Pool(running.url, tls=trusting(folder / "gateway.pem")) as pool:
        answer = await pool.request("GET", "/relay/pids")
        assert (answer.status, len(json.loads(answer.body))) == (200, 2)
        assert (await pool.request("GET", "/health/ready")).status == 200
        document = json.loads((await pool.request("GET", "/openapi.json")).body)
        assert "/relay/pids" in document["paths"]
        assert (await pool.request("GET", "/nowhere")).status == 404
    named = running.url.replace("127.0.0.1", "localhost")
    async with Pool(named, tls=trusting(folder / "gateway.pem")) as pool:
        assert (await pool.request("GET", "/desk/pid")).status == 200
    assert stat.S_IMODE((folder / "gateway-key.pem").stat().st_mode) == 0o600


async def test_control_whoever_does_not_trust_it_is_not_served(running: Lab) -> None:
    """Control: the usual authorities do not know it."""
    async with Pool(running.url) as pool:
        with pytest.raises(NotSent):
            await pool.request("GET", "/desk/pid")


@pytest.mark.promise("S3-14", "S3-39", "S3-44")
async def test_services_are_processes_of_their_own(running: Lab) -> None:
    """The relay and the desk that it calls are two, and each is the one `coterie ps` shows."""
    async with Pool(running.url, tls=trusting(running.state / "tls" / "gateway.pem")) as pool:
        relay, desk = json.loads((await pool.request("GET", "/relay/pids")).body)
    assert {"relay-1": relay, "desk-1": desk} == await running.pids()
    assert relay != desk
    assert os.getppid() not in (relay, desk)


async def test_the_gateway_tells_how_much_goes_through_it(running: Lab) -> None:
    """`coterie ps` shows its calls as it shows those of services."""
    before = (await running.rows())["gateway"].calls
    async with Pool(running.url, tls=trusting(running.state / "tls" / "gateway.pem")) as pool:
        for _ in range(20):
            assert (await pool.request("GET", "/desk/pid")).status == 200

    async def counted() -> bool:
        return (await running.rows())["gateway"].calls >= before + 20

    await eventually(counted, "the gateway's calls are counted")


async def test_a_given_certificate_is_used(running: Lab, tmp_path: Path) -> None:
    """By the names of its files, as seen from the system's folder; none is made then."""
    engine = (
        "inprocess" if "inprocess" in (running.folder / "coterie.toml").read_text() else "envoy"
    )
    folder = lab(
        tmp_path / "given",
        f'[gateway]\nengine = "{engine}"\n'
        'tls = { certificate = "mine.pem", key = "mine-key.pem" }',
    )
    made = running.state / "tls"
    for name in ("", "-key"):
        (folder / f"mine{name}.pem").write_bytes((made / f"gateway{name}.pem").read_bytes())
    async with running_lab(folder) as given:
        async with Pool(given.url, tls=trusting(folder / "mine.pem")) as pool:
            assert (await pool.request("GET", "/desk/pid")).status == 200
        assert not (given.state / "tls").exists()


@pytest.mark.parametrize("engine", ["envoy", "inprocess"])
async def test_a_group_is_one_process(engine: str, tmp_path: Path) -> None:
    """Who calls whom inside it is the same process; from outside nothing is different."""
    toml = f'[gateway]\nengine = "{engine}"\n[process.office]\ntogether = ["desk", "relay"]'
    async with running_lab(lab(tmp_path, toml)) as grouped:
        pid = await grouped.pid("office-1")
        async with Pool(grouped.url) as pool:
            assert json.loads((await pool.request("GET", "/relay/pids")).body) == [pid, pid]
        row = (await grouped.rows())["office-1"]
        assert sorted(row.services) == ["desk", "relay"]
        counted = await load(grouped.url, 400, 8)
        assert (counted.failed, counted.sent) == ([], 400)
        assert set(counted.answered_by) == {pid}
        assert (await grouped.scale("office", 2)) == ["office-2 is up"]
