"""The last migration, as the files say it: where they say it plainly, it need not be run."""

from pathlib import Path

import pytest

from coterie.store.written import written_head

FIRST = 'revision = "0001_first"\ndown_revision = None\n'
SECOND = 'revision: str = "0002_second"\ndown_revision: str | None = "0001_first"\n'


def head(folder: Path, **files: str) -> str | None:
    for name, text in files.items():
        (folder / f"{name}.py").write_text(f'"""A step."""\n\n{text}\n\ndef upgrade(): ...\n')
    return written_head(folder)


def test_the_one_that_no_other_follows(tmp_path: Path) -> None:
    assert head(tmp_path, a=FIRST) == "0001_first"
    assert head(tmp_path, b=SECOND) == "0002_second"


@pytest.mark.parametrize(
    "other",
    [
        'revision = "0003"\ndown_revision = "0001_first"\n',  # two come last
        'revision = "0003"\ndown_revision = "0009"\n',  # follows what is not there
        'revision = "0003"\ndown_revision = ("0001_first", "0002_second")\n',  # joins two
        'revision = "0002_second"\ndown_revision = "0001_first"\n',  # is there twice
        'NAME = "0003"\nrevision = NAME\ndown_revision = "0002_second"\n',
        "revision = '0003'\n",
        "",
    ],
)
def test_what_is_not_plain_is_left_to_alembic(tmp_path: Path, other: str) -> None:
    assert head(tmp_path, a=FIRST, b=SECOND, c=other) is None


def test_no_files_say_nothing(tmp_path: Path) -> None:
    assert written_head(tmp_path) is None
    assert written_head(tmp_path / "nowhere") is None
