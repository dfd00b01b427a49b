"""The house stands as ARCHITECTURE.md says: the real package keeps every rule of `house.py`.

Each rule has a control: a planted offence that it must notice.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import house

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "coterie"

Rule = Callable[[Path], list[str]]

# rule, a file that offends it, its text
OFFENCES: list[tuple[Rule, str, str]] = [
    (house.vendor_wall, "server/routes.py", "import flask\n"),
    (house.vendor_wall, "client/http.py", "def send():\n    from requests.adapters import Retry\n"),
    (house.hidden_imports, "call/chain.py", "def f():\n    from coterie.contract import Fault\n"),
    (house.hidden_imports, "call/chain.py", "def f():\n    from .reply import Reply\n"),
    (house.hidden_imports, "call/chain.py", "import typing\nif typing.TYPE_CHECKING:\n    1\n"),
    (house.hidden_imports, "call/chain.py", "if 1:\n    import coterie.contract\n"),
    (house.front_door, "call/chain.py", "from coterie import Fault\n"),
    (house.front_door, "call/chain.py", "import coterie\n"),
    (house.long_files, "call/chain.py", "x = 1\n" * 401),
    (house.vague_names, "call/utils.py", ""),
    (house.vague_names, "call/http_helper.py", ""),
    (house.vague_names, "common/__init__.py", ""),
    (house.environment, "server/host.py", "import os\nport = os.environ['PORT']\n"),
    (house.environment, "server/host.py", "from os import getenv\n"),
    (house.rooms, "call/chain.py", ""),
    (house.rooms, "call/__init__.py", "__all__ = ['chain']\n"),
    (house.rooms, "call/__init__.py", '"""What travels."""\n'),
    (house.foreign_words, "call/__init__.py", "# see issue 12\n"),
]


PACKAGE_RULES = dict.fromkeys(rule for rule, _, _ in OFFENCES if rule is not house.foreign_words)


@pytest.mark.parametrize("rule", PACKAGE_RULES)
def test_the_package_keeps_the_rule(rule: Rule) -> None:
    """Nothing in the package breaks the rule."""
    wrong = rule(PACKAGE)
    assert not wrong, "\n".join(wrong)


def test_the_project_speaks_of_itself_alone() -> None:
    """No text of the project leans on a paper that its readers do not have."""
    folders = ["src", "tests", "typing_tests", "tools", "bench", "examples", "docs", "requirements"]
    kinds = {".py", ".md", ".toml", ".in", ".html", ".yaml"}
    files = [
        path
        for name in folders
        for path in (ROOT / name).rglob("*")
        if path.suffix in kinds and "_build" not in path.parts
    ]
    files += [*ROOT.glob("*.md"), ROOT / "pyproject.toml", ROOT / "Makefile", ROOT / ".ci" / "run"]
    told = {"house.py", "test_house.py"}  # they must name what they look for
    wrong = house.foreign_words(ROOT, [path for path in files if path.name not in told])
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("rule", "file", "text"), OFFENCES)
def test_the_rule_notices_an_offence(rule: Rule, file: str, text: str, tmp_path: Path) -> None:
    """Control: a tree with one planted offence does not pass."""
    before = set(rule(tmp_path))
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(text)
    noticed = set(rule(tmp_path)) - before
    assert any(entry.startswith((file, file.partition("/")[0])) for entry in noticed)


def test_a_vendor_that_left_a_file_leaves_the_table_too(tmp_path: Path) -> None:
    """Control: the allow-list shrinks with the code, so it stays the true list."""
    (tmp_path / "clock.py").write_text("import time\n")
    assert house.vendor_wall(tmp_path, {"msgspec": ("clock.py",)}) != []


_ROOTS = """
import sys
before = set(sys.modules)
import {module}
print(*{{name.partition(".")[0] for name in set(sys.modules) - before}})
"""


def vendors_behind(module: str) -> set[str]:
    """Packages of others that a fresh interpreter has loaded after importing the module."""
    command = [sys.executable, "-c", _ROOTS.format(module=module)]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return set(loaded) - set(sys.stdlib_module_names) - {"coterie"}


def test_the_front_door_is_light() -> None:
    """`import coterie` imports no vendor but msgspec: neither a server nor a database."""
    assert vendors_behind("coterie") - vendors_behind("msgspec") == set()


def test_what_an_import_brings_in_is_seen() -> None:
    """Control: a room that does stand on a vendor is seen to load it."""
    assert "sqlalchemy" in vendors_behind("coterie.store")


def test_one_folder_of_tests_is_a_package() -> None:
    """`tests` is this folder; an example's is not a package, or one would be taken for the other."""
    packages = [path.relative_to(ROOT) for path in ROOT.glob("examples/**/tests/__init__.py")]
    assert not packages, f"remove {packages}: pytest tells the folders apart by their path"
