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

```toml
# tables.toml
[system]
name = "a"

[service.b]
port = 1
[service.b.policy]
timeout = 3
```

```toml
# tables.toml, in part
[service.b]
port = 2

[service.c]
port = 3
```

```console
$ cat tables.toml
[system]
name = "a"

[service.b]
port = 2

[service.b.policy]
timeout = 3

[service.c]
port = 3
```
"""

FOLLOWING = """
```console
$ mkdir bin && export PATH=$PWD/bin:$PATH
$ printf 'echo "ready in 1 s http://127.0.0.1:1 "\\nexec sleep 60\\n' > bin/coterie
$ printf 'echo "$@" >> asked; sed -n "$(wc -l < asked)p" answers\\n' > bin/curl
$ printf 'old\\nold\\nnew\\nother\\n' > answers
$ chmod +x bin/*
```

```console
$ coterie up --reload
ready in ...
```

```console
$ curl http://127.0.0.1:8080/
new
$ curl -d '{}' http://127.0.0.1:8080/
other
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
        ("[service.b]\nport = 2\n\n[service.c]", "[service.b]\n\n[service.c]", "port = 2"),
    ],
)
def test_a_document_that_is_not_true_is_told(
    true: str, untrue: str, told: str, tmp_path: Path
) -> None:
    """Control: each kind of block can be wrong, and is noticed."""
    assert true in RIGHT
    with pytest.raises(SybilFailure, match=told):
        follow(tmp_path, RIGHT.replace(true, untrue, 1))


def test_who_looks_at_a_system_that_follows_its_files_looks_again(tmp_path: Path) -> None:
    """Until it shows what was written; a command that changes something is given once."""
    follow(tmp_path, FOLLOWING)
    with pytest.raises(SybilFailure, match="shown:\nnew\n\nprinted:\nold"):
        follow(tmp_path, FOLLOWING.replace("--reload", "--port 8080"))
    with pytest.raises(SybilFailure, match="shown:\nnew\n\nprinted:\nold"):
        follow(tmp_path, FOLLOWING.replace("$ curl http", "$ curl -X POST http"))


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
