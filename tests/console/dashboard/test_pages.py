"""What the pages show, as a reader without JavaScript sees them."""

import re
import time

import pytest
from msgspec import structs

from coterie.console.dashboard import Note
from tests.console.dashboard.conftest import Console
from tests.console.dashboard.fake import System, nested, row

PAGES = ("/console", "/console/graph", "/console/traces", "/console/logs", "/console/contracts")


def _words(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page))


async def test_the_overview_shows_every_process_and_how_it_is(
    console: Console, system: System
) -> None:
    system.supervisor.now = [
        *system.supervisor.now,
        row("payments-1", state="crashed", note="exit code 1", restarts=6, memory=48_200_000),
        row("gateway", kind="gateway", services=[]),
    ]
    page = await console.shows("/console", "payments-1")
    assert "exit code 1" in page
    assert "crashed" in page
    assert "46.0 MiB" in page
    assert page.index("payments-1") < page.index("Infrastructure") < page.index(">gateway<")
    assert 'class="version">1.4.0<' in page


async def test_a_call_is_found_by_each_filter_and_shown_as_a_waterfall(
    console: Console, system: System
) -> None:
    good, bad = nested(time.time()), nested(time.time(), scale=10, failing=True)
    system.instances["orders-1"].kept += [*good, *bad]
    ids = (good[0].trace_id, bad[0].trace_id)
    for target, found in (
        ("/console/traces", ids),
        ("/console/traces?errors=1", ids[1:]),
        ("/console/traces?ms=200", ids[1:]),
        ("/console/traces?service=payments", ids[:1]),
        ("/console/traces?operation=charge&service=payments", ids[:1]),
        ("/console/traces?operation=%25", ()),  # a per cent sign is no wildcard
        (f"/console/traces?before={time.time() - 3600}", ()),
    ):
        await console.shows("/console/traces", ids[1])
        page = await console.text(target)
        assert {one for one in ids if one in page} == set(found), target
    page = await console.text(f"/console/traces/{ids[0]}")
    words = _words(page)
    assert "orders, users, inventory, payments" in words
    # The root is 48 ms long, of which it waited 6, 11 and 23.5 for others.
    assert "orders.place orders server 48.0 ms 7.5 ms ok" in words
    assert page.count("<rect") == 7 + 3 + 3  # a bar each, and where each of four waited
    page = await console.text(f"/console/traces/{ids[1]}")
    assert "failed precondition" in page


async def test_a_span_shows_what_policies_did_to_its_call(console: Console, system: System) -> None:
    """In their words, and what was done twice once; a span that was left alone shows nothing."""
    spans = nested(time.time())
    again = Note(policy="retry", what="retried", detail="unavailable <script>")
    answered = Note(policy="fallback", what="answered", detail="unavailable")
    spans[0] = structs.replace(spans[0], notes=(again, again, answered))
    system.instances["orders-1"].kept += spans
    page = await console.shows(f"/console/traces/{spans[0].trace_id}", "fallback answered")
    words = _words(page)
    told = "retry retried \u00d72 : unavailable &lt;script&gt; fallback answered : unavailable"
    assert f"users.user orders client {told}".replace(" :", ":") in words.replace(" :", ":")
    assert page.count('class="deed"') == 2


async def test_the_lines_of_a_trace_stand_below_it_and_lead_to_it(
    console: Console, system: System
) -> None:
    spans = nested(time.time())
    trace_id = spans[0].trace_id
    system.instances["orders-1"].kept += spans
    system.supervisor.write("orders-1", f"2026-01-01T00:00:00.000Z INFO shop: sold {trace_id}")
    page = await console.shows("/console/logs?text=SOLD", "shop: sold")
    assert f'href="/console/traces/{trace_id}"' in page
    assert "shop: sold" in await console.shows(f"/console/traces/{trace_id}", "orders.place")
    assert "shop: sold" not in await console.text("/console/logs?level=error")
    assert "shop: sold" not in await console.text("/console/logs?process=users-1")
    assert "shop: sold" in await console.text("/console/logs?process=orders-1&level=info")


