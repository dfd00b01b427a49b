"""`coterie new`: a project whose logic is all that is left to write."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from coterie.cli.new import files
from tests.cli.conftest import Coterie
from tests.console.process import Command, ask, environment
from tests.system.folder import Folder

BIN = Path(sys.executable).parent


def commands(readme: str) -> list[str]:
    """What a README tells to type, without comments."""
    return [re.sub(r"\s+#.*", "", line[4:]) for line in readme.splitlines() if line[:4] == "    "]


def typed(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A command in a shell that knows what is installed here, and nothing of this run's pytest."""
    path = f"{BIN}:{environment().get('PATH', '')}"
    plain = {k: v for k, v in environment(PATH=path).items() if not k.startswith("PYTEST_")}
    return subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=folder,
        env={
            **plain,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTEST_ADDOPTS": "-p pytest_asyncio.plugin",
        },
        capture_output=True,
        check=False,
        text=True,
    )


@pytest.mark.promise("S1-22")
def test_a_new_project_runs_and_is_sound(tmp_path: Path) -> None:
    """It answers, its README is true, and pytest, mypy, pyright and ruff find nothing wrong."""
    with Command("new", tmp_path / "web-shop") as made:
        assert made.ends() == 0, made.err.text
    folder = tmp_path / "web-shop"
    told = commands((folder / "README.md").read_text())
    outside = {"coterie up", "curl http://127.0.0.1:8080/hello/world"}
    outside.add("coterie call greeter.greet name=world")
    assert outside <= set(told)
    with Command("up", "--port", "0", cwd=folder) as command:
        port = command.ready()
        assert ask(port, "/hello/world").json() == {"message": "Hello, world!"}
        assert ask(port, "/docs").status == 200
        url = f"--url http://127.0.0.1:{port}"
        called = typed(f"coterie call greeter.greet name=world {url}", folder)
        assert called.stdout == '{"message":"Hello, world!"}\n', called.stderr
        tools = [command for command in told if command not in outside]
        assert {word.split()[0] for word in tools} == {
            "coterie",
            "pytest",
            "mypy",
            "pyright",
            "ruff",
        }
        for tool in tools:
            done = typed(tool, folder)
            assert done.returncode == 0, f"$ {tool}\n{done.stdout}{done.stderr}"
            assert "warning" not in (done.stdout + done.stderr).replace("0 warnings", "").lower()
    # The typed service, not the template, is what is checked: a mistake is found.
    service = folder / "web_shop" / "services" / "greeter.py"
    service.write_text(service.read_text().replace("Greeting(f", "str(f"))
    assert typed("mypy", folder).returncode == 1
    assert typed("pyright", folder).returncode == 1


def test_it_says_what_it_wrote(coterie: Coterie, home: Folder) -> None:
    """Every file, and what to type next."""
    done = coterie("new", "demo")
    assert done.code == 0
    *lines, last = done.out.splitlines()
    assert lines == [f"  demo/{path}" for path in files("demo")]
    assert last == "made demo. Next: cd demo && coterie up"
    written = {str(p.relative_to("demo")) for p in Path("demo").rglob("*") if p.is_file()}
    assert written == set(files("demo"))
    assert coterie("check", "demo").out == "demo: no problems (greeter)\n"


def test_a_folder_may_be_elsewhere(coterie: Coterie, home: Folder) -> None:
    """The last part of a path is the name; a dot is the folder one stands in."""
    done = coterie("new", "some where/my-shop")
    assert done.out.endswith("made my-shop. Next: cd 'some where/my-shop' && coterie up\n")
    assert (home.path / "some where" / "my-shop" / "my_shop" / "__init__.py").is_file()
    (home.path / "some where").rename(home.path / "away")
    shutil.rmtree(home.path / "away")
    (home.path / ".git").mkdir()
    done = coterie("new", ".")
    assert done.code == 0
    assert done.out.endswith("made home. Next: coterie up\n")
    assert coterie("new", home.path / "other", "--json").json() == {
        "name": "other",
        "folder": str(home.path / "other"),
        "files": list(files("other")),
    }


@pytest.mark.parametrize("there", ["notes.txt", ".gitignore", "demo"])
def test_nothing_is_overwritten(coterie: Coterie, home: Folder, there: str) -> None:
    """A folder that holds anything of anybody's stays as it is."""
    home.write(f"demo/{there}", "mine")
    done = coterie("new", "demo")
    assert done.code == 1
    assert f"demo exists and is not empty ({there})" in done.err
    assert [path.name for path in Path("demo").iterdir()] == [there]
    assert (home.path / "demo" / there).read_text() == "mine"


def test_a_file_is_not_overwritten_either(coterie: Coterie, home: Folder) -> None:
    """Nor is one that has the folder's name, or stands where it should be made."""
    home.write("demo", "mine")
    assert "demo is a file" in coterie("new", "demo").err
    done = coterie("new", "demo/inside")
    assert done.code == 1
    assert "cannot be written" in done.err
    assert (home.path / "demo").read_text() == "mine"


NAMES = {
    "MyShop": "such as my-shop",
    "my_shop": "such as my-shop",
    "9lives": "such as lives",
    "-shop": "No such option",
    "a--": "such as a",
    "ünder": "lowercase letters",
    "x" * 64: "lowercase letters",
    "class": "a word of Python itself",
    "match": "a word of Python itself",
    "email": "would hide a module of Python's own",
    "tests": "would hide a module of Python's own",
    "coterie": "a Python package coterie is installed",
    "msgspec": "a Python package msgspec is installed",
}


@pytest.mark.parametrize(("name", "why"), NAMES.items())
def test_names_that_would_not_work(coterie: Coterie, home: Folder, name: str, why: str) -> None:
    """Each is refused before anything is written, and a better one proposed where there is one."""
    done = coterie("new", name)
    assert done.code == 2
    assert why in done.err
    assert list(home.path.iterdir()) == []
