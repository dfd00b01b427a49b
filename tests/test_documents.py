"""Documents are held to what they show: each kind of block, and what it is like when it is wrong."""

from pathlib import Path

import pytest
from sybil.example import SybilFailure

from tests.documents import documents
from tests.terminal import commands

RIGHT = """
```python
# hello.py
WORD = "hello"
```

```python
from hello import WORD

async def word() -> str:
    return WORD

print(await word())
```

```text
hel...
```

```console
$ mkdir -p inner && cd inner
$ export NAME=value
```

```console
$ echo $NAME in $(basename $(pwd)) \\
    at 127.0.0.1:8080
value in inner at ...
```

```toml
# some.toml
port = 1
```

```toml
# some.toml, as made
# some.toml
port = 1
```
"""


def follow(folder: Path, text: str) -> None:
    """Do what a document says. Raises what a block that is not true raises."""
    page = folder / "page.md"
    page.write_text(text)
    document = documents.parse(page)
    begin, end = documents.setup, documents.teardown
    assert begin is not None
    assert end is not None
    begin(document.namespace)
    try:
        for example in document.examples():
            example.evaluate()
    finally:
        end(document.namespace)


def test_a_document_that_is_true_passes(tmp_path: Path) -> None:
    """Files, code, what it prints, commands, what they print; folder and variables last."""
    follow(tmp_path, RIGHT)


@pytest.mark.parametrize(
    ("true", "untrue", "told"),
    [
        ("hel...", "goodbye", "printed:\nhello"),
        ("value in inner", "nothing in inner", "printed:\nvalue in inner"),
        ("mkdir -p inner", "mkdir -p /dev/null/inner", "ended with"),
        ("# some.toml\nport = 1\n```\n\n", "# some.toml\nport = 2\n```\n\n", "not as it is made"),
        ("```toml\n# some.toml\n", "```toml\n", "begins with its file's name"),
    ],
)
def test_a_document_that_is_not_true_is_told(
    true: str, untrue: str, told: str, tmp_path: Path
) -> None:
    """Control: each kind of block can be wrong, and is noticed."""
    assert true in RIGHT
    with pytest.raises(SybilFailure, match=told):
        follow(tmp_path, RIGHT.replace(true, untrue, 1))


def test_a_document_leaves_nothing_behind(tmp_path: Path) -> None:
    """The next document, and the next test, find Python as it was."""
    before = Path.cwd()
    follow(tmp_path, RIGHT)
    assert Path.cwd() == before
    with pytest.raises(ModuleNotFoundError):
        __import__("hello")


def test_a_block_of_commands_is_read_as_it_is_meant() -> None:
    """What follows a command is its output; a backslash goes on."""
    assert commands("$ a\n$ b \\\n  c\nout\n\nmore") == [("a", ""), ("b \\\n  c", "out\n\nmore\n")]
    with pytest.raises(ValueError, match="begins with a command"):
        commands("out")
