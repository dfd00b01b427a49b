"""Without its extra the room says what to install, and nobody else needs it."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("package", ["sqlalchemy", "alembic", "aiosqlite"])
def test_a_missing_package_names_the_line_to_run(package: str) -> None:
    """Importing the room is an ImportError with the remedy; the core imports all the same."""
    code = f"import sys; sys.modules[{package!r}] = None; import coterie.call; import coterie.store"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert (
        f"coterie.store needs the package {package}: run pip install 'coterie[sql]'" in done.stderr
    )
