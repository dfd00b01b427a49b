"""The documentation keeps up with the house: what there is, is told."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import coterie
from coterie import Code
from coterie.cli.new import files
from coterie.cli.verbs import SUMMARIES
from coterie.system import GatewaySpec, load
from tools import settings

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
ROOMS = sorted(door.parent.name for door in (ROOT / "src" / "coterie").glob("*/__init__.py"))
PAGES = sorted(
    page
    for pattern in ("*.md", "docs/*.md", "docs/rooms/*.md", "examples/*/README.md")
    for page in ROOT.glob(pattern)
)
SECTIONS = ["Words", "Main calls", "Guarantees", "Limits", "Errors"]


def undocumented(rooms: list[str], docs: Path) -> list[str]:
    """Pages and sections that are missing."""
    reference = (docs / "reference.md").read_text()
    pages = [f"docs/rooms/{r}.md" for r in rooms if not (docs / "rooms" / f"{r}.md").is_file()]
    sections = [
        f"docs/reference.md: coterie.{r}" for r in rooms if f"coterie.{r}\n" not in reference
    ]
    return pages + sections


def test_every_room_has_its_page_and_its_reference() -> None:
    """Whoever adds a room tells readers what it is for."""
    assert undocumented(ROOMS, DOCS) == []


def test_a_room_without_a_page_is_noticed() -> None:
    """Control: a room that nobody wrote about is missed."""
    assert len(undocumented(["attic"], DOCS)) == 2


@pytest.mark.parametrize("room", ROOMS)
def test_the_page_of_a_room_tells_the_same_things(room: str) -> None:
    """Words, calls, guarantees, limits and errors come in the same order everywhere."""
    headings = re.findall(r"^## (.+)$", (DOCS / "rooms" / f"{room}.md").read_text(), re.MULTILINE)
    told = [heading for heading in headings if heading in SECTIONS]
    assert told == sorted(told, key=SECTIONS.index)
    assert {"Guarantees", "Limits"} <= set(told)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documentation, built."""
    built = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "docs", str(built)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return built


@pytest.mark.promise("P2.12-8")
def test_the_documentation_builds_without_a_warning(site: Path) -> None:
    """Every page is reached, every reference leads somewhere, every docstring reads as meant."""
    assert (site / "index.html").is_file()


def test_every_key_of_the_toml_is_told(site: Path) -> None:
    """The page about `coterie.toml` names every table and key that the model reads."""
    page = re.sub(r"</?(code|span)[^>]*>", "", (site / "configuration.html").read_text())
    found = re.findall(r"<h3>\[([\w.]+)\][^<]*<(.*?)</section>", page, re.DOTALL)
    plain = {"service.NAME": "service", "process.NAME": "process"}
    sections = {plain.get(table, table): section for table, section in found}
    told = {table: tuple(re.findall(r"<dt>(\w+)", section)) for table, section in sections.items()}
    assert told == settings.keys()


def names_at_the_front_door(reference: str) -> set[str]:
    """What the reference lists as names of `coterie`."""
    table = reference.partition("## coterie\n")[2].partition("\n## ")[0]
    return set(re.findall(r"`(?:~coterie\.\w+\.)?(\w+)`", table))


def test_every_name_of_the_front_door_is_in_the_reference() -> None:
    """What `from coterie import ...` offers is listed, and nothing else is."""
    assert names_at_the_front_door((DOCS / "reference.md").read_text()) == set(coterie.__all__)


def codes_told(errors: str) -> dict[str, tuple[int, bool]]:
    """The table of codes: name -> status, retryable."""
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (yes)? ?\|", errors, re.MULTILINE)
    return {name: (int(status), bool(again)) for name, status, again in rows}


def test_the_sixteen_codes_are_told_as_they_are() -> None:
    """Each with the status it travels as, and whether the call may be sent again."""
    told = codes_told((DOCS / "errors.md").read_text())
    assert told == {code.value: (code.status, code.retryable) for code in Code}


def test_every_verb_is_told(site: Path) -> None:
    """The page of the command line names each, and has its help."""
    page = (DOCS / "rooms" / "cli.md").read_text()
    built = re.sub(r"<[^>]+>", "", (site / "rooms" / "cli.html").read_text())
    assert "up" in SUMMARIES
    assert [verb for verb in SUMMARIES if f"| `coterie {verb}` |" not in page] == []
    assert [verb for verb in SUMMARIES if f"Usage: coterie {verb}" not in built] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_names_is_there(page: Path) -> None:
    """Targets of make exist, and so does every document that is linked to."""
    text = page.read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    asked = re.findall(r"(?:^|`|\$ )make ([a-z-]+)", text, re.MULTILINE)
    assert [target for target in asked if target not in targets] == []
    links = re.findall(r"\]\(([\w./-]+)(?:#[\w-]*)?\)", text)
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.promise("W2-10")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_addresses_on_a_page_are_those_listened_on(page: Path) -> None:
    """What a new system and the shop listen on, or what the page's own commands ask for."""
    text = page.read_text()
    ports = {int(port) for port in re.findall(r"(?:127\.0\.0\.1|localhost):(\d+)", text)}
    asked = {
        int(port)
        for port in re.findall(
            r"(?:(?:coterie up|flask) .*--port |^PORT=)(\d+)", text, re.MULTILINE
        )
    }
    made = tomllib.loads(files("demo")["coterie.toml"])["gateway"]["port"]
    shop = load(ROOT / "examples" / "shop", environment={}).gateway.port
    assert {made, shop} == {GatewaySpec().port}
    assert ports <= {made, *asked}


def test_places_in_the_architecture_exist() -> None:
    """A file that was moved is not looked for where it was."""
    text = (ROOT / "ARCHITECTURE.md").read_text()
    named = re.findall(r"\b((?:[a-z0-9_]+/)+(?:[a-z0-9_]+\.(?:py|toml|md))?)", text)
    homes = (ROOT, ROOT / "src" / "coterie")
    gone = [name for name in named if not any((home / name).exists() for home in homes)]
    assert len(named) > 20
    assert gone == []
