"""What users may import is a decision: `make names` writes it down, the change is read in review."""

from pathlib import Path

from tools.names import public_names

WRITTEN = Path(__file__).with_name("public_names.txt")


def test_public_names_are_those_written_down() -> None:
    """No public name comes or goes unnoticed; after a change you mean, run `make names`."""
    written, found = set(WRITTEN.read_text().splitlines()), set(public_names())
    assert {"gone": sorted(written - found), "new": sorted(found - written)} == {
        "gone": [],
        "new": [],
    }
