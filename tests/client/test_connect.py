"""connect(), blocking.connect() and items(): what a script or a notebook starts with."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager

import pytest

from coterie.call import Call, Failure, Handler, Reply, calling
from coterie.client import blocking, connect, items, proxy
from coterie.contract import Code, Contract, Page, get
from coterie.policy import deadline
from coterie.server import App, Host, HttpServer
from tests.client.http1.peer import listening
from tests.client.kit import Desk, DeskService, Refused


@contextmanager
def serving() -> Generator[str]:
    """A desk in a thread with a loop of its own; its address."""
    addresses: list[str] = []
    loop = asyncio.new_event_loop()
    ready, over = threading.Event(), asyncio.Event()

    async def serve() -> None:
        host = Host(DeskService(), policies=[deadline()])
        await host.start()
        server = HttpServer(App([host]))
        await server.start()
        addresses.append(server.url)
        ready.set()
        await over.wait()
        await server.stop()
        await host.stop()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(5)
    try:
        yield addresses[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(5)
        assert not thread.is_alive()


async def test_policies_wrap_every_call_the_first_outermost() -> None:
    """On the client's side as on the server's."""
    told: list[str] = []

    def policy(name: str) -> "object":
        def wrap(handler: Handler) -> Handler:
            async def wrapped(call: Call) -> Reply:
                told.append(f"{name} {call.operation.id}")
                return await handler(call)

            return wrapped

        return wrap

    policies = [policy("outer"), policy("inner")]
    with serving() as url:
        async with connect(Desk, url, policies=policies) as desk:  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
            assert await desk.add(1) == 3
    assert told == ["outer desk.add", "inner desk.add"]


async def test_a_client_has_its_own_patience() -> None:
    """Calls whose operation names no time end by it."""
    with serving() as url:
        async with connect(Desk, url, timeout=0.05) as desk:
            with pytest.raises(Failure) as caught:
                await desk.waits()
            assert caught.value.code is Code.DEADLINE_EXCEEDED


def test_a_script_needs_no_async() -> None:
    """Results, faults and failures come as they would with it."""
    with serving() as url, blocking.connect(Desk, url) as (desk, wait):
        assert wait(desk.add(1)) == 3
        with pytest.raises(Refused):
            wait(desk.fails("fault"))
        with pytest.raises(Failure, match="Come back later"):
            wait(desk.fails("busy"))
        assert wait(desk.add(2)) == 4


def test_a_script_says_who_asks_and_how_long() -> None:
    """`calling` round a call is heard, as it is with async."""
    with serving() as url, blocking.connect(Desk, url) as (desk, wait):
        with calling(token="proof", baggage={"a": "b"}, timeout=5):
            seen = wait(desk.seen())
        assert (seen.token, seen.baggage) == ("proof", {"a": "b"})
        assert seen.remaining is not None
        assert seen.remaining <= 5
        assert wait(desk.seen()).token is None
        with calling(timeout=0.05), pytest.raises(Failure) as caught:
            wait(desk.waits())
        assert caught.value.code is Code.DEADLINE_EXCEEDED


def test_a_script_s_client_ends_with_its_block() -> None:
    """Its loop too: a call after it is an error, and nothing is left unawaited."""
    with serving() as url:
        with blocking.connect(Desk, url) as (desk, wait):
            assert wait(desk.add(1)) == 3
        with pytest.raises(RuntimeError):
            wait(desk.add(1))


async def test_inside_a_loop_the_blocking_client_refuses() -> None:
    """It would stop everything else; nothing is left unawaited."""
    with (
        pytest.raises(RuntimeError, match=r"running event loop; use coterie\.client\.connect"),
        blocking.connect(Desk, "http://127.0.0.1:1"),
    ):
        pass


SCRIPT = """
import sys
from coterie.client import blocking
from tests.client.kit import Desk

with blocking.connect(Desk, sys.argv[1]) as (desk, wait):
    try:
        wait(desk.waits())
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


async def test_ctrl_c_cancels_the_call_and_closes_its_connection() -> None:
    """The script goes on where it was interrupted; the server sees the connection close."""
    with listening() as peer:
        script = await asyncio.create_subprocess_exec(
            sys.executable, "-c", SCRIPT, peer.url, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(20):
            sock, _ = await loop.sock_accept(peer.listener)
            sock.setblocking(False)
            assert (await loop.sock_recv(sock, 65536)).startswith(b"GET /waits ")
            os.kill(script.pid, signal.SIGINT)
            assert await loop.sock_recv(sock, 65536) == b""
            out, err = await script.communicate()
        sock.close()
    assert (out, err, script.returncode) == (b"interrupted\n", b"", 0)


class Lists(Contract, version="1.0"):
    @get("/numbers")
    async def numbers(self, limit: int = 3, cursor: str | None = None) -> Page[int]: ...


class Pages:
    """Answers pages, and remembers what was asked for."""

    def __init__(self, *pages: Page[int] | Failure) -> None:
        self.pages = list(pages)
        self.asked: list[tuple[int, str | None]] = []

    async def __call__(self, call: Call) -> Reply:
        self.asked.append((call.arguments["limit"], call.arguments["cursor"]))
        page = self.pages.pop(0)
        if isinstance(page, Failure):
            raise page
        return Reply(page)


async def collect(pages: Pages, found: list[int]) -> None:
    async for n in items(proxy(Lists, pages).numbers):
        found.append(n)  # noqa: PERF401  # what came before a failure counts


async def test_the_next_page_is_asked_for_when_it_is_needed() -> None:
    """Not before; and with the same arguments."""
    pages = Pages(Page([1, 2], "a"), Page([], "b"), Page([3]))
    found: AsyncGenerator[int] = items(proxy(Lists, pages).numbers, limit=2)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    assert await anext(found) == 1
    assert await anext(found) == 2
    assert pages.asked == [(2, None)]
    assert [n async for n in found] == [3]
    assert pages.asked == [(2, None), (2, "a"), (2, "b")]


async def test_an_empty_list_has_no_items() -> None:
    """One question, no item."""
    pages = Pages(Page([]))
    assert [n async for n in items(proxy(Lists, pages).numbers)] == []
    assert len(pages.asked) == 1


async def test_a_page_that_fails_is_raised_where_it_is_needed() -> None:
    """After the items of those before it."""
    pages = Pages(Page([1], "a"), Failure(Code.UNAVAILABLE, "Not now"))
    found: list[int] = []
    with pytest.raises(Failure, match="Not now"):
        await collect(pages, found)
    assert found == [1]


async def test_a_page_that_leads_to_itself_is_no_list_without_end() -> None:
    """A service that repeats its cursor is found out, instead of asked for ever."""
    pages = Pages(Page([1], "a"), Page([2], "a"), Page([2], "a"))
    found: list[int] = []
    with pytest.raises(Failure, match=r"lists\.numbers answers the cursor 'a' with itself"):
        await collect(pages, found)
    assert found == [1]


async def test_control_cursors_that_differ_go_on() -> None:
    """Control: the same items under other cursors are what the service says."""
    pages = Pages(Page([1], "a"), Page([1], "b"), Page([1]))
    assert [n async for n in items(proxy(Lists, pages).numbers)] == [1, 1, 1]
