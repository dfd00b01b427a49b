"""The console in a real browser: live, under its policy, by keyboard, narrow and wide."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec import structs
from playwright.async_api import Browser, Page, async_playwright, expect

from coterie.console.dashboard import Note
from tests.console.dashboard.conftest import Console, until
from tests.console.dashboard.fake import System, nested, protected, row
from tests.engines import absent

CHROMIUM = Path("/usr/bin/chromium")
HERE = CHROMIUM.exists()
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    if not HERE:
        absent("Chromium", "apt-get install chromium")
    async with async_playwright() as playwright:
        found = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield found
        await found.close()


@pytest.fixture
async def page(browser: Browser, console: Console) -> AsyncIterator[Page]:
    """A page that must load everything, break no rule of its policy and raise nothing."""
    wrong: list[str] = []
    made = await browser.new_page(color_scheme="light")
    made.on("console", lambda told: wrong.append(told.text) if told.type == "error" else None)
    made.on("pageerror", lambda error: wrong.append(str(error)))
    made.on("dialog", lambda dialog: wrong.append(f"dialog: {dialog.message}"))
    await made.goto(f"{console.url}/console")
    yield made
    await made.close()
    assert wrong == []


async def test_rows_change_while_one_looks_and_focus_stays(page: Page, system: System) -> None:
    await expect(page.locator("#link")).to_have_text("Live")
    link = page.get_by_role("link", name="orders-1")
    await link.focus()
    system.supervisor.now = [
        *system.supervisor.now,
        row("mail-1", state="crashed", note="<img src=x onerror=alert(1)>"),
    ]
    await expect(page.locator("tr[data-key=mail-1]")).to_contain_text("onerror=alert(1)")
    await expect(link).to_be_focused()
    system.supervisor.now = system.supervisor.now[:1]
    await expect(page.locator("tr[data-key]")).to_have_count(1)
    await expect(link).to_be_focused()


async def test_hostile_lines_arrive_live_as_text_and_can_be_paused(
    page: Page, console: Console, system: System
) -> None:
    await page.goto(f"{console.url}/console/logs")
    await expect(page.locator("#link")).to_have_text("Live")
    attack = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    system.supervisor.write("orders-1", attack)
    await expect(page.locator("#tail li")).to_have_count(1)
    await expect(page.locator("#tail .text")).to_have_text(attack)
    pause = page.get_by_role("button", name="Pause")
    await pause.click()
    system.supervisor.write("orders-1", "while paused")
    resume = page.get_by_role("button", name="Resume, 1 new")
    await expect(resume).to_be_visible()
    await expect(page.locator("#tail li")).to_have_count(1)
    await resume.click()
    await expect(page.locator("#tail li")).to_have_count(2)


async def test_a_page_that_is_put_aside_costs_nothing(page: Page, console: Console) -> None:
    streams = console.dashboard.app.streams
    await until(lambda: len(streams) == 1)
    await page.goto("about:blank")
    await until(lambda: len(streams) == 0)


async def test_everything_can_be_reached_by_keyboard(page: Page, console: Console) -> None:
    await page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    await expect(skip).to_be_focused()
    await expect(skip).to_be_in_viewport()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()
    await page.keyboard.press("g")
    await page.keyboard.press("t")
    await page.wait_for_url("**/console/traces")
    await page.keyboard.press("/")
    await expect(page.get_by_label("Operation")).to_be_focused()
    await page.keyboard.type("gt place")  # letters in a field are letters
    await page.keyboard.press("Enter")
    await page.wait_for_url("**operation=gt+place**")
    names: list[str] = []
    for _ in range(10):
        await page.keyboard.press("Tab")
        names.append(await page.evaluate("document.activeElement.textContent.trim()"))
        ring = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert ring != "none", names[-1]
    assert names[2:8] == ["Overview", "Graph", "Protection", "Traces", "Logs", "Contracts"]


async def test_the_theme_is_chosen_and_remembered(page: Page, console: Console) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    light = await page.evaluate(ground)
    await page.emulate_media(color_scheme="dark")
    dark = await page.evaluate(ground)
    assert light != dark
    await page.get_by_role("button", name="Theme: system").click()
    assert await page.evaluate(ground) == light
    await page.goto(f"{console.url}/console/graph")
    assert await page.evaluate(ground) == light
    await page.get_by_role("button", name="Theme: light").click()
    await page.emulate_media(color_scheme="light")
    assert await page.evaluate(ground) == dark


# Contrast of each text with what lies behind it (WCAG 2.2, 1.4.3), as far as it is plain colour.
FAINT = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const paint = (colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement;
    if (!walk.currentNode.nodeValue.trim() || !element.checkVisibility() || element.closest("title, svg, option")) continue;
    const behind = [];
    for (let e = element; e; e = e.parentElement) behind.unshift(getComputedStyle(e).backgroundColor);
    const ground = light(paint(behind));
    const ink = light(paint([...behind, getComputedStyle(element).color]));
    const ratio = (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
    if (ratio < 4.5) found.push(`${element.className}: ${walk.currentNode.nodeValue.trim().slice(0, 30)} ${ratio.toFixed(2)}`);
  }
  return [...new Set(found)];
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_pages_fit_every_width_and_can_be_read(
    page: Page, console: Console, system: System, theme: str
) -> None:
    spans = nested(time.time() - 5, failing=True)
    notes = Note(policy="retry", what="retried", detail="unavailable: " + "x" * 150)
    spans[0] = structs.replace(spans[0], notes=(notes, notes))
    system.instances["orders-1"].kept += spans
    for level in ("INFO", "WARNING", "ERROR"):
        system.supervisor.write(
            "orders-1", f"{level} {'long ' * 60}{'x' * 200} {spans[0].trace_id}"
        )
    system.supervisor.now = [
        *system.supervisor.now,
        row("payments-1", state="crashed", note="exit code 1, again in 8 s", restarts=6),
        row("mail-1", state="starting"),
    ]
    for name in ("orders-1", "users-1"):
        instance = system.instances[name]
        instance.actions, instance.states = protected(name, "inventory")
    await console.shows(f"/console/traces/{spans[0].trace_id}", "retry retried")
    await console.shows("/console/protection", "half-open")
    await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    for target in (
        "", "/graph", "/traces", f"/traces/{spans[0].trace_id}", "/logs", "/contracts",
        "/contracts/Orders", "/processes/orders-1", "/protection",
    ):  # fmt: skip
        await page.goto(f"{console.url}/console{target}")
        for width in (360, 400, 768, 1280, 1920):
            await page.set_viewport_size({"width": width, "height": 900})
            wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")  # fmt: skip
            assert wide <= 0, f"{target} at {width}"
        assert await page.evaluate(FAINT) == [], target
        unnamed = await page.evaluate(
            """() => [...document.querySelectorAll("a, button, input, select, [role=region], [role=img]")]
            .filter((e) => !(e.ariaLabel || e.textContent.trim() || (e.labels && e.labels.length)))
            .map((e) => e.outerHTML)"""
        )
        assert unnamed == []


async def test_without_javascript_pages_are_whole(
    browser: Browser, console: Console, system: System
) -> None:
    system.supervisor.write("orders-1", "ERROR told")
    await console.shows("/console/logs", "told")
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"{console.url}/console")
    await expect(page.get_by_role("link", name="orders-1")).to_be_visible()
    await expect(page.get_by_role("button")).to_have_count(0)
    await page.get_by_role("link", name="Logs").click()
    await page.get_by_label("Level").select_option("error")
    await page.get_by_role("button", name="Filter").click()
    await expect(page.locator("#tail")).to_contain_text("told")
    await context.close()
