"""A search of one's own hotels and a partner's, over real sockets: the partner may do its worst."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable

import pytest

from coterie.call import Failure, calling
from coterie.client import connect
from coterie.composition.composite import optional, together
from coterie.contract import Code, Contract, Service, Struct, get
from coterie.policy import deadline
from coterie.server import App, Host, HttpServer
from coterie.testing import recording
from tests.client.http1.peer import Peer, Talk, answer, listening, refusing, unreachable
from tests.composition.parts import Watch


class Hotel(Struct, frozen=True):
    name: str
    of: str


class Partner(Contract, version="1.0"):
    """Hotels of somebody else."""

    @get("/hotels")
    async def search(self, city: str) -> list[Hotel]: ...


class PartnerService(Partner):
    """Always has one."""

    async def search(self, city: str) -> list[Hotel]:
        return [Hotel("Grand", "partner")]


class Results(Struct, frozen=True):
    hotels: list[Hotel]
    missing: list[str]


class Search(Service, version="1.0"):
    """Our hotels, and the partner's if they are to be had."""

    def __init__(self, partner: Partner, *, needed: bool = False) -> None:
        self.partner = partner
        self.needed = needed

    async def own(self, city: str) -> list[Hotel]:
        """What our own database has."""
        return [Hotel("Inn", "us")]

    @get("/search", timeout=5)
    async def search(self, city: str) -> Results:
        """All hotels of a city."""
        partners = self.partner.search(city)
        found = await together(
            self.own(city),
            partners if self.needed else optional(partners, default=[], within=0.3),
        )
        own, theirs = found
        return Results(own + theirs, list(found.missing))


OWN, BOTH = ["us"], ["us", "partner"]


@contextlib.asynccontextmanager
async def searching(url: str, *, needed: bool = False) -> AsyncGenerator[Search]:
    """The search, with a partner at ``url``."""
    async with (
        connect(Partner, url) as partner,
        recording(Search(partner, needed=needed), policies=[deadline()]) as (search, _),
    ):
        yield search


@contextlib.asynccontextmanager
async def well() -> AsyncGenerator[str]:
    host = Host(PartnerService())
    server = HttpServer(App([host]))
    await host.start()
    await server.start()
    try:
        yield server.url
    finally:
        await server.stop()
        await host.stop()


Trouble = Callable[[Talk], None]


@contextlib.asynccontextmanager
async def in_trouble(trouble: Trouble) -> AsyncGenerator[str]:
    """A partner that takes a request and then does as it does."""

    async def serve(peer: Peer) -> None:
        while True:
            talk = await asyncio.get_running_loop().sock_accept(peer.listener)
            talk[0].setblocking(False)
            peer.accepted.append(taken := Talk(talk[0]))
            with contextlib.suppress(OSError, EOFError):
                await taken.request()
                trouble(taken)

    with listening() as peer:
        serving = asyncio.create_task(serve(peer))
        try:
            yield peer.url
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)


TROUBLES: dict[str, Trouble] = {
    "hangs": lambda talk: None,
    "resets": Talk.reset,
    "closes": Talk.close,
    "half an answer": lambda talk: talk.say(b"HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n["),
    "is not ready": lambda talk: talk.say(answer(status=b"503 Service Unavailable")),
    "is too busy": lambda talk: talk.say(answer(status=b"429 Too Many Requests")),
    "cannot reach its own": lambda talk: talk.say(answer(status=b"502 Bad Gateway")),
}


async def test_with_a_partner_that_is_well_there_are_both() -> None:
    """Own hotels first, and nothing is missing."""
    async with well() as url, searching(url) as search:
        results = await search.search("Linz")
    assert [hotel.of for hotel in results.hotels] == BOTH
    assert results.missing == []


@pytest.mark.promise("S3-47")
@pytest.mark.parametrize("way", [refusing, unreachable])
async def test_with_a_partner_that_is_down_there_are_our_own(
    way: Callable[[], contextlib.AbstractContextManager[str]],
) -> None:
    """Nobody listens there, or nobody accepts: own results, in time, and what is missing."""
    with way() as url:
        async with searching(url) as search:
            with Watch() as watch:
                results = await search.search("Linz")
            assert watch.took < 0.3 + 0.1
    assert [hotel.of for hotel in results.hotels] == OWN
    assert results.missing == ["partner.search"]


@pytest.mark.promise("S3-47")
@pytest.mark.parametrize("trouble", TROUBLES)
async def test_with_a_partner_in_trouble_there_are_our_own(trouble: str) -> None:
    """However it fails, the search answers in time."""
    async with in_trouble(TROUBLES[trouble]) as url, searching(url) as search:
        with Watch() as watch:
            results = await search.search("Linz")
        assert watch.took < 0.3 + 0.1
    assert [hotel.of for hotel in results.hotels] == OWN
    assert results.missing == ["partner.search"]


async def test_with_a_partner_that_is_needed_there_is_nothing() -> None:
    """Control: the same search, without `optional`, fails with the partner."""
    with refusing() as url:
        async with searching(url, needed=True) as search:
            with calling(timeout=0.5), pytest.raises(Failure):
                await search.search("Linz")


async def test_a_partner_that_hangs_and_is_needed_takes_all_the_time() -> None:
    """Control: no time of its own, and the caller waits until the deadline for no answer."""
    async with in_trouble(TROUBLES["hangs"]) as url, searching(url, needed=True) as search:
        with Watch() as watch, calling(timeout=0.5), pytest.raises(Failure) as caught:
            await search.search("Linz")
        assert watch.seconds >= 0.45
        assert caught.value.code is Code.DEADLINE_EXCEEDED


async def test_a_part_that_is_not_needed_any_more_closes_its_socket() -> None:
    """Within 100 ms of another part's failure the partner sees that nobody waits."""

    async def breaks() -> None:
        await asked.wait()
        raise Failure(Code.INTERNAL, "something else went wrong")

    asked = asyncio.Event()
    with listening() as peer:
        async with connect(Partner, peer.url) as partner:
            whole = asyncio.ensure_future(together(partner.search("Linz"), breaks()))
            talk = await peer.accept()
            await talk.request()
            with Watch() as watch:
                asked.set()
                assert await talk.rest() == b""
            assert watch.took < 0.1
            with pytest.raises(Failure, match="something else"):
                await whole