async def test_the_graph_shows_calls_and_what_is_only_declared(
    console: Console, system: System
) -> None:
    system.instances["orders-1"].kept += [s for _ in range(20) for s in nested(time.time() - 4)]
    page = await console.shows("/console/graph", "p50 ")
    table = re.findall(r"<td>(\w+)</td><td>(\w+)</td><td [^>]*>([^<]*)</td><td [^>]*>(\d+)<", page)
    calls = {(caller, callee): int(number) for caller, callee, _, number in table}
    assert calls["gateway", "orders"] == calls["orders", "payments"] == 20
    assert calls["orders", "mail"] == 0
    assert {told for a, b, told, _ in table if (a, b) == ("orders", "mail")} == {"declared only"}
    assert page.count('class="link used"') == 4 + 1  # and one in the legend
    assert 'class="link declared"' in page
    assert "orders.db" in page


async def test_contracts_are_told_with_owners_and_operations(console: Console) -> None:
    page = _words(await console.text("/console/contracts"))
    assert "Users 1.2 3 operations, 1 event" in page
    assert "accounts team" in page
    assert "Users of users seen" in page
    assert "Mail of mail declared" in page
    page = await console.text("/console/contracts/Orders")
    words = _words(page)
    assert "orders.place Place an order; takes the quantity out of stock. POST" in words
    assert "idempotent: once is as good as twice" in words
    assert "2.00 s" in words
    assert 'href="http://localhost:8080/docs/orders"' in page


async def test_a_process_has_a_page_and_one_that_is_gone_keeps_it(
    console: Console, system: System
) -> None:
    system.supervisor.write("users-1", "hello from users")
    page = await console.shows("/console/processes/users-1", "hello from users")
    assert "4242" in page
    assert "Memory" in page
    system.supervisor.now = []
    await console.shows("/console/processes/users-1", "is gone")


@pytest.mark.parametrize(
    "path",
    [
        "/console/nowhere",
        "/console/traces/no-trace",
        f"/console/traces/{'0' * 32}",
        "/console/traces/%3Cscript%3E",
        "/console/contracts/%3Cscript%3Ealert(1)",
        "/console/contracts/No%2Fsuch",
        "/console/processes/%00%ff",
        "/console/-/../../secrets",
        "/console/-/console.py",
    ],
)
async def test_what_is_not_there_is_a_404_that_says_where_to_go(
    console: Console, path: str
) -> None:
    answer = await console.get(path)
    assert answer.status == 404
    assert b"<script>" not in answer.body


@pytest.mark.parametrize(
    "query",
    ["ms=nan", "ms=1e999&before=inf", "before=x", "service=" + "x" * 3000, "a&b&&=%ff", "&".join("x=1" for _ in range(500))],
)  # fmt: skip
async def test_a_strange_query_is_answered_all_the_same(console: Console, query: str) -> None:
    for page in PAGES:
        assert (await console.get(f"{page}?{query}")).status == 200


async def test_nothing_can_be_changed(console: Console) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        for path in ("/console", "/console/logs", "/metrics", "/docs", "/nowhere"):
            answer = await console.get(path, method)
            assert answer.status == 405
            assert ("allow", "GET, HEAD") in answer.headers
    head, page = await console.get("/console/contracts", "HEAD"), await console.get("/console")
    assert (head.status, head.body, page.status) == (200, b"", 200)


async def test_pages_keep_everything_else_out(console: Console) -> None:
    for path in PAGES:
        answer = await console.get(path)
        headers = dict(answer.headers)
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        page = answer.body.decode()
        # What that policy would refuse does not stand there.
        assert not re.search(r"<script(?! src)|<style|\son\w+=|\sstyle=", page)


async def test_files_are_kept_by_browsers_until_they_change(console: Console) -> None:
    page = await console.text("/console")
    for address in re.findall(r'(?:href|src)="(/console/-/[^"]+)"', page):
        first = await console.get(address)
        headers = dict(first.headers)
        assert "immutable" in headers["cache-control"]
        again = await console.get(address, if_none_match=headers["etag"])
        assert (again.status, again.body) == (304, b"")
        assert (
            "no-cache" in dict((await console.get(address.split("?")[0])).headers)["cache-control"]
        )


async def test_other_pages_are_the_callers(console: Console) -> None:
    assert await console.text("/docs") == "docs"
    assert await console.text("/health/live") == '{"status":"live"}'
    assert (await console.get("/elsewhere")).status == 404
    assert ("location", "/console") in (await console.get("/")).headers
